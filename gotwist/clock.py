"""Time: a reactor that follows the monotonic clock, and what pure code calls a clock.

Ages and timers compare monotonic seconds; the wall clock serves only what leaves the
process or survives it (cookies, signed timestamps, file times).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Protocol

#: Seconds since some point in time: ``time.time`` in earnest, a closure in tests.
WallClock = Callable[[], float]

system_wall_clock: WallClock = time.time


class Clock(Protocol):
    """Whatever tells monotonic seconds: the reactor, or Twisted's ``Clock`` in tests."""

    def seconds(self) -> float:
        """The seconds passed since an arbitrary point that never changes."""


class PendingCall(Protocol):
    """The part of a delayed call that moving it onto another clock needs."""

    def getTime(self) -> float:
        """The time at which the call is due, on the clock it was made with."""

    def reset(self, secondsFromNow: float, /) -> None:
        """Put the call off until so many seconds from now."""


class TimedReactor(Protocol):
    """The part of a reactor that :func:`install_monotonic` touches."""

    def seconds(self) -> float:
        """The time on its clock."""

    def getDelayedCalls(self) -> Sequence[PendingCall]:
        """All calls that are still to come."""


def install_monotonic(reactor: TimedReactor, seconds: Callable[[], float] = time.monotonic) -> None:
    """Make ``reactor`` count time with ``seconds`` instead of the wall clock.

    Twisted's reactors ask ``self.seconds`` for every timer, and its default is the wall
    clock: setting that forward fires every timer at once, setting it back stops them all.
    Calls already pending keep the time they have left.  Doing it twice changes nothing.
    """
    before = reactor.seconds
    if before is seconds:
        return
    pending = [(call, max(0.0, call.getTime() - before())) for call in reactor.getDelayedCalls()]
    reactor.seconds = seconds  # type: ignore[method-assign]
    for call, left_s in pending:
        # A delayed call remembers the clock it was made with and asks it in reset().
        call.seconds = seconds  # type: ignore[attr-defined]
        call.reset(left_s)
