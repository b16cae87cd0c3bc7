"""Terminals by number: each location of each session counts for itself."""

from __future__ import annotations

from dataclasses import dataclass

from gotwist.applications.terminal.terminal import Terminal
from gotwist.errors import NotFound, Unavailable

MAX_NUMBER = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Place:
    """Where terminals are numbered: one location of one session."""

    session: str
    location: str


class Places:
    """Which terminal has which number; a number is reserved while its terminal is opened."""

    def __init__(self) -> None:
        self._places: dict[Place, dict[int, Terminal | None]] = {}

    def __len__(self) -> int:
        return sum(len(numbered) for numbered in self._places.values())

    def terminals(self, place: Place) -> dict[int, Terminal]:
        """The terminals of a place, in the order of their numbers."""
        numbered = self._places.get(place, {})
        return {n: t for n in sorted(numbered) if (t := numbered[n]) is not None}

    def of_session(self, session: str) -> dict[str, dict[int, Terminal]]:
        """All locations of a session that hold terminals."""
        return {
            place.location: found
            for place in self._places
            if place.session == session and (found := self.terminals(place))
        }

    def sessions(self) -> frozenset[str]:
        """Sessions that own a terminal."""
        return frozenset(
            place.session
            for place, numbered in self._places.items()
            if any(terminal is not None for terminal in numbered.values())
        )

    def get(self, place: Place, number: int) -> Terminal:
        """Return a terminal.

        :raises NotFound: also when it is somebody else's: the answer must be the same
        """
        found = self._places.get(place, {}).get(number)
        if found is None:
            raise NotFound(f"there is no terminal {number} here")
        return found

    def has(self, place: Place, number: int) -> bool:
        """Tell whether a number is taken by an open terminal."""
        return self._places.get(place, {}).get(number) is not None

    def reserve(self, place: Place, number: int | None) -> int:
        """Keep a number (None: the lowest free one) for a terminal that is being opened.

        :raises Unavailable: when the number is taken or being opened
        """
        numbered = self._places.get(place, {})
        if number is None:
            number = next(n for n in range(1, MAX_NUMBER) if n not in numbered)
        elif number in numbered:
            raise Unavailable(f"terminal {number} is just being opened")
        self._places.setdefault(place, {})[number] = None
        return number

    def put(self, place: Place, number: int, terminal: Terminal) -> None:
        """Give a number to a terminal."""
        self._places.setdefault(place, {})[number] = terminal

    def remove(self, place: Place, number: int) -> None:
        """Make a number free."""
        numbered = self._places.get(place)
        if numbered is not None:
            numbered.pop(number, None)
            if not numbered:
                del self._places[place]

    def next_number(self, place: Place) -> int:
        """The number after the highest of a place."""
        return max(self._places.get(place, {}), default=0) + 1

    def count_of(self, upn: str, session: str) -> int:
        """How many terminals a user has, those being opened included.

        Without authentication everybody has the same name; there a user is a session.
        """
        return sum(
            len(numbered)
            for place, numbered in self._places.items()
            if place.session == session
            or (
                upn != "ANONYMOUS"
                and any(t is not None and t.label.upn == upn for t in numbered.values())
            )
        )


def place_of(terminal: Terminal) -> Place:
    """Where a terminal is numbered."""
    return Place(terminal.label.session, terminal.label.location)
