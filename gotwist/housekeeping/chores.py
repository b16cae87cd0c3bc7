"""Chores: what a periodic duty is, and what is remembered of its rounds."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

#: One round of a duty.  It may be a plain function or give something to wait for; rounds of
#: one chore never overlap.
Duty = Callable[[], Awaitable[object] | object]

_SHORTEST_S = 0.05


@dataclass(frozen=True)
class Chore:
    """One periodic duty."""

    name: str
    #: Seconds between the beginnings of two rounds; a callable is asked before each pause,
    #: so that changed settings count.
    interval_s: float | Callable[[], float]
    run: Duty
    #: ``run`` waits for the disk or the like, so it is called in a thread.
    blocking: bool = False

    def current_interval_s(self) -> float:
        """The interval now in force, never so short that nothing else would run."""
        interval_s = self.interval_s() if callable(self.interval_s) else self.interval_s
        return max(_SHORTEST_S, interval_s)


@dataclass(frozen=True)
class Record:
    """How the rounds of a chore went so far."""

    rounds: int = 0
    failures: int = 0
    #: Failed rounds since the last good one.
    failures_in_a_row: int = 0
    last_duration_s: float = 0.0
    total_duration_s: float = 0.0

    def after(self, duration_s: float, *, failed: bool) -> Record:
        """The record with one more round in it."""
        return replace(
            self,
            rounds=self.rounds + 1,
            failures=self.failures + failed,
            failures_in_a_row=self.failures_in_a_row + 1 if failed else 0,
            last_duration_s=duration_s,
            total_duration_s=self.total_duration_s + duration_s,
        )
