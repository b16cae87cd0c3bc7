"""Tickets: what a proven user's daemon shows to have a terminal opened as that user.

The daemon keeps the ticket, the keeper only its hash.  A ticket is for one user, ends by itself
and can be ended before.
"""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Callable

MAX_TICKETS = 10_000
LENGTH = 64


def boot_time() -> float:
    """Seconds that cannot be set back, and go on while the machine sleeps."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class Ticket:
    """For whom a ticket is: the account as it was when it was proven.

    :ivar rhost: the address from which it was proven
    :ivar min_uid: accounts below this are refused
    """

    __slots__ = ("expires", "min_uid", "rhost", "uid", "user")

    def __init__(self, user: str, uid: int, rhost: str, min_uid: int) -> None:
        self.user = user
        self.uid = uid
        self.rhost = rhost
        self.min_uid = min_uid
        self.expires = 0.0


class Tickets:
    """All tickets of one keeper's life."""

    def __init__(self, now: Callable[[], float] = boot_time, limit: int = MAX_TICKETS) -> None:
        self._now = now
        self._limit = limit
        self._tickets: dict[bytes, Ticket] = {}

    def __len__(self) -> int:
        return len(self._tickets)

    def issue(self, ticket: Ticket, life_s: float) -> str:
        """Make the text that stands for a ticket from now on."""
        ticket.expires = self._now() + life_s
        if len(self._tickets) >= self._limit:
            self.forget_expired()
        if len(self._tickets) >= self._limit:
            # The oldest: it was in use the longest.
            del self._tickets[next(iter(self._tickets))]
        text = secrets.token_hex(LENGTH // 2)
        self._tickets[_hashed(text)] = ticket
        return text

    def find(self, text: str, user: str) -> Ticket | None:
        """The ticket of that text, when it is this user's and still holds.

        Found by its hash, so the time taken tells nothing about the text.
        """
        ticket = self._tickets.get(_hashed(text))
        if ticket is None or ticket.user != user or ticket.expires <= self._now():
            return None
        return ticket

    def forget(self, text: str) -> None:
        """End a ticket now."""
        self._tickets.pop(_hashed(text), None)

    def forget_expired(self) -> None:
        """Drop what nobody can use any more."""
        now = self._now()
        for key in [key for key, ticket in self._tickets.items() if ticket.expires <= now]:
            del self._tickets[key]


def _hashed(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "replace")).digest()
