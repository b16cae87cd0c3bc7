"""The arguments of the terminal actions (docs/protocol.md, section 1.3)."""

from __future__ import annotations

from typing import Annotated

import msgspec

Number = Annotated[int, msgspec.Meta(ge=1, le=2**31 - 1)]
Cells = Annotated[int, msgspec.Meta(ge=0, le=100_000)]
Offset = Annotated[int, msgspec.Meta(ge=0, le=10**15 - 1)]
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
Location = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_.-]{1,64}$")]
Stream = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{16}$")]
Title = Annotated[str, msgspec.Meta(max_length=1024)]
Chars = Annotated[str, msgspec.Meta(max_length=32_768)]


class NewTerminal(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Open a terminal, or attach to it when ``term`` is open already."""

    rows: Cells
    columns: Cells
    term: Number | None = None
    command: Name | None = None
    viewer: Stream | None = None
    have: Offset | None = None
    epoch: Name | None = None
    metadata: dict[str, object] | None = None
    em_dimensions: dict[str, float] | None = None
    encoding: Name | None = None


class Resize(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How much room this viewer has; without ``term`` for all of its terminals."""

    rows: Cells
    columns: Cells
    term: Number | None = None
    em_dimensions: dict[str, float] | None = None
    ctrl_l: bool | None = None


class ManualTitle(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A title given by hand; empty for the program's own."""

    term: Number
    title: Title


class MoveTerminal(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where a terminal goes."""

    term: Number
    location: Location


class SwapTerminals(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Two terminals that exchange their numbers."""

    term1: Number
    term2: Number


class WriteChars(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Text to type, into the current terminal when none is named."""

    chars: Chars
    term: Number | None = None
