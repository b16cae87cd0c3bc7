"""What the daemon and a PAM worker say to each other: JSON objects, each behind its length.

To the worker::

    {"do": "check", "user", "password", "service", "rhost", "tty", "converse": bool}
    {"do": "answer", "texts": [...]}        to the last "ask"
    {"do": "cancel"}                        instead of an answer

From the worker::

    {"ready": true}                                             once, when it can work
    {"failed": "why it cannot"}                                 and it ends
    {"ask": [[is_hidden, text], ...], "said": [...]}            what PAM wants to know now
    {"done": code, "account": {"name", "uid", "groups", "attributes"} | null}

Every check ends with one ``done`` (or with the end of the worker).  The code is PAM's.
"""

from __future__ import annotations

import json
import struct

MAX_MESSAGE = 65_536
_LENGTH = struct.Struct(">I")
HEAD = _LENGTH.size

Message = dict[str, object]


class Odd(Exception):
    """The other side says something that nobody of ours would say."""


def render(message: Message) -> bytes:
    """Write a message; raises :class:`Odd` when it is longer than the other side reads."""
    # With escapes only: half of a surrogate pair must not end this process.
    data = json.dumps(message, separators=(",", ":")).encode("ascii")
    if len(data) > MAX_MESSAGE:
        raise Odd("too long")
    return _LENGTH.pack(len(data)) + data


def length_of(head: bytes) -> int:
    """Read how long the message behind this head is."""
    (length,) = _LENGTH.unpack(head)
    if not 2 <= length <= MAX_MESSAGE:
        raise Odd("too long")
    return int(length)


def parse(data: bytes) -> Message:
    """Read one message."""
    try:
        message = json.loads(data)
    except (ValueError, RecursionError):
        raise Odd("not JSON") from None
    if not isinstance(message, dict):
        raise Odd("not an object")
    return message


class Splitter:
    """Cuts a stream into messages, whatever its pieces are."""

    def __init__(self) -> None:
        self._rest = bytearray()

    def feed(self, data: bytes) -> list[Message]:
        """Give the messages that are complete now."""
        self._rest += data
        found = []
        while len(self._rest) >= HEAD:
            end = HEAD + length_of(bytes(self._rest[:HEAD]))
            if len(self._rest) < end:
                break
            found.append(parse(bytes(self._rest[HEAD:end])))
            del self._rest[:end]
        return found
