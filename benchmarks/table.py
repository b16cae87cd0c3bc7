"""The results as text for people and as JSON for programs."""

from collections.abc import Sequence

from benchmarks.measure import Goal, Measure, Results

SUBJECT = "gotwist"
BASE = "ttyd"


def _cell(results: Results, measure: Measure, server: str) -> str:
    value = results.find_median(measure.key, server)
    if value is None:
        return "-"
    text = f"{value:,.{measure.digits}f}"
    ratio = results.find_ratio(measure.key, server, BASE) if measure.compared else None
    return text if server == BASE or ratio is None else f"{text} ({ratio:.2f})"


def _columns(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(len(row[at]) for row in rows) for at in range(len(rows[0]))]
    lines = []
    for row in rows:
        cells = [row[0].ljust(widths[0])]
        cells += [cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)]
        lines.append("  ".join(cells).rstrip())
    lines.insert(1, "  ".join("-" * width for width in widths))
    return lines


def render_results(results: Results, servers: Sequence[str]) -> str:
    """Medians, and in brackets the median of the per-round ratios to ttyd."""
    rows = [["", "unit", *servers]]
    for measure in results.measures.values():
        cells = [_cell(results, measure, server) for server in servers]
        rows.append([measure.title, measure.unit, *cells])
    return "\n".join(_columns(rows)) if len(rows) > 1 else "nothing was measured"


def judge(results: Results, goal: Goal) -> tuple[str, str]:
    """gotwist's figure for a goal, and ``pass``, ``MISS`` or why there is no verdict."""
    value = results.find_value(goal, SUBJECT)
    if value is None:
        return "-", "not measured"
    digits = results.measures[goal.key].digits if goal.base is None else 2
    return f"{value:,.{digits}f}", "pass" if goal.met_by(value) else "MISS"


def render_goals(results: Results, goals: Sequence[Goal]) -> str:
    """The goals whose measures took part in this run, with the verdicts."""
    rows = [["goal", "is", "must be", "verdict"]]
    for goal in goals:
        measure = results.measures.get(goal.key)
        if measure is None:
            continue
        sign = ">=" if goal.at_least else "<="
        unit = f"x {goal.base}" if goal.base else measure.unit
        value, verdict = judge(results, goal)
        rows.append([measure.title, value, f"{sign} {goal.limit:,g} {unit}", verdict])
    return "\n".join(_columns(rows)) if len(rows) > 1 else ""


def as_json(results: Results, goals: Sequence[Goal]) -> dict[str, object]:
    """Everything: samples in round order, medians, ratios, verdicts."""
    measures: dict[str, object] = {}
    for key, measure in results.measures.items():
        servers: dict[str, object] = {}
        for server, samples in results.samples[key].items():
            servers[server] = {
                "median": results.find_median(key, server),
                f"ratio_to_{BASE}": results.find_ratio(key, server, BASE),
                "samples": {str(turn): value for turn, value in sorted(samples.items())},
            }
        measures[key] = {"title": measure.title, "unit": measure.unit, "servers": servers}
    verdicts = []
    for goal in goals:
        if goal.key in results.measures:
            verdicts.append(
                {
                    "key": goal.key,
                    "base": goal.base,
                    "limit": goal.limit,
                    "at_least": goal.at_least,
                    "value": results.find_value(goal, SUBJECT),
                    "verdict": judge(results, goal)[1],
                }
            )
    return {"measures": measures, "goals": verdicts}
