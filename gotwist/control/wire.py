"""The control socket's codec: one JSON object per line in each direction.

Request ``{"do": "<verb>"}``, answer ``{"ok": true, ...}`` or
``{"ok": false, "message": "<sentence>"}``.  Lines have at most 4,096 bytes.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from gotwist.errors import Malformed

MAX_LINE = 4096


class Request(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is asked for, by one word."""

    do: str


def parse_request(line: bytes) -> Request:
    """Parse one request line.

    :raises Malformed: when it is too long or of another shape
    """
    if len(line) > MAX_LINE:
        raise Malformed("the request is too long")
    try:
        return msgspec.json.decode(line, type=Request)
    except (msgspec.DecodeError, RecursionError):
        raise Malformed('expected {"do": "<verb>"}') from None


def render_request(verb: str) -> bytes:
    """Render a request line, its end included."""
    return msgspec.json.encode({"do": verb}) + b"\n"


def render_answer(answer: Mapping[str, object]) -> bytes:
    """Render a favourable answer line."""
    return msgspec.json.encode({"ok": True, **answer}) + b"\n"


def render_refusal(message: str) -> bytes:
    """Render a refusal line."""
    return msgspec.json.encode({"ok": False, "message": message}) + b"\n"


def parse_answer(line: bytes) -> dict[str, object]:
    """Parse an answer line.

    :raises Malformed: when it is no answer, or a refusal (with its message)
    """
    try:
        answer = msgspec.json.decode(line, type=dict[str, object])
    except (msgspec.DecodeError, RecursionError):
        raise Malformed("the daemon's answer is not understood") from None
    if answer.get("ok") is not True:
        raise Malformed(str(answer.get("message", "the daemon refused without a reason")))
    return answer
