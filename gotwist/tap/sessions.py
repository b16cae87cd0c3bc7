"""The end of sessions: a chore for those unseen too long, and at once where none are kept."""

from __future__ import annotations

from collections.abc import Callable

from gotwist.gateway.clients import Client
from gotwist.gateway.house import House
from gotwist.settings.snapshot import Snapshot


class SessionEnd:
    """Ends sessions ``session_timeout`` after their last browser has left."""

    def __init__(self, house: House, settings: Callable[[], Snapshot]) -> None:
        self._house = house
        self._settings = settings
        house.emitter.on("go:close", self._left)

    def end_expired(self) -> int:
        """End those whose time is up; how many: a chore."""
        return self._house.sessions.end_expired(self._house.clock.now(), self._timeout_s)

    def stop(self) -> None:
        """End none any more: when the daemon stops, browsers leave that mean to come back."""
        self._house.emitter.off("go:close", self._left)

    def _left(self, client: Client) -> None:
        if client.user is not None and not self._timeout_s:
            self._house.sessions.end_unseen(client.session.id)

    @property
    def _timeout_s(self) -> float:
        return self._settings().seconds("session_timeout")
