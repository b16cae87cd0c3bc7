"""One client looking at one terminal: what it was sent, what it has drawn, when it must wait.

All numbers are absolute byte offsets.  ``acked <= sent <= head``; the window between
``acked`` and ``sent`` is what keeps a slow browser from burying itself, and is the only
brake of ours: the socket's own back pressure comes from the client.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import Protocol

from gotwist.gateway import frames

#: Bytes a viewer may have been sent but not yet drawn.  Ctrl-C under a flood is answered
#: after what is in the window has been drawn; more only helps links beyond 50 ms.
WINDOW = 512 * 1024
OUTPUT = int(frames.Kind.OUTPUT)
#: Output bytes in one frame at most.
FRAME = frames.MAX_OUTPUT
#: An input stream is acknowledged at once after this many bytes, otherwise after a pause.
INPUT_ACK_STEP = 32_768


class Ring(Protocol):
    """The read side of the arena (docs/protocol.md, section 3)."""

    def head(self, slot: int) -> int:
        """Offset after the newest byte of a slot."""

    def tail(self, slot: int) -> int:
        """Lowest offset that is safe to read now."""

    def view(self, slot: int, start: int, end: int) -> tuple[memoryview, ...]:
        """The bytes ``[start, end)`` without a copy, in one to three pieces.

        :raises IndexError: when they are not in the ring any more
        """


class Port(Protocol):
    """What a viewer needs of its client."""

    @property
    def is_writable(self) -> bool:
        """False while the transport holds more than its mark."""

    def send(self, action: str, value: object) -> None:
        """Send one action; does nothing once the client is gone."""

    def send_frame(self, *buffers: bytes | memoryview) -> None:
        """Send one binary frame; copies whatever it cannot send at once."""

    def send_wire(self, *buffers: bytes | memoryview) -> None:
        """Send a whole WebSocket frame likewise (:func:`frames.wire_header`)."""


class Pumped(Enum):
    """How far sending has come."""

    #: Everything is sent, or this viewer is to get nothing now.
    DONE = 0
    #: More waits than the viewer or its socket takes.
    BLOCKED = 1
    #: What the viewer needs next is gone from the ring; it must be resynchronised.
    LOST = 2


class Viewer:
    """The state of one client's view of one terminal."""

    __slots__ = (
        "acked",
        "applied",
        "applied_told",
        "aside",
        "blocked_since",
        "columns",
        "is_syncing",
        "number",
        "port",
        "rows",
        "sent",
        "slot",
        "stream",
        "told_exit",
    )

    def __init__(
        self, port: Port, slot: int, number: int, stream: int, rows: int, columns: int
    ) -> None:
        self.port = port
        self.slot = slot
        self.number = number
        self.stream = stream
        self.rows = rows
        self.columns = columns
        self.sent = 0
        self.acked = 0
        self.applied = 0
        self.applied_told = 0
        self.blocked_since: float | None = None
        self.aside = False
        self.is_syncing = True
        self.told_exit = False

    def begin(self, offset: int) -> None:
        """Start (again) at an offset, after the client was told so."""
        self.sent = self.acked = offset
        self.blocked_since = None
        self.aside = False
        self.is_syncing = False

    def pump(self, ring: Ring) -> Pumped:
        """Send what may be sent now."""
        if self.is_syncing or self.aside:
            return Pumped.DONE
        slot, port = self.slot, self.port
        head = ring.head(slot)
        while (start := self.sent) < head:
            limit = self.acked + WINDOW
            if start >= limit or not port.is_writable:
                return Pumped.BLOCKED
            end = min(head, limit, start + FRAME)
            try:
                pieces = ring.view(slot, start, end)
            except IndexError:
                return Pumped.LOST
            port.send_wire(frames.wire_header(OUTPUT, self.number, start, end - start), *pieces)
            self.sent = end
            if start < ring.tail(slot):
                return Pumped.LOST  # overwritten while it was being copied
            head = ring.head(slot)
        return Pumped.DONE

    def acknowledge(self, offset: int) -> bool:
        """Note that everything before ``offset`` has been drawn.

        :returns: False for an offset that was never sent (the client is confused)
        """
        if offset > self.sent:
            return False
        if offset > self.acked:
            self.acked = offset
            self.blocked_since = None
        return True

    def note_blocked(self, now: float) -> None:
        """Remember since when this viewer takes nothing although something waits."""
        if self.blocked_since is None:
            self.blocked_since = now

    def note_applied(self, applied: int, later: Callable[[], None]) -> None:
        """Acknowledge input, at once in a paste and after a pause for keystrokes.

        :param later: asks for :meth:`tell_applied` after a short pause
        """
        pause = self.applied == self.applied_told
        self.applied = applied
        if applied - self.applied_told >= INPUT_ACK_STEP:
            self.tell_applied()
        elif pause:
            later()

    def tell_applied(self) -> None:
        """Send the input offset up to which the program has been given everything."""
        if self.applied != self.applied_told:
            self.applied_told = self.applied
            self.port.send_frame(
                frames.pack_header(frames.Kind.INPUT_ACK, self.number, self.applied)
            )
