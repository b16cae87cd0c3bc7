"""All terminals of a keeper: opened, followed, ended, forgotten.

An ended terminal stays listed, with its exit code and its output, until it is closed, or until
nobody has been connected for a while.  Its slot is used again, its number never.
"""

from __future__ import annotations

import heapq
import os
import signal
import time
from collections.abc import Callable

from gotwist.keeper import process
from gotwist.keeper.arena import Arena, Ring
from gotwist.keeper.connection import Connection
from gotwist.keeper.reading import Reading, tell
from gotwist.keeper.terminal import Start, Terminal
from gotwist.keeper.timers import Timers

KILL_AFTER_S = 5.0
SWEEP_S = 0.1
NUDGE_S = 0.03
MAX_TERMINAL = 2**32 - 1


class Refused(Exception):
    """A well-formed request that cannot be granted."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class Terminals:
    """The table of terminals and what can be done with them."""

    def __init__(
        self,
        arena: Arena,
        reading: Reading,
        timers: Timers,
        kill_after_s: float = KILL_AFTER_S,
    ) -> None:
        self._arena = arena
        self._reading = reading
        self._timers = timers
        self._kill_after_s = kill_after_s
        self._free = list(range(arena.slots))
        self._last = 0
        self._sweeping = False
        self.all: dict[int, Terminal] = {}
        self._closing: dict[int, Terminal] = {}

    @property
    def is_empty(self) -> bool:
        """Tell whether no terminal is left, not even one that is just ending."""
        return not self.all and not self._closing

    def get(self, number: int) -> Terminal:
        """Look a terminal up.

        :raises Refused: when there is none of this number.
        """
        terminal = self.all.get(number)
        if terminal is None:
            raise Refused("not_found", "there is no such terminal")
        return terminal

    def open(
        self,
        start: Callable[[], tuple[int, int]],
        name: str,
        rows: int,
        columns: int,
        watcher: Connection | None = None,
    ) -> Terminal:
        """Start a program in a new terminal.

        :param start: starts it and gives process id and master
        :param name: of the program, for whoever is told that it cannot be started
        :param watcher: looks at it from the beginning.

        :raises Refused: ``not_found`` for the program, ``unavailable`` for want of room.
        """
        if not self._free or self._last == MAX_TERMINAL:
            raise Refused("unavailable", f"all {self._arena.slots} terminals are in use")
        slot = self._free[0]
        try:
            ring = Ring(self._arena.ring, self._arena.openings, slot)
        except OSError as error:
            raise Refused("unavailable", f"no memory for a terminal: {error.strerror}") from error
        try:
            pid, master = start()
        except process.NoProgram as error:
            ring.close()
            raise Refused("not_found", str(error)) from error
        except (OSError, ValueError) as error:
            ring.close()
            raise Refused("unavailable", f"{name!r} cannot be started: {error}") from error
        heapq.heappop(self._free)
        self._last += 1
        self._arena.open(slot, self._last)
        terminal = Terminal(self._last, slot, pid, master, ring, rows, columns)
        if watcher is not None:
            terminal.watchers[watcher] = 0
        self.all[terminal.id] = terminal
        self._reading.add(terminal)
        return terminal

    def attach(self, terminal: Terminal, watcher: Connection, have: int | None) -> Start:
        """Choose where a viewer begins, and keep that place readable for it."""
        start = terminal.begin(have)
        before = terminal.watchers.get(watcher)
        terminal.watchers[watcher] = start.offset if before is None else min(before, start.offset)
        self._reading.needs_changed(terminal)
        return start

    def need(self, number: int, watcher: Connection, offset: int | None) -> None:
        """Take note how far a connection's viewers have drawn."""
        terminal = self.all.get(number)
        if terminal is not None and watcher in terminal.watchers:
            terminal.watchers[watcher] = None if offset is None else min(offset, terminal.head)
            self._reading.needs_changed(terminal)

    def leave(self, watcher: Connection) -> None:
        """Forget a connection; close what was to end with it."""
        for terminal in list(self.all.values()):
            if watcher in terminal.watchers:
                del terminal.watchers[watcher]
                self._reading.needs_changed(terminal)
            if terminal.owner is watcher:
                self.close(terminal)

    def resize(self, terminal: Terminal, rows: int, columns: int) -> int:
        """Give a terminal a new size; tell the output offset from which it holds."""
        if (rows, columns) != (terminal.rows, terminal.columns):
            self._set_size(terminal, rows, columns)
            terminal.resized(rows, columns)
        return terminal.head

    def redraw(self, terminal: Terminal) -> None:
        """Have the program paint anew: one row less, and shortly after back."""
        self._set_size(terminal, max(1, terminal.rows - 1), terminal.columns)
        # Two changes at once would reach the program as none.
        self._timers.after(
            NUDGE_S, lambda: self._set_size(terminal, terminal.rows, terminal.columns)
        )

    def _set_size(self, terminal: Terminal, rows: int, columns: int) -> None:
        if terminal.master >= 0:
            process.set_size(terminal.master, rows, columns)

    def signal(self, terminal: Terminal, number: int) -> None:
        """Signal the foreground programs of a terminal."""
        if terminal.master < 0 or not process.send_foreground(terminal.master, number):
            raise Refused("unavailable", "nothing runs in the foreground")

    def close(self, terminal: Terminal) -> None:
        """Hang up; what is still there after a while is killed; then forget."""
        if terminal.id not in self.all:
            return
        del self.all[terminal.id]
        if terminal.exited is not None:
            self._forget(terminal)
            return
        terminal.closing = time.monotonic() + self._kill_after_s
        self._closing[terminal.id] = terminal
        self._reading.remove(terminal)
        process.send_foreground(terminal.master, signal.SIGHUP)
        os.close(terminal.master)
        terminal.master = -1
        if terminal.session:
            process.hang_up([terminal.session])
        self._sweep_soon()

    def close_all(self) -> None:
        """Close every terminal."""
        for terminal in list(self.all.values()):
            self.close(terminal)

    def forget_ended(self, before: float) -> None:
        """Forget the terminals whose program ended before a (monotonic) time."""
        for terminal in list(self.all.values()):
            if terminal.exited is not None and terminal.exited_at <= before:
                self.close(terminal)

    def collect(self) -> None:
        """Look which programs have ended; to be called on SIGCHLD."""
        ended = {}
        for terminal in self.all.values():
            if terminal.exited is None and (how := _how_ended(terminal)) is not None:
                ended[terminal.session] = (terminal, how)
        if ended:
            left = process.members(set(ended))
            for session, (terminal, how) in ended.items():
                self._end(terminal, how)
                process.hang_up(left.get(session, []))
                _release(terminal)
        if self._closing:
            self._sweep_soon()

    def started(self, terminal: Terminal) -> None:
        """A guarded program runs; which session it has is known from now on."""
        if terminal.closing:
            process.hang_up([terminal.session])

    def _end(self, terminal: Terminal, how: tuple[int | None, int | None]) -> None:
        self._reading.drain_last(terminal)
        terminal.exited = how
        terminal.exited_at = time.monotonic()
        self._reading.remove(terminal)
        os.close(terminal.master)
        terminal.master = -1
        tell(
            terminal,
            {
                "event": "exited",
                "terminal": terminal.id,
                "code": how[0],
                "signal": how[1],
                "offset": terminal.head,
            },
        )

    def _sweep_soon(self) -> None:
        if not self._sweeping:
            self._sweeping = True
            self._timers.after(SWEEP_S / 5, self._sweep)

    def _sweep(self) -> None:
        """Follow the closing sessions to their end, all with one look at the processes."""
        self._sweeping = False
        # Leaders stay unreaped meanwhile: their ids cannot come to name a stranger's session.
        left = process.members({terminal.session for terminal in self._closing.values()})
        now = time.monotonic()
        for terminal in list(self._closing.values()):
            others = left.get(terminal.session, [])
            if not others and _how_ended(terminal) is not None:
                _release(terminal)
                del self._closing[terminal.id]
                self._forget(terminal)
            elif now >= terminal.closing:
                # A guard that opens its session for ever has no program yet.
                for pid in [*others, terminal.session or terminal.pid]:
                    process.send(pid, signal.SIGKILL)
            else:
                process.hang_up(others)
        if self._closing and not self._sweeping:
            self._sweeping = True
            self._timers.after(SWEEP_S, self._sweep)

    def _forget(self, terminal: Terminal) -> None:
        terminal.ring.close()
        heapq.heappush(self._free, terminal.slot)
        tell(terminal, {"event": "gone", "terminal": terminal.id})
        terminal.watchers.clear()


def _how_ended(terminal: Terminal) -> tuple[int | None, int | None] | None:
    guard = terminal.guard
    return process.ended(terminal.pid) if guard is None else guard.how


def _release(terminal: Terminal) -> None:
    """Give the process id of a session back, of which nothing is left."""
    if terminal.guard is None:
        process.reap(terminal.pid)
    else:
        terminal.guard.over()
