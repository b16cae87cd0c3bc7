"""Which terminals there are: by the keeper's id, by slot and by place, with their labels."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import msgspec

from gotwist.applications.terminal import telling
from gotwist.applications.terminal.keeping import Keeper
from gotwist.applications.terminal.label import Label, render_label
from gotwist.applications.terminal.places import Place, Places, place_of
from gotwist.applications.terminal.terminal import Terminal
from gotwist.applications.terminal.titles import clean_title


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
        self._by_id[terminal_id] = terminal
        self._by_slot[slot] = terminal
        self.places.put(place_of(terminal), label.term, terminal)
        return terminal

    def _remove(self, terminal: Terminal) -> None:
        self._by_id.pop(terminal.id, None)
        if self._by_slot.get(terminal.slot) is terminal:
            del self._by_slot[terminal.slot]
        self._blocked.discard(terminal)
        self.places.remove(place_of(terminal), terminal.label.term)
        telling.tell_end(terminal)
