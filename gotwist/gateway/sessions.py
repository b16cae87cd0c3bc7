"""Sessions: a user's lasting presence, which outlives tabs, with its locations."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TypeAlias

from gotwist.auth.user import User

DEFAULT_LOCATION = "default"

Place: TypeAlias = dict[str, dict[str, object]]
"""By application, what it has at a location: ``{"terminal": {"3": {"title": ...}}}``."""


@dataclass(eq=False, slots=True)
class Session:
    """What stays of a user while no browser is connected.

    ``clients`` holds the ids of the connected tabs.  ``last_seen`` is None while there is one,
    then the monotonic time at which the last one left.  ``on_timeout`` are called with the
    session when it has been unseen for too long (programs are ended), ``on_kill`` when the
    daemon stops.  ``locations`` is written by the applications.
    """

    id: str
    user: User
    clients: tuple[str, ...] = ()
    last_seen: float | None = None
    locations: dict[str, Place] = field(default_factory=dict)
    on_timeout: tuple[Callable[[Session], None], ...] = ()
    on_kill: tuple[Callable[[Session], None], ...] = ()

    def place(self, location: str, application: str) -> dict[str, object]:
        """The part of ``location`` that belongs to ``application``; made when missing."""
        return self.locations.setdefault(location, {}).setdefault(application, {})


class Sessions:
    """All sessions of the daemon, by id.

    :param on_failure: given what a session's own callback raised; the others are called.
    """

    def __init__(self, on_failure: Callable[[Exception], None]) -> None:
        self._sessions: dict[str, Session] = {}
        self._on_failure = on_failure

    def __iter__(self) -> Iterator[Session]:
        return iter(tuple(self._sessions.values()))

    def __len__(self) -> int:
        return len(self._sessions)

    def find(self, id: str) -> Session | None:
        """The session with this id, if there is one."""
        return self._sessions.get(id)

    def restore(self, id: str, user: User, now: float) -> Session:
        """The session with this id, made as one without clients when it is not there.

        For what the daemon finds again when it starts: its age counts from now.
        """
        session = self._sessions.get(id)
        if session is None:
            session = self._sessions[id] = Session(id, user, last_seen=now)
        return session

    def join(self, id: str, user: User, client: str) -> Session:
        """Add a client to the session, which is made when it is not there."""
        session = self._sessions.get(id)
        if session is None:
            session = self._sessions[id] = Session(id, user)
        session.clients += (client,)
        session.last_seen = None
        return session

    def leave(self, id: str, client: str, now: float) -> None:
        """Take a client out; with the last one, the session begins to age."""
        session = self._sessions.get(id)
        if session is None or client not in session.clients:
            return
        session.clients = tuple(one for one in session.clients if one != client)
        if not session.clients:
            session.last_seen = now

    def expired(self, now: float, timeout_s: float) -> tuple[Session, ...]:
        """Those unseen for ``timeout_s``; changes nothing.  With 0, every one without a client."""
        return tuple(
            session
            for session in self._sessions.values()
            if session.last_seen is not None and now - session.last_seen >= timeout_s
        )

    def end_expired(self, now: float, timeout_s: float) -> int:
        """End those, calling what they registered for it; how many: a chore."""
        gone = self.expired(now, timeout_s)
        for session in gone:
            self._end(session)
        return len(gone)

    def end_unseen(self, id: str) -> None:
        """End this session now, unless a client is there."""
        session = self._sessions.get(id)
        if session is not None and not session.clients:
            self._end(session)

    def kill(self) -> None:
        """The daemon stops: call what every session registered for that."""
        for session in self:
            self._call(session.on_kill, session)

    def _end(self, session: Session) -> None:
        del self._sessions[session.id]
        self._call(session.on_timeout, session)

    def _call(self, callbacks: tuple[Callable[[Session], None], ...], session: Session) -> None:
        for callback in callbacks:
            try:
                callback(session)
            except Exception as failure:
                self._on_failure(failure)
