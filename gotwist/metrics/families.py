"""Families of metrics: what is counted, under which name, with which labels."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import Enum


class Kind(Enum):
    """Whether a number only grows (as long as the daemon runs) or goes up and down."""

    COUNTER = "counter"
    GAUGE = "gauge"


@dataclass(frozen=True)
class Family:
    """One metric; ``samples`` has a number for each combination of the labels' values.

    The name of a counter is written without its ``_total``, which the format adds.
    """

    name: str
    help: str
    kind: Kind
    labels: tuple[str, ...]
    samples: Mapping[tuple[str, ...], float]


Source = Callable[[], Iterable[Family]]
"""Reads numbers at the moment they are asked for; must not wait."""


def counter(name: str, help: str, samples: Mapping[tuple[str, ...], float], *labels: str) -> Family:
    """A family of numbers that only grow."""
    return Family(name, help, Kind.COUNTER, labels, samples)


def gauge(name: str, help: str, samples: Mapping[tuple[str, ...], float], *labels: str) -> Family:
    """A family of numbers that go up and down."""
    return Family(name, help, Kind.GAUGE, labels, samples)


def single(number: float) -> Mapping[tuple[str, ...], float]:
    """The samples of a family without labels."""
    return {(): number}
