"""What the keeper answers, as values."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass

from gotwist.errors import Unavailable

Message = dict[str, object]


@dataclass(frozen=True)
class Listed:
    """One terminal as the keeper lists it; ``exited`` is (exit code, signal)."""

    terminal: int
    slot: int
    pid: int
    label: str
    rows: int
    columns: int
    title: str
    created_ms: int
    exited: tuple[int | None, int | None] | None


@dataclass(frozen=True)
class Begin:
    """Where a viewer begins; see ``terminal:attached`` in ``docs/protocol.md``."""

    offset: int
    live: int
    reset: bool
    restore: bytes
    resizes: tuple[tuple[int, int, int], ...]
    rows: int
    columns: int
    redraw: bool
    title: str


def number_in(message: Message, name: str) -> int:
    """Take a whole number out of an answer.

    :raises Unavailable: when it is not there.
    """
    value = message.get(name)
    if type(value) is not int:
        raise Unavailable("The keeper's answer makes no sense.")
    return value


def parse_listed(item: Message) -> Listed:
    """Read one terminal out of a list or an adoption."""
    exited = item.get("exited")
    return Listed(
        terminal=number_in(item, "terminal"),
        slot=number_in(item, "slot"),
        pid=number_in(item, "pid"),
        label=str(item.get("label", "")),
        rows=number_in(item, "rows"),
        columns=number_in(item, "columns"),
        title=str(item.get("title", "")),
        created_ms=number_in(item, "created"),
        exited=(exited[0], exited[1]) if isinstance(exited, list) else None,
    )


def parse_begin(answer: Message) -> Begin:
    """Read the answer to ``attach``."""
    resizes = answer.get("resizes")
    try:
        restore = base64.b64decode(str(answer.get("restore", "")), validate=True)
        sizes = tuple((o, r, c) for o, r, c in resizes) if isinstance(resizes, list) else ()
    except (binascii.Error, ValueError, TypeError) as error:
        raise Unavailable("The keeper's answer makes no sense.") from error
    return Begin(
        offset=number_in(answer, "offset"),
        live=number_in(answer, "live"),
        reset=answer.get("reset") is True,
        restore=restore,
        resizes=sizes,
        rows=number_in(answer, "rows"),
        columns=number_in(answer, "columns"),
        redraw=answer.get("redraw") is True,
        title=str(answer.get("title", "")),
    )
