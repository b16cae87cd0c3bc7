"""Binary frames of the WebSocket: 16 bytes of header, then terminal data.

Big-endian: kind u8, flags u8 (0), reserved u16 (0), terminal u32, offset u64.  See section 1.4
of ``docs/protocol.md``.  Here too are the two shortcuts past the WebSocket library's own frame
code, for what is sent and received most: the header of a server's frame (which is not masked),
and the unmasking of a client's small frame that arrived alone and whole.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import IntEnum

from gotwist.errors import Malformed

HEADER_LENGTH = 16
MAX_OUTPUT = 131_072
MAX_INPUT = 32_768
MAX_TERMINAL = 2**31 - 1

TEXT = 0x81
BINARY = 0x82
"""First byte of a final WebSocket frame with text and with bytes."""

_HEADER = struct.Struct("!BBHIQ")
# The WebSocket's header in its three sizes, alone and with ours behind it.
_PLAIN_2 = struct.Struct("!BB")
_PLAIN_4 = struct.Struct("!BBH")
_PLAIN_10 = struct.Struct("!BBQ")
_WIRE_2 = struct.Struct("!BBBBHIQ")
_WIRE_4 = struct.Struct("!BBHBBHIQ")
_WIRE_10 = struct.Struct("!BBQBBHIQ")


class Kind(IntEnum):
    """What a binary frame carries."""

    OUTPUT = 1
    INPUT = 2
    ACK = 3
    INPUT_ACK = 4
    RESTORE = 5


# Payload lengths allowed per kind; the number of bytes of a RESTORE is bounded like OUTPUT.
_LENGTHS: dict[int, tuple[int, int]] = {
    Kind.OUTPUT: (1, MAX_OUTPUT),
    Kind.INPUT: (1, MAX_INPUT),
    Kind.ACK: (0, 0),
    Kind.INPUT_ACK: (0, 0),
    Kind.RESTORE: (0, MAX_OUTPUT),
}


@dataclass(frozen=True)
class Frame:
    """One binary frame; ``offset`` counts bytes of the stream that ``kind`` names."""

    kind: Kind
    terminal: int
    offset: int
    payload: bytes = b""


def pack_header(kind: int, terminal: int, offset: int) -> bytes:
    """Our 16 bytes alone; :meth:`Client.send_frame` puts the WebSocket's before them."""
    return _HEADER.pack(kind, 0, 0, terminal, offset)


def wire_header(kind: int, terminal: int, offset: int, length: int) -> bytes:
    """The WebSocket's header and ours, for ``length`` bytes of payload, in one piece."""
    total = length + HEADER_LENGTH
    if total < 126:
        return _WIRE_2.pack(BINARY, total, kind, 0, 0, terminal, offset)
    if total < 65_536:
        return _WIRE_4.pack(BINARY, 126, total, kind, 0, 0, terminal, offset)
    return _WIRE_10.pack(BINARY, 127, total, kind, 0, 0, terminal, offset)


def ws_header(length: int, first: int = BINARY) -> bytes:
    """The WebSocket's header alone, of a final, unmasked frame with ``length`` bytes."""
    if length < 126:
        return _PLAIN_2.pack(first, length)
    if length < 65_536:
        return _PLAIN_4.pack(first, 126, length)
    return _PLAIN_10.pack(first, 127, length)


def unmask_small(chunk: bytes, first: int = BINARY) -> bytes | None:
    """The payload, when ``chunk`` is exactly one final masked frame of fewer than 126 bytes.

    :param first: the frame's first byte, :data:`BINARY` or :data:`TEXT`.
    :returns: None for everything else, which is the WebSocket library's to judge.
    """
    length = len(chunk) - 6
    if length < 0 or length > 125 or chunk[0] != first or chunk[1] != length | 0x80:
        return None
    # All bytes are masked at once, as two long numbers.
    mask = (chunk[2:6] * 32)[:length]
    return (int.from_bytes(chunk[6:], "big") ^ int.from_bytes(mask, "big")).to_bytes(length, "big")


def render_frame(frame: Frame) -> bytes:
    """The frame as the payload of one binary WebSocket message."""
    return pack_header(frame.kind, frame.terminal, frame.offset) + frame.payload


def parse_frame(message: bytes) -> Frame:
    """Read the payload of a binary WebSocket message.

    :raises Malformed: when it is not a frame of a known kind with a fitting payload.
    """
    kind, terminal, offset, payload = split_frame(message)
    return Frame(Kind(kind), terminal, offset, payload)


def split_frame(message: bytes) -> tuple[int, int, int, bytes]:
    """Kind, terminal, offset and payload: what :func:`parse_frame` reads, in half its time.

    :raises Malformed: as there.
    """
    length = len(message) - HEADER_LENGTH
    if length < 0:
        raise Malformed("A binary message is too short for its header.")
    kind, flags, reserved, terminal, offset = _HEADER.unpack_from(message)
    if flags or reserved:
        raise Malformed("A binary message has bits set that mean nothing yet.")
    if not 1 <= terminal <= MAX_TERMINAL:
        raise Malformed("A binary message names no possible terminal.")
    bounds = _LENGTHS.get(kind)
    if bounds is None:
        raise Malformed("A binary message is of an unknown kind.")
    if not bounds[0] <= length <= bounds[1]:
        raise Malformed("A binary message has a payload of the wrong length.")
    return kind, terminal, offset, message[HEADER_LENGTH:]
