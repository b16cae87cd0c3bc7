"""One client connection: a raw socket, a frame reader and a wire."""

import base64
import contextlib
import os
import select
import socket
import struct
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

from benchmarks.frames import FrameReader, PlainReader
from benchmarks.wires import Closed, Wire

MARKER = b"<<ready>>"
_TIMEOUT = struct.pack("ll", 20, 0)
_BUFFER = bytearray(1 << 20)
_VIEW = memoryview(_BUFFER)


class Reader(Protocol):
    """What counts output."""

    output: int
    frames: int

    @property
    def tail(self) -> bytes: ...

    def feed(self, data: memoryview) -> int: ...


class TooSlow(Exception):
    """What was waited for did not happen in time."""


def upgrade(host: str, path: str, origin: str, headers: Iterable[str] = ()) -> bytes:
    """Render the handshake of a browser that offers no compression."""
    lines = [
        f"GET {path} HTTP/1.1",
        f"Host: {host}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        f"Sec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}",
        "Sec-WebSocket-Version: 13",
        f"Origin: {origin}",
        *headers,
    ]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("ascii")


class Line:
    """A connection that sends at once and reads when told to.

    Writes block for 20 s at most, and so do reads that are asked to wait. All lines of a
    process share one buffer, so a line keeps only the few bytes of an incomplete frame.

    :param request: the WebSocket handshake, or None for a server without one.
    """

    def __init__(self, address: tuple[str, int], request: bytes | None, wire: Wire) -> None:
        self.wire = wire
        #: For callers: how much output they wait for.
        self.target = 0
        self.reader: Reader
        if wire.shape is None:
            self.reader = PlainReader()
        else:
            self.reader = FrameReader(wire.shape, self._message)
        self._kept = b""
        self._opened = request is None
        self._outbox = b""
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, _TIMEOUT)
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, _TIMEOUT)
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.socket.connect(address)
            if request is not None:
                self.socket.send(request)
        except OSError:
            self.socket.close()
            raise

    def fileno(self) -> int:
        """For select and epoll."""
        return self.socket.fileno()

    @property
    def output(self) -> int:
        """Output bytes seen so far."""
        return self.reader.output

    @property
    def at_marker(self) -> bool:
        """The last thing printed is the prompt."""
        tail = self.reader.tail or self.wire.restored
        # A screen that is restored may put a few controls behind it.
        return MARKER in (tail[-len(MARKER) - 2 :] if self.reader.tail else tail)

    @property
    def ready(self) -> bool:
        """A terminal is attached."""
        return self._opened and self.wire.ready

    def _message(self, opcode: int, payload: bytes) -> None:
        self._outbox += self.wire.message(opcode, payload, self.reader.output)

    def type(self, keys: bytes) -> None:
        """Send keystrokes."""
        self.socket.send(self.wire.type(keys))

    def send(self, data: bytes) -> None:
        """Send a ready-made frame."""
        self.socket.send(data)

    def pump(self, limit: int = len(_BUFFER) - 1024, wait: bool = False) -> int:
        """Read once, at most ``limit`` bytes, and acknowledge what came.

        :returns: bytes read, 0 when there is nothing now.
        :raises Closed: when the connection has ended.
        """
        kept = len(self._kept)
        if kept:
            _BUFFER[:kept] = self._kept
            if kept + limit > len(_BUFFER):
                limit = len(_BUFFER) - kept
        try:
            size = self.socket.recv_into(
                _VIEW[kept : kept + limit], 0, 0 if wait else socket.MSG_DONTWAIT
            )
        except BlockingIOError:
            return 0
        except ConnectionError as error:
            raise Closed(str(error)) from None
        if not size:
            raise Closed("end of stream")
        end = kept + size
        start = 0
        if not self._opened:
            start = self._handshake(end)
            if start < 0:
                self._kept = bytes(_VIEW[:end])
                return size
        left = self.reader.feed(_VIEW[start:end])
        self._kept = bytes(_VIEW[end - left : end]) if left else b""
        reply = self.wire.drawn(self.reader.output)
        if self._outbox:
            reply = self._outbox + reply
            self._outbox = b""
        if reply:
            self.socket.send(reply)
        return size

    def _handshake(self, end: int) -> int:
        """Look for the end of the answer; say hello after it."""
        head = bytes(_VIEW[:end])
        stop = head.find(b"\r\n\r\n")
        if stop < 0:
            return -1
        if not head.startswith(b"HTTP/1.1 101"):
            raise Closed(f"handshake refused: {head[:200]!r}")
        self._opened = True
        hello = self.wire.hello()
        if hello:
            self.socket.send(hello)
        return stop + 4

    def leave(self) -> bool:
        """Say what ends the terminal; whether there was something to say."""
        bye = self.wire.bye()
        if bye:
            with contextlib.suppress(OSError):
                self.socket.send(bye, socket.MSG_DONTWAIT)
                self.socket.shutdown(socket.SHUT_WR)
        return bool(bye)

    def close(self, patience_s: float = 0.0) -> None:
        """End the connection.

        :param patience_s: how long to read on for the server's end. Closing with unread
            input is a reset, which may overtake what ``leave`` said.
        """
        deadline = time.monotonic() + patience_s
        with contextlib.suppress(OSError):
            while (left := deadline - time.monotonic()) > 0:
                self.socket.settimeout(left)
                if not self.socket.recv_into(_BUFFER):
                    break
        self.socket.close()


