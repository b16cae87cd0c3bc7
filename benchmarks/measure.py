"""Samples, medians of per-round ratios, and goals: arithmetic only."""

import math
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class Measure:
    """One thing measured: a row of the table."""

    key: str
    title: str
    unit: str
    digits: int = 1
    #: Whether a ratio to another server says anything.
    compared: bool = True


@dataclass(frozen=True)
class Goal:
    """What gotwist's value must be, as a ratio to ``base`` or, without one, in its unit."""

    key: str
    limit: float
    base: str | None = None
    at_least: bool = False

    def met_by(self, value: float) -> bool:
        """Judge."""
        return value >= self.limit if self.at_least else value <= self.limit


@dataclass
class Results:
    """All samples of a run: by measure, server and round."""

    measures: dict[str, Measure] = field(default_factory=dict)
    samples: dict[str, dict[str, dict[int, float]]] = field(default_factory=dict)

    def add(self, measure: Measure, server: str, turn: int, value: float) -> None:
        """Note one sample."""
        self.measures.setdefault(measure.key, measure)
        self.samples.setdefault(measure.key, {}).setdefault(server, {})[turn] = value

    def find_median(self, key: str, server: str) -> float | None:
        """The median of a server's samples, if it has any."""
        values = self.samples.get(key, {}).get(server)
        return statistics.median(values.values()) if values else None

    def find_ratio(self, key: str, server: str, base: str) -> float | None:
        """The median of the ratios of those rounds in which both were measured."""
        ours = self.samples.get(key, {}).get(server, {})
        theirs = self.samples.get(key, {}).get(base, {})
        ratios = [ours[turn] / theirs[turn] for turn in ours if theirs.get(turn)]
        return statistics.median(ratios) if ratios else None

    def find_value(self, goal: Goal, server: str) -> float | None:
        """What a goal judges."""
        if goal.base is None:
            return self.find_median(goal.key, server)
        return self.find_ratio(goal.key, server, goal.base)


def percentile(values: Iterable[float], percent: float) -> float:
    """The smallest value that is not exceeded by ``percent`` of the values."""
    ordered = sorted(values)
    if not ordered:
        raise ValueError("no values")
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]


def turn_order(servers: Sequence[T], turn: int) -> list[T]:
    """A B, then B A, and so on."""
    return list(servers) if turn % 2 == 0 else list(reversed(servers))
