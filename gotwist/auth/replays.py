"""What has been used once and must not be used again: the memory against replays."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol

from gotwist.errors import Unavailable


class Replays(Protocol):
    """Remembers marks for a while, for the whole house."""

    def remember(self, mark: str, ttl_s: float) -> Awaitable[bool]:
        """Note ``mark`` for ``ttl_s`` seconds, and tell whether it was new.

        Asking and noting are one step: of two that ask at once, one is told yes.

        :raises Unavailable: when no more can be noted; then nothing may be let in.
        """


class MemoryReplays:
    """Remembers for one process, and for as long as that lives.

    Bounded; when it is full it notes nothing more, because forgetting what still counts would
    let it be used again.

    :param now: monotonic seconds.
    """

    def __init__(self, now: Callable[[], float], limit: int = 100_000) -> None:
        self._now = now
        self._limit = limit
        self._deadlines: dict[str, float] = {}

    def __len__(self) -> int:
        return len(self._deadlines)

    async def remember(self, mark: str, ttl_s: float) -> bool:
        """See :class:`Replays`."""
        now = self._now()
        while self._deadlines and next(iter(self._deadlines.values())) < now:
            del self._deadlines[next(iter(self._deadlines))]
        if now <= self._deadlines.get(mark, now - 1):
            return False
        if len(self._deadlines) >= self._limit:
            self._forget_expired(now)
        if len(self._deadlines) >= self._limit:
            raise Unavailable("Too many sign-ins at once; try again in a minute.")
        self.note(mark, ttl_s)
        return True

    def note(self, mark: str, ttl_s: float) -> None:
        """Note a mark without asking."""
        self._deadlines.pop(mark, None)
        self._deadlines[mark] = self._now() + ttl_s

    def marks(self) -> list[tuple[str, float]]:
        """What is remembered, and for how many seconds more."""
        now = self._now()
        return [(mark, at - now) for mark, at in self._deadlines.items() if at >= now]

    def _forget_expired(self, now: float) -> None:
        # The oldest ones go by themselves; behind one with a longer time others may wait.
        gone = [mark for mark, deadline in self._deadlines.items() if deadline < now]
        for mark in gone:
            del self._deadlines[mark]
