"""Keystrokes into a pseudo-terminal: once, in order, never waiting.

The descriptor is the keeper's master, shared; it is non-blocking already.  How far each
viewer's input has come is written into the keeper's notes *before* the bytes are, so that a
daemon killed in between types nothing twice.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable

from twisted.internet.interfaces import IReactorFDSet, IWriteDescriptor
from twisted.python.failure import Failure
from zope.interface import implementer

from gotwist.errors import Malformed, Unavailable
from gotwist.keeper.arena import ArenaReader

#: Input that may wait, of one viewer (docs/protocol.md promises it) and of all together.
MAX_QUEUED = 65_536
MAX_QUEUED_IN_ALL = 1_048_576
MAX_OFFSET = 2**53


@implementer(IWriteDescriptor)
class Keyboard:
    """The way in for one terminal.  Owns the descriptor.

    :param on_applied: told the terminal, the viewer and the offset when queued input is written
    """

    __slots__ = (
        "_accepted",
        "_arena",
        "_descriptor",
        "_number",
        "_on_applied",
        "_queue",
        "_reactor",
        "_slot",
        "queued",
    )

    def __init__(
        self,
        reactor: IReactorFDSet,
        descriptor: int,
        number: int,
        slot: int,
        arena: ArenaReader,
        on_applied: Callable[[int, int, int], None],
    ) -> None:
        self._reactor = reactor
        self._descriptor = descriptor
        self._number = number
        self._slot = slot
        self._arena = arena
        self._on_applied = on_applied
        # Made when first needed: most programs read what is typed at once.
        self._queue: deque[tuple[int, int, bytes]] | None = None
        # By viewer; what has been taken, for those that have something waiting.
        self._accepted: dict[int, int] | None = None
        self.queued = 0

    def type(self, viewer: int, offset: int, data: bytes) -> int:
        """Take a piece of a viewer's input stream; give the offset applied so far.

        What is below the offset already taken is a resend and is dropped.

        :raises Malformed: when something before this piece is missing.
        :raises Unavailable: when the program does not read and enough is waiting, or has ended.
        """
        if not 0 < viewer < 2**64 or not 0 <= offset < MAX_OFFSET:
            raise Malformed("This is no input of a viewer.")
        if self._descriptor < 0:
            raise Unavailable("The program has ended.")
        applied = self._arena.applied(self._slot, viewer)
        accepted = self._accepted.get(viewer, applied) if self._accepted else applied
        if offset > accepted:
            raise Malformed(f"Input is missing: {accepted} bytes have come, this is at {offset}.")
        data = data[accepted - offset :]
        if not data:
            return applied
        if self._queue:
            self._enqueue(viewer, accepted, data)
            return applied
        written = self._write(viewer, accepted, data)
        if written < len(data):
            self._enqueue(viewer, accepted + written, data[written:])
        return accepted + written

    def _write(self, viewer: int, offset: int, data: bytes) -> int:
        self._arena.set_applied(self._slot, viewer, offset + len(data))
        try:
            written = os.write(self._descriptor, data)
        except BlockingIOError:
            written = 0
        except OSError:
            # The program is gone; its input is nobody's any more.
            written = len(data)
        if written < len(data):
            self._arena.set_applied(self._slot, viewer, offset + written)
        return written

    def _enqueue(self, viewer: int, offset: int, data: bytes) -> None:
        waiting = offset + len(data) - self._arena.applied(self._slot, viewer)
        if waiting > MAX_QUEUED or self.queued + len(data) > MAX_QUEUED_IN_ALL:
            raise Unavailable("The program does not read what is typed.")
        if self._queue is None or self._accepted is None:
            self._queue, self._accepted = deque(), {}
        if not self._queue:
            self._reactor.addWriter(self)
        self._queue.append((viewer, offset, data))
        self._accepted[viewer] = offset + len(data)
        self.queued += len(data)

    def doWrite(self) -> None:
        """Write what waits, as far as the program takes it."""
        assert self._queue, "asked to write without anything that waits"
        viewer, offset, data = self._queue.popleft()
        written = self._write(viewer, offset, data)
        self.queued -= written
        if written < len(data):
            self._queue.appendleft((viewer, offset + written, data[written:]))
        if not self._queue:
            self._reactor.removeWriter(self)
            self._queue = self._accepted = None
        if written:
            self._on_applied(self._number, viewer, offset + written)

    def fileno(self) -> int:
        """Tell the descriptor to the reactor."""
        return self._descriptor

    def logPrefix(self) -> str:
        """Name this in the log."""
        return "keyboard"

    def connectionLost(self, reason: Failure) -> None:
        """Give up: the other side of the terminal is gone."""
        self.close()

    def close(self) -> None:
        """Close the descriptor; what waits is dropped."""
        if self._descriptor >= 0:
            if self._queue:
                self._reactor.removeWriter(self)
            self._queue = self._accepted = None
            self.queued = 0
            os.close(self._descriptor)
            self._descriptor = -1
