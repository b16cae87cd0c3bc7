"""A TCP relay on loopback that delivers everything a fixed time later, both ways.

Each direction holds at most 1 MiB, as a path with that much in flight would.
"""

import contextlib
import os
import select
import signal
import socket
import time
from collections import deque
from collections.abc import Iterator
from typing import NoReturn

MAX_HELD = 1 << 20


class Direction:
    """One way of one connection."""

    def __init__(self, source: socket.socket, target: socket.socket, delay_s: float) -> None:
        self.source = source
        self.target = target
        self._delay_s = delay_s
        self._held: deque[tuple[float, bytes]] = deque()
        self._size = 0
        self.ended = False

    @property
    def has_room(self) -> bool:
        """More may be read."""
        return not self.ended and self._size < MAX_HELD

    def read(self, now: float) -> None:
        """Take what is there."""
        try:
            data = self.source.recv(65536)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self.ended = True
        self._held.append((now + self._delay_s, data))
        self._size += len(data)

    def write(self, now: float) -> float | None:
        """Deliver what is due; return the seconds until something else is, if anything."""
        while self._held:
            due, data = self._held[0]
            if due > now:
                return due - now
            self._held.popleft()
            if not data:
                with contextlib.suppress(OSError):
                    self.target.shutdown(socket.SHUT_WR)
                continue
            try:
                sent = self.target.send(data)
            except BlockingIOError:
                sent = 0
            except OSError:
                sent = len(data)
            self._size -= sent
            if sent < len(data):
                self._held.appendleft((due, data[sent:]))
                return 0.001
        return None


def serve(door: socket.socket, port: int, delay_s: float) -> NoReturn:
    """Relay until killed, or left alone."""
    ways: list[Direction] = []
    parent = os.getppid()
    while os.getppid() == parent:
        now = time.monotonic()
        waits = [wait for way in ways if (wait := way.write(now)) is not None]
        sources = [way.source for way in ways if way.has_room]
        readable, _, _ = select.select([door, *sources], [], [], min(waits, default=1.0))
        now = time.monotonic()
        for way in ways:
            if way.source in readable:
                way.read(now)
        if door in readable:
            near, _ = door.accept()
            far = socket.create_connection(("127.0.0.1", port))
            for end in (near, far):
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                end.setblocking(False)
            ways += [Direction(near, far, delay_s), Direction(far, near, delay_s)]
    os._exit(0)


@contextlib.contextmanager
def relay(port: int, delay_s: float) -> Iterator[int]:
    """Run a relay to ``port`` in a process of its own; gives the port to connect to."""
    with socket.create_server(("127.0.0.1", 0)) as door:
        child = os.fork()
        if child == 0:
            try:
                serve(door, port, delay_s)
            finally:
                os._exit(0)
        try:
            yield int(door.getsockname()[1])
        finally:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
