"""Keeper socket, both ends: length-prefixed messages (``docs/protocol.md`` section 2).

::

    message = length u32 LE (of what follows) kind u8 payload
    "J"       JSON object, UTF-8
    "N"       terminal u32 LE, offset u64 LE

The daemon may send at most 16 KiB per message.  The keeper may answer with more, because a
restored screen can be tens of kilobytes; it is the daemon that trusts the keeper.

This module is imported by the keeper, so it must stay cheap: no typing, no dataclasses.
"""

from __future__ import annotations

import json
import struct

VERSION = 1
JSON = 0x4A
NEED = 0x4E
MAX_REQUEST = 16_384
MAX_ANSWER = 131_072
MAX_DEPTH = 8
NOBODY = 2**64 - 1

_LENGTH = struct.Struct("<I")
_HEAD = struct.Struct("<IB")
_NEED = struct.Struct("<IQ")
_NEED_MESSAGE = struct.Struct("<IBIQ")


class Odd(Exception):
    """The peer sent what the protocol does not allow; its connection must end."""


class Splitter:
    """Cuts a byte stream into messages, whatever the pieces it arrives in."""

    __slots__ = ("_buffer", "_limit")

    def __init__(self, limit: int) -> None:
        self._buffer = bytearray()
        self._limit = limit

    def feed(self, data: bytes) -> list[tuple[int, bytes]]:
        """Take the next bytes; give the messages that are complete now.

        :raises Odd: for a length outside 1..limit, as soon as it is seen.
        """
        buffer = self._buffer
        buffer += data
        messages = []
        at = 0
        while len(buffer) - at >= 4:
            (length,) = _LENGTH.unpack_from(buffer, at)
            if not 1 <= length <= self._limit:
                raise Odd(f"message length {length}")
            end = at + 4 + length
            if len(buffer) < end:
                break
            messages.append((buffer[at + 4], bytes(buffer[at + 5 : end])))
            at = end
        del buffer[:at]
        return messages


def render_json(value: dict[str, object]) -> bytes:
    """Make one JSON message."""
    payload = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    body = payload.encode("utf-8", "backslashreplace")
    return _HEAD.pack(len(body) + 1, JSON) + body


def parse_json(payload: bytes) -> dict[str, object]:
    """Read the payload of a JSON message.

    :raises Odd: when it is not one JSON object, or nested deeper than ``MAX_DEPTH``.
    """
    # Counted before parsing, strings included: the parser's own recursion must not be what
    # stops a hostile message.
    if payload.count(b"[") + payload.count(b"{") > MAX_DEPTH and _depth(payload) > MAX_DEPTH:
        raise Odd("JSON nested too deeply")
    try:
        value = json.loads(payload.decode("utf-8"), parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise Odd("not JSON") from error
    if not isinstance(value, dict):
        raise Odd("not a JSON object")
    return value


def _refuse(name: str) -> float:
    raise ValueError(name)


def _depth(payload: bytes) -> int:
    deepest = depth = 0
    inside = escaped = False
    for byte in payload:
        if inside:
            if escaped:
                escaped = False
            elif byte == 0x5C:
                escaped = True
            elif byte == 0x22:
                inside = False
        elif byte == 0x22:
            inside = True
        elif byte in b"[{":
            depth += 1
            deepest = max(deepest, depth)
        elif byte in b"]}":
            depth -= 1
    return deepest


def render_need(terminal: int, offset: int | None) -> bytes:
    """Make one need message; ``None``: nobody watches."""
    return _NEED_MESSAGE.pack(13, NEED, terminal, NOBODY if offset is None else offset)


def parse_need(payload: bytes) -> tuple[int, int | None]:
    """Read the payload of a need message.

    :raises Odd: when it has the wrong length.
    """
    if len(payload) != _NEED.size:
        raise Odd("need of a wrong length")
    terminal, offset = _NEED.unpack(payload)
    return terminal, None if offset == NOBODY else offset


def integer(message: dict[str, object], name: str, low: int, high: int) -> int:
    """Take a whole number out of a message.

    :raises Odd: when it is missing, of another type or outside low..high.
    """
    value = message.get(name)
    if type(value) is not int or not low <= value <= high:
        raise Odd(f"{name} is not a number in {low}..{high}")
    return value


def text(message: dict[str, object], name: str, limit: int) -> str:
    """Take a text of at most ``limit`` characters, without NUL, out of a message."""
    value = message.get(name)
    if type(value) is not str or len(value) > limit or "\0" in value:
        raise Odd(f"{name} is not a text of at most {limit} characters")
    return value
