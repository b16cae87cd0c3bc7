"""Rounds: everybody is visited once in an interval, by one timer for all."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

from gotwist.gateway.house import Clock, Timer

T = TypeVar("T", bound=Hashable)

PARTS = 20


class Rounds(Generic[T]):
    """Visits each member about once in ``interval_s``, for the first time when that has passed.

    The interval has parts, each with members of its own, so that thousands are not visited at
    once.  A timer for each member would cost 400 bytes; this costs 50.

    :param visit: called with one member; it may add and remove any.
    """

    def __init__(self, clock: Clock, interval_s: float, visit: Callable[[T], None]) -> None:
        self._clock = clock
        self._step_s = interval_s / PARTS
        self._visit = visit
        self._parts: list[set[T]] = [set() for _ in range(PARTS)]
        self._at = 0
        self._due = 0.0
        self._timer: Timer | None = None

    def add(self, member: T) -> None:
        """Visit this one from now on."""
        if self._timer is None:
            self._due = self._clock.now() + self._step_s
            self._timer = self._clock.call_later(self._step_s, self._turn)
        self._parts[self._at].add(member)

    def remove(self, member: T) -> None:
        """Visit this one no more; who is not visited is no error."""
        for part in self._parts:
            if member in part:
                part.remove(member)
                break
        self._rest()

    def _rest(self) -> None:
        """Let no timer run for nobody."""
        if self._timer is not None and not any(self._parts):
            self._timer.cancel()
            self._timer = None

    def _turn(self) -> None:
        now = self._clock.now()
        failed: Exception | None = None
        # A step that came late has its members visited late, and none of them twice at once.
        for _ in range(PARTS):
            if self._due > now:
                break
            self._due += self._step_s
            self._at = (self._at + 1) % PARTS
            for member in tuple(self._parts[self._at]):
                try:
                    if member in self._parts[self._at]:
                        self._visit(member)
                except Exception as failure:
                    # Nobody else's visit may depend on that.
                    failed = failure
        self._due = max(self._due, now)
        if self._timer is not None:
            # Somebody came after the last had left, in the midst of this.
            self._timer.cancel()
        self._timer = self._clock.call_later(self._due - now, self._turn)
        self._rest()
        if failed is not None:
            raise failed
