"""What the terminal application needs of the keeper, as seen from this side of the socket."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from gotwist.applications.terminal.viewer import Ring


@dataclass(frozen=True)
class Login:
    """What a privileged keeper wants to know: as whom to start what, and the proof.

    ``command`` is the id of a command that the keeper knows, ``variables`` what only the
    daemon can put into it.
    """

    account: str
    ticket: str = field(repr=False)
    command: str
    variables: Mapping[str, str]


class Held(Protocol):
    """A terminal as the keeper tells of it; ``exited`` is (exit code, signal)."""

    @property
    def terminal(self) -> int: ...
    @property
    def slot(self) -> int: ...
    @property
    def label(self) -> str: ...
    @property
    def rows(self) -> int: ...
    @property
    def columns(self) -> int: ...
    @property
    def title(self) -> str: ...
    @property
    def exited(self) -> tuple[int | None, int | None] | None: ...


class Beginning(Protocol):
    """Where a viewer begins (docs/protocol.md, request ``attach``)."""

    @property
    def offset(self) -> int: ...
    @property
    def live(self) -> int: ...
    @property
    def reset(self) -> bool: ...
    @property
    def restore(self) -> bytes: ...
    @property
    def resizes(self) -> Sequence[tuple[int, int, int]]: ...
    @property
    def rows(self) -> int: ...
    @property
    def columns(self) -> int: ...
    @property
    def redraw(self) -> bool: ...


class Keeper(Protocol):
    """What the hub needs of the keeper."""

    @property
    def epoch(self) -> int:
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
    ) -> Awaitable[Held]:
        """Start a program on a new terminal."""

    def login(
        self, login: Login, place: Mapping[str, str], rows: int, columns: int, label: str
    ) -> Awaitable[Held]:
        """Start a program on a new terminal, as another account."""

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
