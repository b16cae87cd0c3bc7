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


class Budget:
    """What one client may send: messages, bytes, and acknowledgements apart from both.

    A flood of output is acknowledged thousands of times a second by a client that does nothing
    wrong, so these do not count as messages.
    """

    __slots__ = ("_acks", "_bytes", "_messages")

    def __init__(self, limits: Limits, now: float) -> None:
        self._messages = Bucket(limits.messages_per_s, limits.burst, now)
        self._bytes = Bucket(limits.bytes_per_s, limits.burst, now)
        self._acks = Bucket(limits.acks_per_s, limits.burst, now)

    def spend(self, size: int, is_ack: bool, now: float) -> str | None:
        """Account for one message of ``size`` bytes; says what is too much, if anything."""
        if is_ack:
            return None if self._acks.take(1, now) else "too many acknowledgements"
        if not self._messages.take(1, now):
            return "too many messages"
        return None if self._bytes.take(size, now) else "too many bytes"
