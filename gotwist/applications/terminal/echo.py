"""Waiting for an echo: a keystroke's answer is mostly there before the reactor turns again.

Between a key written to the pseudo-terminal and its echo in the ring lie some tens of
microseconds.  Going back to the reactor meanwhile costs more than that: it sleeps, is woken by
the bell, and finds its way to the terminal again.  So the daemon looks at the ring for a
moment first.  The moment is short, bounded in total, and not taken while output floods, when
others need the processor more.
"""

from __future__ import annotations

import time
from collections.abc import Callable

WAIT_NS = 120_000
#: Waiting may take this share of all time, and this much in a row.
SHARE = 0.1
CREDIT_NS = 20_000_000
#: After a piece of output this large nobody waits for so long.
FLOOD_BYTES = 4_096
FLOOD_NS = 50_000_000


class EchoWait:
    """Decides whether to wait, and waits.

    :param now_ns: monotonic nanoseconds
    """

    __slots__ = ("_credit_at", "_credit_ns", "_flooded_until", "_now_ns")

    def __init__(self, now_ns: Callable[[], int] = time.monotonic_ns) -> None:
        self._now_ns = now_ns
        self._credit_ns = CREDIT_NS
        self._credit_at = now_ns()
        self._flooded_until = 0

    def note_flood(self) -> None:
        """Somebody's output comes in large pieces just now."""
        self._flooded_until = self._now_ns() + FLOOD_NS

    def until_moved(self, head: Callable[[int], int], slot: int, before: int) -> bool:
        """Wait until a slot's head has left ``before``, if that is worth it.

        :returns: whether there is something new
        """
        now_ns = self._now_ns
        start = now_ns()
        if start < self._flooded_until:
            return False
        earned = int((start - self._credit_at) * SHARE)
        self._credit_at = start
        self._credit_ns = min(CREDIT_NS, self._credit_ns + earned)
        if self._credit_ns < WAIT_NS:
            return False
        end = start + WAIT_NS
        now = start
        while head(slot) == before and now < end:
            now = now_ns()
        self._credit_ns -= now - start
        return head(slot) != before
