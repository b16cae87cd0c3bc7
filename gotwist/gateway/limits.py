"""Limits of one client: how much it may send, and how many may be there."""

from __future__ import annotations

from dataclasses import dataclass, field


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
    most_messages: float = field(init=False)
    most_bytes: float = field(init=False)
    most_acks: float = field(init=False)

    def __post_init__(self) -> None:
        # The burst of each, once for all clients.
        for name in ("messages", "bytes", "acks"):
            object.__setattr__(self, f"most_{name}", getattr(self, f"{name}_per_s") * self.burst)


class Bucket:
    """A budget that fills with time: ``rate`` a second, up to ``rate * burst``."""

    __slots__ = ("_at", "_capacity", "_left", "_rate")

    def __init__(self, rate: float, burst: float, now: float) -> None:
        self._rate = rate
        self._capacity = self._left = rate * burst
        self._at = now

    def take(self, amount: float, now: float) -> bool:
        """Spend ``amount``; False when it is not there, and then nothing is spent."""
        refilled = self._left + (now - self._at) * self._rate
        self._left = min(refilled, self._capacity)
        self._at = now
        if self._left < amount:
            return False
        self._left -= amount
        return True


class Budget:
    """What one client may send: messages, bytes, and acknowledgements apart from both.

    Each fills with time, up to what may come at once.  A flood of output is acknowledged
    thousands of times a second by a client that does nothing wrong, so these do not count as
    messages.
    """

    __slots__ = ("_acks", "_at", "_bytes", "_limits", "_messages")

    def __init__(self, limits: Limits, now: float) -> None:
        self._limits = limits
        self._at = now
        self._messages = limits.most_messages
        self._bytes = limits.most_bytes
        self._acks = limits.most_acks

    def spend(self, size: int, is_ack: bool, now: float) -> str | None:
        """Account for one message of ``size`` bytes; says what is too much, if anything."""
        # The clock is looked at only when a purse seems empty.
        if is_ack:
            if self._acks < 1:
                self._refill(now)
                if self._acks < 1:
                    return "too many acknowledgements"
            self._acks -= 1
            return None
        if self._messages < 1 or self._bytes < size:
            self._refill(now)
        if self._messages < 1:
            return "too many messages"
        self._messages -= 1
        if self._bytes < size:
            return "too many bytes"
        self._bytes -= size
        return None

    def _refill(self, now: float) -> None:
        limits, passed = self._limits, now - self._at
        self._at = now
        self._messages = min(limits.most_messages, self._messages + passed * limits.messages_per_s)
        self._bytes = min(limits.most_bytes, self._bytes + passed * limits.bytes_per_s)
        self._acks = min(limits.most_acks, self._acks + passed * limits.acks_per_s)
