"""The hub: opens and ends terminals, brings output to viewers, and hears the keeper.

One hub serves every client.  It finds terminals again after a restart of the daemon from
the labels that the keeper held.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from gotwist.applications.terminal import telling
from gotwist.applications.terminal.keeping import Beginning, Held, Keeper, Login
from gotwist.applications.terminal.label import Label, parse_label, render_label
from gotwist.applications.terminal.places import Place
from gotwist.applications.terminal.register import Register
from gotwist.applications.terminal.terminal import Exit, Terminal, clamp_size
from gotwist.applications.terminal.titles import clean_title
from gotwist.applications.terminal.viewer import Viewer
from gotwist.errors import LimitReached, Malformed, Unavailable


@dataclass(frozen=True, slots=True)
class Start:
    """Everything a new terminal needs; made by the application from settings and client.

    :ivar environment: makes the program's environment once the number is known
    :ivar created: milliseconds since 1970
    """

    place: Place
    upn: str
    command: str
    argv: tuple[str, ...]
    environment: Callable[[int], Mapping[str, str]]
    cwd: str
    rows: int
    columns: int
    created: int
    max_of_user: int
    max_of_server: int
    #: Where users are accounts of the machine: as whom, instead of argv and cwd.
    login: Login | None = None


@dataclass(frozen=True, slots=True)
class New:
    """Where the viewer of a new terminal begins: at the beginning."""

    offset: int
    live: int
    reset: bool
    rows: int
    columns: int
    restore: bytes = b""
    resizes: tuple[tuple[int, int, int], ...] = ()
    redraw: bool = False


class Hub(Register):
    """Everything that happens with terminals, for all clients.

    :param now: monotonic seconds
    :param spawn: runs an awaitable in the background and logs its failure with a context
    """

    def __init__(
        self,
        keeper: Keeper,
        now: Callable[[], float],
        spawn: Callable[[str, Awaitable[object]], None],
    ) -> None:
        super().__init__(keeper, spawn)
        self._now = now

    # opening and ending

    async def restore(self) -> int:
        """Take up again every terminal the keeper holds; answers how many."""
        for held in await self.keeper.list():
            try:
                label = parse_label(held.label)
            except Malformed:
                continue  # not one of ours: another program's terminal in the same keeper
            await self.keeper.adopt(held.terminal)
            terminal = self._add(held.terminal, held.slot, label, held.rows, held.columns)
            terminal.program_title = clean_title(held.title)
            if held.exited is not None:
                terminal.exited = Exit(*held.exited, self.keeper.arena.head(held.slot))
                self.on_ended(terminal, "found_ended")
        return len(self._by_id)

    async def open(self, start: Start, number: int | None) -> Terminal:
        """Start a program on a new terminal.

        :param number: the number wanted, or None for the lowest free one
        :raises Unavailable: a limit is reached, or the number is just being opened
        :raises NotFound: the program does not exist
        """
        if self.places.count_of(start.upn, start.place.session) >= start.max_of_user:
            raise LimitReached(
                f"you have {start.max_of_user} terminals open, which is the limit; close one first"
            )
        if len(self.places) >= start.max_of_server:
            raise Unavailable("this server has no room for another terminal; try again later")
        number = self.places.reserve(start.place, number)
        label = Label(
            session=start.place.session,
            upn=start.upn,
            location=start.place.location,
            term=number,
            command=start.command,
            created=start.created,
        )
        rows, columns = clamp_size(start.rows, start.columns)
        try:
            opened = await self._open(start, number, rows, columns, render_label(label))
        except BaseException:
            self.places.remove(start.place, number)
            raise
        return self._add(opened.terminal, opened.slot, label, rows, columns, told=0)

    async def _open(self, start: Start, number: int, rows: int, columns: int, label: str) -> Held:
        environment = start.environment(number)
        if start.login is not None:
            return await self.keeper.login(start.login, environment, rows, columns, label)
        return await self.keeper.open(start.argv, environment, start.cwd, rows, columns, label)

    async def end(self, terminal: Terminal, reason: str = "killed") -> None:
        """End a terminal's program; whoever looks at it is told."""
        self._remove(terminal, reason)
        await self.keeper.close(terminal.id)

    async def end_session(self, session: str) -> None:
        """End every terminal of a session."""
        for numbered in self.places.of_session(session).values():
            for terminal in numbered.values():
                await self.end(terminal, "session_ended")

    # viewing

    async def view(self, terminal: Terminal, viewer: Viewer, have: int | None) -> None:
        """Add a viewer and bring it to the terminal's screen.

        :param have: output offset up to which the viewer has drawn already
        """
        terminal.viewers += (viewer,)
        self._fit(terminal)
        await self.synchronise(terminal, viewer, have)

    def view_new(self, terminal: Terminal, viewer: Viewer) -> None:
        """Add the first viewer of a terminal just opened: it sees everything live.

        Nothing has to be asked for, and what the program asks its terminal is answered.
        """
        terminal.viewers += (viewer,)
        self._begin(terminal, viewer, New(0, 0, True, terminal.rows, terminal.columns))

    async def synchronise(self, terminal: Terminal, viewer: Viewer, have: int | None) -> None:
        """Tell a viewer where its stream begins, and begin it."""
        viewer.is_syncing = True
        beginning = await self.keeper.attach(terminal.id, have)
        if viewer not in terminal.viewers:
            return
        self._begin(terminal, viewer, beginning)
        if beginning.redraw:
            await self.keeper.redraw(terminal.id)

    def _begin(self, terminal: Terminal, viewer: Viewer, beginning: Beginning) -> None:
        viewer.applied = viewer.applied_told = self.keeper.applied(terminal.id, viewer.stream)
        telling.tell_beginning(terminal, viewer, self.keeper.epoch, beginning)
        viewer.begin(beginning.offset)
        terminal.tell_need()
        self.pump(terminal)

    def leave(self, terminal: Terminal, viewer: Viewer) -> None:
        """Remove a viewer; the program goes on."""
        if viewer not in terminal.viewers:
            return
        was_first = terminal.viewers[0] is viewer
        terminal.viewers = tuple(one for one in terminal.viewers if one is not viewer)
        terminal.tell_need()
        self._fit(terminal)
        if was_first:
            telling.tell_answers(terminal)

    def resize(self, terminal: Terminal, viewer: Viewer, rows: int, columns: int) -> None:
        """Note how much room a viewer has; the terminal takes the smallest of all."""
        viewer.rows, viewer.columns = clamp_size(rows, columns)
        self._fit(terminal)

    def acknowledge(self, terminal: Terminal, viewer: Viewer, offset: int) -> None:
        """Note that a viewer has drawn everything before ``offset``.

        :raises Malformed: for an offset that was never sent
        """
        if not viewer.acknowledge(offset):
            raise Malformed(f"acknowledged {offset}, but only {viewer.sent} was sent")
        viewer.aside = False
        terminal.tell_need()
        self.pump(terminal)

    def type(self, terminal: Terminal, viewer: Viewer, offset: int, data: bytes) -> int:
        """Give keystrokes to the program; answers the applied offset."""
        self.input_bytes += len(data)
        return self.keeper.type(terminal.id, viewer.stream, offset, data)

    def pump(self, terminal: Terminal) -> None:
        """Send what can be sent to a terminal's viewers."""
        if terminal.pump(self.keeper.arena, self._now, self._resynchronise):
            self._blocked.add(terminal)
        if terminal.exited is not None:
            telling.tell_exit(terminal)

    def watch_patience(self) -> None:
        """Set aside viewers that have taken nothing for too long; to be called every second."""
        now = self._now()
        self._blocked = {terminal for terminal in self._blocked if terminal.set_aside(now)}

    # the keeper's events

    def on_bell(self, slots: Sequence[int]) -> None:
        """Output has arrived in these slots."""
        by_slot = self._by_slot
        for slot in slots:
            terminal = by_slot.get(slot)
            if terminal is not None:
                self.pump(terminal)

    def on_title(self, terminal_id: int, title: str) -> None:
        """A program has set its title."""
        terminal = self._by_id.get(terminal_id)
        if terminal is not None:
            terminal.program_title = clean_title(title)
            telling.tell_title(terminal)

    def on_applied(self, terminal_id: int, stream: int, applied: int) -> None:
        """Input that had to wait has been given to the program."""
        terminal = self._by_id.get(terminal_id)
        for viewer in terminal.viewers if terminal is not None else ():
            if viewer.stream == stream:
                viewer.applied = applied
                viewer.tell_applied()

    def on_exited(
        self, terminal_id: int, code: int | None, signal: int | None, offset: int
    ) -> None:
        """A program has ended; its last output may still be on the way to viewers."""
        terminal = self._by_id.get(terminal_id)
        if terminal is not None:
            terminal.exited = Exit(code, signal, offset)
            self.on_ended(terminal, "exited")
            self.pump(terminal)

    def on_gone(self, terminal_id: int) -> None:
        """The keeper has forgotten a terminal."""
        terminal = self._by_id.get(terminal_id)
        if terminal is not None:
            self._remove(terminal, "forgotten")

    def on_lost(self) -> None:
        """The keeper itself has died, and every terminal with it."""
        for terminal in tuple(self._by_id.values()):
            self._remove(terminal, "keeper_lost")

    # inside

    def _fit(self, terminal: Terminal) -> None:
        size = terminal.wanted_size()
        if size is not None and size != (terminal.rows, terminal.columns):
            terminal.rows, terminal.columns = size
            self._spawn("resize a terminal", self._resize(terminal, *size))

    async def _resize(self, terminal: Terminal, rows: int, columns: int) -> None:
        offset = await self.keeper.resize(terminal.id, rows, columns)
        if (rows, columns) == (terminal.rows, terminal.columns):
            telling.tell_size(terminal, offset)

    def _resynchronise(self, terminal: Terminal, viewer: Viewer) -> None:
        viewer.is_syncing = True
        self._spawn("resynchronise a viewer", self.synchronise(terminal, viewer, None))
