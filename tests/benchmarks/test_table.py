"""Tests of benchmarks.table: what people and programs get to see."""

import json

from twisted.trial.unittest import SynchronousTestCase

from benchmarks.goals import GOALS
from benchmarks.measure import Goal, Measure, Results
from benchmarks.table import as_json, render_goals, render_results

SPEED = Measure("speed", "throughput", "MB/s")
GOAL = Goal("speed", 1.25, "ttyd", at_least=True)


def measured(ours: float | None) -> Results:
    """One round beside ttyd."""
    results = Results()
    results.add(SPEED, "ttyd", 0, 100.0)
    if ours is not None:
        results.add(SPEED, "gotwist", 0, ours)
    return results


class TableTests(SynchronousTestCase):
    """The two tables."""

    def test_shows_values_and_ratios(self) -> None:
        """A cell shows the median, and the ratio to ttyd for the others."""
        lines = render_results(measured(130.0), ["gotwist", "ttyd", "wetty"]).splitlines()
        self.assertEqual(lines[0].split(), ["unit", "gotwist", "ttyd", "wetty"])
        self.assertEqual(lines[2].split(), ["throughput", "MB/s", "130.0", "(1.30)", "100.0", "-"])

    def test_says_pass_and_miss(self) -> None:
        """A goal that is met says so, one that is not cannot be overlooked."""
        self.assertIn("pass", render_goals(measured(125.0), [GOAL]))
        self.assertIn("MISS", render_goals(measured(124.0), [GOAL]))

    def test_does_not_judge_what_was_not_measured(self) -> None:
        """Without gotwist there is no verdict, and a benchmark left out has no goals."""
        self.assertIn("not measured", render_goals(measured(None), [GOAL]))
        self.assertEqual(render_goals(Results(), [GOAL]), "")
        self.assertEqual(render_results(Results(), ["ttyd"]), "nothing was measured")

    def test_json_holds_every_sample(self) -> None:
        """The document has samples, medians, ratios and verdicts, and is JSON."""
        document = json.loads(json.dumps(as_json(measured(130.0), [GOAL])))
        ours = document["measures"]["speed"]["servers"]["gotwist"]
        self.assertEqual(ours["samples"], {"0": 130.0})
        self.assertEqual(ours["ratio_to_ttyd"], 1.3)
        self.assertEqual(document["goals"][0]["verdict"], "pass")

    def test_goals_are_said_once(self) -> None:
        """No goal stands twice for the same measure and base."""
        pairs = [(goal.key, goal.base) for goal in GOALS]
        self.assertEqual(len(pairs), len(set(pairs)))
