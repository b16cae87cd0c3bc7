"""JSON messages of the WebSocket: an object whose members are actions with their arguments.

``{"namespace:verb": argument, ...}``: at most 64 KiB, 16 members, 32 levels; no key twice, no
NaN or infinity, no integer of more than 15 digits (which a browser could not hold exactly).
"""

from __future__ import annotations

import json
import math
import re
from typing import NoReturn, TypeAlias

import msgspec

from gotwist.errors import Malformed

MAX_MESSAGE = 65_536
MAX_DEPTH = 32
MAX_MEMBERS = 16
MAX_DIGITS = 15

JsonValue: TypeAlias = "bool | int | float | str | list[JsonValue] | dict[str, JsonValue] | None"
"""What JSON can say, once it has been read."""

_STRING = re.compile(rb'"(?:[^"\\]|\\.)*"', re.S)
_BRACKETS = re.compile(rb"[\[\]{}]")


def decode_message(message: bytes) -> list[tuple[str, JsonValue]]:
    """The actions of a message and their arguments, in the order in which they are written.

    :raises Malformed: when the message breaks one of the rules above.
    """
    if len(message) > MAX_MESSAGE:
        raise Malformed("The message is too long.")
    if message.count(b"{") + message.count(b"[") > MAX_DEPTH:
        _check_depth(message)
    try:
        value = _DECODER.decode(message.decode("utf-8"))
        if b"\\u" in message:
            # Half of a surrogate pair can be written in JSON, but is no text.
            json.dumps(value, ensure_ascii=False).encode("utf-8")
    except (ValueError, RecursionError) as problem:
        if isinstance(problem, _Refused):
            raise Malformed(str(problem)) from None
        raise Malformed("The message is not JSON.") from None
    if not isinstance(value, dict):
        raise Malformed("The message is not a JSON object.")
    if len(value) > MAX_MEMBERS:
        raise Malformed("The message has too many members.")
    return list(value.items())


def encode_message(action: str, value: object) -> bytes:
    """One action as a message; ``value`` is made of what JSON can say, or msgspec structs."""
    return msgspec.json.encode({action: value})


class TooDeep(Malformed):
    """No well-meaning client nests so deeply: the one message that ends its connection."""


class _Refused(ValueError):
    """A rule of ours is broken in what JSON itself would allow."""


def _check_depth(message: bytes) -> None:
    depth = 0
    for bracket in _BRACKETS.findall(_STRING.sub(b"", message)):
        if bracket in b"[{":
            depth += 1
            if depth > MAX_DEPTH:
                raise TooDeep("The message is nested too deeply.")
        else:
            depth -= 1


def _object(pairs: list[tuple[str, JsonValue]]) -> dict[str, JsonValue]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise _Refused("The message has the same member twice.")
    return members


def _integer(digits: str) -> int:
    if len(digits.lstrip("-")) > MAX_DIGITS:
        raise _Refused("The message has a number with too many digits.")
    return int(digits)


def _real(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise _Refused("The message has a number that is too large.")
    return number


def _constant(name: str) -> NoReturn:
    raise _Refused("The message has something that is not a number.")


_DECODER = json.JSONDecoder(
    object_pairs_hook=_object,
    parse_int=_integer,
    parse_float=_real,
    parse_constant=_constant,
)
