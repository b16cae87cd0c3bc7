"""What the terminal application needs of the keeper, as seen from this side of the socket."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping, Sequence
from typing import Protocol

from gotwist.applications.terminal.viewer import Ring


class Held(Protocol):
    """A terminal as the keeper tells of it."""

    terminal: int
    slot: int
    label: str
    rows: int
    columns: int
    title: str
    exited: tuple[int | None, int | None, int] | None


class Opened(Protocol):
    """A terminal just opened."""

    terminal: int
    slot: int
    pid: int


class Beginning(Protocol):
    """Where a viewer begins (docs/protocol.md, request ``attach``)."""

    offset: int
    live: int
    reset: bool
    restore: bytes
    resizes: Sequence[tuple[int, int, int]]
    rows: int
    columns: int
    redraw: bool


class Keeper(Protocol):
    """What the hub needs of the keeper."""

    @property
    def epoch(self) -> str:
        """Names the keeper's life; offsets of another life mean nothing."""

    @property
    def arena(self) -> Ring:
        """The shared memory in which output lies."""

    def open(
        self,
        argv: Sequence[str],
        env: Mapping[str, str],
        cwd: str,
        rows: int,
        columns: int,
        label: str,
    ) -> Awaitable[Opened]:
        """Start a program on a new terminal."""

    def list(self) -> Awaitable[Sequence[Held]]:
        """Tell all terminals."""

    def adopt(self, terminal: int) -> Awaitable[object]:
        """Hear a terminal's bell and events from now on."""

    def attach(self, terminal: int, have: int | None) -> Awaitable[Beginning]:
        """Tell where a viewer begins that has output up to ``have``."""

    def resize(self, terminal: int, rows: int, columns: int) -> Awaitable[int]:
        """Give a new size; answers the offset from which it holds."""

    def redraw(self, terminal: int) -> Awaitable[object]:
        """Ask the program to paint anew."""

    def label(self, terminal: int, label: str) -> Awaitable[object]:
        """Remember another label."""

    def close(self, terminal: int) -> Awaitable[object]:
        """End the program and forget the terminal."""

    def need(self, terminal: int, offset: int | None) -> None:
        """Tell how far the viewers are."""

    def type(self, terminal: int, viewer: int, offset: int, data: bytes) -> int:
        """Write keystrokes; answers the applied offset of this viewer's stream."""

    def applied(self, terminal: int, viewer: int) -> int:
        """Tell how much of a viewer's input stream has been applied."""