def close(lines: Sequence[Line]) -> None:
    """End terminals and connections."""
    patience = {id(line): 0.5 for line in lines if line.leave()}
    for line in lines:
        line.close(patience.get(id(line), 0.0))


def pump_until(
    lines: Iterable[Line], done: Callable[[Line], bool], timeout_s: float, limit: int = 1 << 18
) -> float:
    """Read all lines as they come until each was once ``done``.

    :returns: the monotonic time at which the last one was.
    :raises TooSlow: after ``timeout_s``.
    """
    waiting = {line.fileno(): line for line in lines if not done(line)}
    now = time.monotonic()
    deadline = now + timeout_s
    with select.epoll() as poll:
        for number in waiting:
            poll.register(number, select.EPOLLIN)
        while waiting:
            events = poll.poll(max(0.0, deadline - now), 512)
            for number, _ in events:
                line = waiting[number]
                line.pump(limit)
                if done(line):
                    del waiting[number]
                    poll.unregister(number)
            now = time.monotonic()
            if waiting and now > deadline:
                raise TooSlow(f"{len(waiting)} terminals not there after {timeout_s:g} s")
    return now


def linger(lines: Iterable[Line], seconds: float) -> None:
    """Read what comes for a while, and all that is there, so that pings are answered."""
    by_number = {line.fileno(): line for line in lines}
    now = time.monotonic()
    deadline = now + seconds
    with select.epoll() as poll:
        for number in by_number:
            poll.register(number, select.EPOLLIN)
        while True:
            events = poll.poll(max(0.0, deadline - now), 512)
            for number, _ in events:
                by_number[number].pump(1 << 16)
            now = time.monotonic()
            if now >= deadline and (not events or now >= deadline + 5):
                return


class Pace:
    """A reader that draws so many bytes per second: read when there is room, else wait."""

    def __init__(self, bytes_per_s: float, now: float) -> None:
        self._rate = bytes_per_s
        self._begun = now
        self._read = 0

    def room(self, now: float) -> int:
        """How many bytes may be read now; time not used is lost after a twentieth of a second."""
        allowed = int((now - self._begun) * self._rate) - self._read
        burst = int(self._rate / 20)
        if allowed > burst:
            self._read += allowed - burst
            return burst
        return max(0, allowed)

    def took(self, size: int) -> None:
        """Count what was read."""
        self._read += size


def pump_paced(
    line: Line, pace: Pace | None, done: Callable[[Line], bool], timeout_s: float
) -> float:
    """Read one line at a pace until ``done``; return the time, or raise ``TooSlow``."""
    now = time.monotonic()
    deadline = now + timeout_s
    poll = select.poll()
    poll.register(line, select.POLLIN)
    while not done(line):
        if now > deadline:
            raise TooSlow(f"not there after {timeout_s:g} s")
        room = 1 << 18 if pace is None else pace.room(now)
        # A page parses in pieces; smaller reads than this would only heat the client.
        if room >= 8192:
            size = line.pump(min(room, 1 << 18))
            if pace is not None:
                pace.took(size)
            if not size:
                poll.poll(1000 * min(0.05, max(0.0, deadline - now)))
        else:
            time.sleep(0.001)
        now = time.monotonic()
    return now
