"""Limits of one client: how much it may send, and how many may be there."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """What one client, user and address may use."""

    messages_per_s: float = 200.0
    bytes_per_s: float = 256.0 * 1024
    acks_per_s: float = 10_000.0
    burst: float = 5.0
    """How many seconds' worth may come at once."""
    clients_per_user: int = 16
    clients_per_address: int = 64
    unauthenticated_per_address: int = 16
    authentication_s: float = 15.0
    recheck_s: float = 60.0
    stalled_s: float = 60.0
    max_unsent: int = 256 * 1024
    """Bytes that may wait for a client that does not read, beyond the transport's own mark."""


class Bucket:
    """A budget that fills with time: ``rate`` a second, up to ``rate * burst``."""

    __slots__ = ("_at", "_capacity", "_left", "_rate")

    def __init__(self, rate: float, burst: float, now: float) -> None:
        self._rate = rate
        self._capacity = self._left = rate * burst
        self._at = now

    def take(self, amount: float, now: float) -> bool:
        """Spend ``amount``; False when it is not there, and then nothing is spent."""
        left = self._left - amount
        if left < 0:
            # The clock is looked at only when the purse seems empty.
            refilled = self._left + (now - self._at) * self._rate
            self._left = refilled if refilled < self._capacity else self._capacity
            self._at = now
            left = self._left - amount
            if left < 0:
                return False
        self._left = left
        return True
