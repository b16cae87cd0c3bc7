"""One terminal as the daemon sees it: its place, its viewers, its size, how far they are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from gotwist.applications.terminal.label import Label
from gotwist.applications.terminal.viewer import Pumped, Ring, Viewer

#: The keeper is told about progress in steps of this many bytes, not for every frame.
NEED_STEP = 131_072
#: A viewer that takes nothing for this long while output waits is set aside.
PATIENCE_S = 5.0
MIN_ROWS, MAX_ROWS = 2, 500
MIN_COLUMNS, MAX_COLUMNS = 2, 1000


@dataclass(frozen=True, slots=True)
class Exit:
    """How a program ended.

    :ivar code: exit code, None when a signal ended it or nobody knows
    :ivar signal: signal number or None
    :ivar offset: end of its output
    """

    code: int | None
    signal: int | None
    offset: int


class Terminal:
    """A pseudo-terminal that the keeper holds, and who looks at it.

    :param need: tells the keeper how far the viewers are (None: nobody watches)
    :param told: what the keeper takes for granted of that
    """

    __slots__ = (
        "_need",
        "_need_told",
        "asides",
        "begun",
        "columns",
        "exited",
        "id",
        "label",
        "pauses",
        "program_title",
        "rows",
        "slot",
        "viewers",
    )

    def __init__(
        self,
        terminal: int,
        slot: int,
        label: Label,
        rows: int,
        columns: int,
        need: Callable[[int, int | None], None],
        told: int | None = None,
    ) -> None:
        self.id = terminal
        self.slot = slot
        self.label = label
        self.rows = rows
        self.columns = columns
        self.program_title = ""
        self.exited: Exit | None = None
        self.viewers: tuple[Viewer, ...] = ()
        #: For the metrics: where its output began for this daemon, and how often a viewer
        #: made it wait, or was waited for no more.
        self.begun = 0
        self.pauses = 0
        self.asides = 0
        self._need = need
        self._need_told = told

    @property
    def title(self) -> str:
        """What a tab shows: the user's own title before the program's, then the command."""
        return self.label.manual_title or self.program_title or self.label.command

    def describe(self) -> dict[str, object]:
        """What ``terminal:terminals`` and ``go:locations`` say of it."""
        return {
            "title": self.title,
            "command": self.label.command,
            "created": self.label.created,
            "metadata": {},
        }

    def wanted_size(self) -> tuple[int, int] | None:
        """Rows and columns that every viewer can show; None when nobody looks."""
        if not self.viewers:
            return None
        return (
            min(viewer.rows for viewer in self.viewers),
            min(viewer.columns for viewer in self.viewers),
        )

    def pump(
        self, ring: Ring, now: Callable[[], float], lost: Callable[[Terminal, Viewer], None]
    ) -> bool:
        """Send every viewer what it may have.

        :param lost: called for a viewer that the ring has left behind
        :returns: True when some viewer is blocked, so that its patience must be watched
        """
        blocked = False
        for viewer in self.viewers:
            pumped = viewer.pump(ring)
            if pumped is Pumped.BLOCKED:
                if viewer.blocked_since is None:
                    self.pauses += 1
                viewer.note_blocked(now())
                blocked = True
            elif pumped is Pumped.LOST:
                lost(self, viewer)
        return blocked

    def set_aside(self, now: float) -> bool:
        """Stop waiting for viewers that took nothing for :data:`PATIENCE_S`.

        :returns: True when some viewer is still blocked
        """
        blocked = False
        for viewer in self.viewers:
            if viewer.aside or viewer.blocked_since is None:
                continue
            if now - viewer.blocked_since >= PATIENCE_S:
                viewer.aside = True
                self.asides += 1
            else:
                blocked = True
        self.tell_need()
        return blocked

    def tell_need(self) -> None:
        """Tell the keeper up to where the slowest viewer that is not aside has drawn."""
        need = min((viewer.acked for viewer in self.viewers if not viewer.aside), default=None)
        told = self._need_told
        if need is None:
            if told is not None:
                self._need_told = None
                self._need(self.id, None)
        elif told is None or need < told or need - told >= NEED_STEP:
            self._need_told = need
            self._need(self.id, need)


def clamp_size(rows: int, columns: int) -> tuple[int, int]:
    """Bring a size into what a terminal may have."""
    return (
        max(MIN_ROWS, min(MAX_ROWS, rows)),
        max(MIN_COLUMNS, min(MAX_COLUMNS, columns)),
    )
