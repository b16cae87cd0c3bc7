"""WebSocket frames as a client sees them (RFC 6455 section 5.2): written masked, read by
their headers only.

The reader must be far cheaper than any server it measures, so it walks from header to
header and never copies a payload, except short messages that are no output.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10
TAIL = 64
#: Longest message that is no output; the servers say nothing longer.
MAX_MESSAGE = 1 << 18


class BrokenFrame(Exception):
    """The server sent something this reader does not understand."""


def masked(opcode: int, payload: bytes) -> bytes:
    """Render one final client frame.

    The mask is random once per frame, as the standard asks; XOR of two big integers is
    the quickest way in pure Python.
    """
    size = len(payload)
    if size < 126:
        head = bytes((0x80 | opcode, 0x80 | size))
    elif size < 65536:
        head = bytes((0x80 | opcode, 0xFE)) + size.to_bytes(2, "big")
    else:
        head = bytes((0x80 | opcode, 0xFF)) + size.to_bytes(8, "big")
    mask = os.urandom(4)
    key = int.from_bytes((mask * (size // 4 + 1))[:size], "big")
    body = (int.from_bytes(payload, "big") ^ key).to_bytes(size, "big")
    return head + mask + body


@dataclass(frozen=True)
class Shape:
    """How terminal output is wrapped in a message of one server.

    A message that begins with ``prefix`` is output: ``header`` bytes, the output, then
    ``trailer`` bytes. ``escaped``: the output is the inside of a JSON string.
    """

    prefix: bytes
    header: int
    trailer: int = 0
    escaped: bool = False


def unescaped_size(body: bytes) -> int:
    r"""Size of what a piece of a JSON string stands for: ``\n`` is one, ``\u001b`` is one."""
    return len(body) - body.count(b"\\") - 4 * body.count(b"\\u")


class FrameReader:
    """Counts the output in a stream of server frames and keeps the end of it.

    ``output`` is the number of output bytes so far, ``tail`` the last of them (up to 64),
    as they travelled. Everything that is no output goes to ``on_message(opcode, payload)``.
    """

    def __init__(self, shape: Shape, on_message: Callable[[int, bytes], None]) -> None:
        self.output = 0
        self.frames = 0
        self._shape = shape
        self._on_message = on_message
        self._left = 0  # output bytes of the frame under way that are still to come
        self._skip = 0  # bytes behind the output that are still to come
        self._tail = b""

    @property
    def tail(self) -> bytes:
        """The last output bytes."""
        return self._tail

    def feed(self, data: memoryview) -> int:
        """Read as far as possible; return how many bytes at the end must be fed again.

        :raises BrokenFrame: on a fragmented, masked or overlong frame.
        """
        prefix, header, trailer = self._shape.prefix, self._shape.header, self._shape.trailer
        escaped = self._shape.escaped
        prefix_size, first = len(prefix), prefix[0]
        at, end = 0, len(data)
        left, skip, output, frames = self._left, self._skip, 0, 0
        tail_from = tail_to = 0
        while at < end:
            if left:
                size = left if left < end - at else end - at
                output += unescaped_size(bytes(data[at : at + size])) if escaped else size
                if size < TAIL:
                    if tail_to:
                        self._tail = bytes(data[max(tail_from, tail_to - TAIL) : tail_to])
                        tail_to = 0
                    self._tail = (self._tail + bytes(data[at : at + size]))[-TAIL:]
                else:
                    tail_from, tail_to = at, at + size
                left -= size
                at += size
                continue
            if skip:
                size = skip if skip < end - at else end - at
                skip -= size
                at += size
                continue
            if end - at < 2:
                break
            opcode, size = data[at], data[at + 1]
            if size < 126:
                body = at + 2
            elif size == 126:
                body = at + 4
                if body > end:
                    break
                size = data[at + 2] << 8 | data[at + 3]
            elif size == 127:
                body = at + 10
                if body > end:
                    break
                size = int.from_bytes(data[at + 2 : body], "big")
            else:
                raise BrokenFrame("masked frame from a server")
            if not 0x81 <= opcode <= 0x8A:
                raise BrokenFrame(f"unexpected first byte {opcode:#x}")
            if size >= header + trailer and opcode < 0x88:
                if body + header > end:
                    break
                if data[body] == first and (
                    prefix_size == 1 or data[body : body + prefix_size] == prefix
                ):
                    frames += 1
                    at = body + header
                    left, skip = size - header - trailer, trailer
                    continue
            if size > MAX_MESSAGE:
                raise BrokenFrame(f"message of {size} bytes")
            if body + size > end:
                break
            self.output += output
            output = 0
            self._on_message(opcode & 0x0F, bytes(data[body : body + size]))
            at = body + size
        if tail_to:
            self._tail = bytes(data[max(tail_from, tail_to - TAIL) : tail_to])
        self._left, self._skip = left, skip
        self.output += output
        self.frames += frames
        return end - at


class PlainReader:
    """The same for a server that sends the output as it is, without frames."""

    def __init__(self) -> None:
        self.output = 0
        self.frames = 0
        self._tail = b""

    @property
    def tail(self) -> bytes:
        """The last output bytes."""
        return self._tail

    def feed(self, data: memoryview) -> int:
        """Count everything."""
        self.output += len(data)
        self.frames += 1
        self._tail = (self._tail + bytes(data[-TAIL:]))[-TAIL:]
        return 0
