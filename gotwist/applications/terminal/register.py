"""Which terminals there are: by the keeper's id, by slot and by place, with their labels."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

import msgspec

from gotwist.applications.terminal import telling
from gotwist.applications.terminal.keeping import Keeper
from gotwist.applications.terminal.label import Label, render_label
from gotwist.applications.terminal.places import Place, Places, place_of
from gotwist.applications.terminal.terminal import Terminal
from gotwist.applications.terminal.titles import clean_title
from gotwist.errors import Unavailable


@dataclass(frozen=True)
class Totals:
    """What has passed since the daemon started: bytes, and how often somebody had to wait."""

    output: int = 0
    input: int = 0
    pauses: int = 0
    aside: int = 0

    def with_terminal(self, terminal: Terminal, head: int) -> Totals:
        """These and what a terminal adds, whose output has come to ``head``."""
        return replace(
            self,
            output=self.output + max(0, head - terminal.begun),
            pauses=self.pauses + terminal.pauses,
            aside=self.aside + terminal.asides,
        )


class Register:
    """All terminals of this daemon.

    :param spawn: runs an awaitable in the background and logs its failure with a context
    """

    def __init__(self, keeper: Keeper, spawn: Callable[[str, Awaitable[object]], None]) -> None:
        self.keeper = keeper
        # Made once for all terminals.
        self._need = keeper.need
        self.places = Places()
        self._spawn = spawn
        self._by_id: dict[int, Terminal] = {}
        self._by_slot: dict[int, Terminal] = {}
        #: Those with a viewer that takes nothing although something waits.
        self._blocked: set[Terminal] = set()
        self._gone = Totals()
        self.input_bytes = 0
        #: Told of each program that ends, and why; not of a terminal without a program.
        self.on_ended: Callable[[Terminal, str], None] = _unheard

    def totals(self) -> Totals:
        """Count everything; reads shared memory, once for each terminal."""
        totals = replace(self._gone, input=self.input_bytes)
        for terminal in self._by_id.values():
            totals = totals.with_terminal(terminal, self._head(terminal))
        return totals

    def _head(self, terminal: Terminal) -> int:
        try:
            return self.keeper.arena.head(terminal.slot)
        except (Unavailable, LookupError):
            return terminal.begun  # the keeper has gone, and its memory with it

    def owner_of(self, session: str) -> str:
        """The user to whom a session's terminals belong."""
        return next(t.label.upn for t in self._by_id.values() if t.label.session == session)

    def set_manual_title(self, terminal: Terminal, title: str) -> None:
        """Give a title by hand; empty makes it the program's again."""
        self._relabel(terminal, manual_title=clean_title(title))
        telling.tell_title(terminal)

    def move(self, terminal: Terminal, place: Place) -> int:
        """Move a terminal to another location of its session; answers its number there."""
        telling.tell_moved(terminal, place.location)
        number = self.places.next_number(place)
        self.places.remove(place_of(terminal), terminal.label.term)
        self.places.put(place, number, terminal)
        self._relabel(terminal, location=place.location, term=number)
        terminal.tell_need()
        return number

    def swap(self, one: Terminal, other: Terminal) -> None:
        """Exchange two terminals' numbers within their place."""
        place = place_of(one)
        telling.tell_moved(one, place.location)
        telling.tell_moved(other, place.location)
        first, second = one.label.term, other.label.term
        self.places.put(place, first, other)
        self.places.put(place, second, one)
        self._relabel(one, term=second)
        self._relabel(other, term=first)
        one.tell_need()
        other.tell_need()

    def _relabel(self, terminal: Terminal, **changes: object) -> None:
        terminal.label = msgspec.structs.replace(terminal.label, **changes)
        self._spawn(
            "label a terminal", self.keeper.label(terminal.id, render_label(terminal.label))
        )

    def _add(
        self,
        terminal_id: int,
        slot: int,
        label: Label,
        rows: int,
        columns: int,
        told: int | None = None,
    ) -> Terminal:
        terminal = Terminal(terminal_id, slot, label, rows, columns, self._need, told)
        terminal.begun = 0 if told == 0 else self._head(terminal)
        self._by_id[terminal_id] = terminal
        self._by_slot[slot] = terminal
        self.places.put(place_of(terminal), label.term, terminal)
        return terminal

    def _remove(self, terminal: Terminal, reason: str) -> None:
        if terminal.exited is None and terminal.id in self._by_id:
            self.on_ended(terminal, reason)
        if self._by_id.pop(terminal.id, None) is not None:
            self._gone = self._gone.with_terminal(terminal, self._head(terminal))
        if self._by_slot.get(terminal.slot) is terminal:
            del self._by_slot[terminal.slot]
        self._blocked.discard(terminal)
        self.places.remove(place_of(terminal), terminal.label.term)
        telling.tell_end(terminal)


def _unheard(terminal: Terminal, reason: str) -> None:
    """Nobody wants to know."""
