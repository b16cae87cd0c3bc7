"""One accepted connection of the keeper: messages out, bell, messages in."""

from __future__ import annotations

import array
import os
import select
import socket
from collections.abc import Callable

from gotwist.keeper import wire

MAX_OUTBOX = 4_194_304


class Connection:
    """Writes without ever blocking; whoever does not read its answers is closed."""

    def __init__(
        self,
        sock: socket.socket,
        epoll: select.epoll,
        on_close: Callable[[Connection], None],
    ) -> None:
        self.sock = sock
        self.is_open = True
        self.greeted = False
        self.persist = True
        self.splitter = wire.Splitter(wire.MAX_REQUEST)
        self._epoll = epoll
        self._on_close = on_close
        self._outbox: list[tuple[bytes, tuple[int, ...]]] = []
        self._queued = 0
        self._bell_read, self.bell = os.pipe()
        os.set_blocking(self.bell, False)
        self._unrung: set[bytes] = set()

    @property
    def bell_read(self) -> int:
        """The end of the bell's pipe that the daemon is given."""
        return self._bell_read

    def send(self, message: dict[str, object], descriptors: tuple[int, ...] = ()) -> None:
        """Send a message; the descriptors are duplicated, so the caller may close its own."""
        if not self.is_open:
            return
        data = wire.render_json(message)
        self._outbox.append((data, tuple(os.dup(number) for number in descriptors)))
        self._queued += len(data)
        if len(self._outbox) == 1:
            self.flush()
        if self._queued > MAX_OUTBOX:
            self.close()

    def flush(self) -> None:
        """Send what waits, as far as the socket takes it."""
        while self._outbox and self.is_open:
            data, descriptors = self._outbox[0]
            ancillary = []
            if descriptors:
                rights = array.array("i", descriptors)
                ancillary = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, rights)]
            try:
                sent = self.sock.sendmsg([data], ancillary)
            except BlockingIOError:
                break
            except OSError:
                self.close()
                return
            for number in descriptors:
                os.close(number)
            self._queued -= sent
            if sent < len(data):
                self._outbox[0] = (data[sent:], ())
            else:
                del self._outbox[0]
        if self.is_open:
            more = select.EPOLLOUT if self._outbox else 0
            self._epoll.modify(self.sock, select.EPOLLIN | more)

    def ring_bell(self, slot: bytes) -> None:
        """Tell that a slot's head has moved; when the pipe is full, later."""
        if self._unrung:
            self._unrung.add(slot)
            return
        try:
            os.write(self.bell, slot)
        except BlockingIOError:
            self._unrung.add(slot)
            self._epoll.register(self.bell, select.EPOLLOUT)
        except OSError:
            # The daemon is gone; its socket will tell.
            pass

    def ring_later(self) -> None:
        """Ring what had to wait, now that the pipe has room."""
        while self._unrung:
            slot = self._unrung.pop()
            try:
                os.write(self.bell, slot)
            except BlockingIOError:
                self._unrung.add(slot)
                return
            except OSError:
                self._unrung.clear()
        self._epoll.unregister(self.bell)

    def greet(self) -> None:
        """Note that the daemon has its end of the bell: from now on it closes by itself."""
        self.greeted = True
        os.close(self._bell_read)
        self._bell_read = -1

    def close(self) -> None:
        """End this connection; once."""
        if not self.is_open:
            return
        self.is_open = False
        if self._unrung:
            self._epoll.unregister(self.bell)
        self._epoll.unregister(self.sock)
        for _, descriptors in self._outbox:
            for number in descriptors:
                os.close(number)
        self._outbox.clear()
        self.sock.close()
        os.close(self.bell)
        if self._bell_read >= 0:
            os.close(self._bell_read)
        self._on_close(self)
