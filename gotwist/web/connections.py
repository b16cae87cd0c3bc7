"""How many HTTP connections there are, in all and from each address.

A connection that becomes a WebSocket leaves this count: the gateway has its own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Protocol

from gotwist.web.options import Limits


class Connection(Protocol):
    """What is counted."""

    def drop(self) -> None:
        """End at once, without an answer."""


class Connections:
    """Admits connections up to the limits; when full, the one waiting longest makes room."""

    def __init__(self) -> None:
        self._peers: dict[Connection, str] = {}
        self._waiting: dict[Connection, None] = {}
        self._per_address: Counter[str] = Counter()
        self.refused = 0
        """How many were turned away or dropped to make room, since the start."""

    def __len__(self) -> int:
        return len(self._peers)

    def __iter__(self) -> Iterator[Connection]:
        return iter(list(self._peers))

    def admit(self, connection: Connection, peer: str, limits: Limits, *, exempt: bool) -> bool:
        """Count a new connection, or refuse it.

        :param exempt: no limit for this address (a listed proxy carries many clients).
        """
        if not exempt and self._per_address[peer] >= limits.per_address:
            self.refused += 1
            return False
        if len(self._peers) >= limits.connections:
            self.refused += 1
            oldest = next(iter(self._waiting), None)
            if oldest is None:
                return False
            self.release(oldest)
            oldest.drop()
        self._peers[connection] = peer
        self._per_address[peer] += 1
        self._waiting[connection] = None
        return True

    def waits(self, connection: Connection, *, waits: bool) -> None:
        """Note whether a connection only waits for a request (and may be dropped for others)."""
        if not waits:
            self._waiting.pop(connection, None)
        elif connection in self._peers and connection not in self._waiting:
            self._waiting[connection] = None

    def release(self, connection: Connection) -> None:
        """Forget a connection; one that is not counted is no error."""
        self._waiting.pop(connection, None)
        peer = self._peers.pop(connection, None)
        if peer is None:
            return
        self._per_address[peer] -= 1
        if not self._per_address[peer]:
            del self._per_address[peer]

    def drop_all(self) -> None:
        """End every connection: the door closes."""
        for connection in self:
            connection.drop()
