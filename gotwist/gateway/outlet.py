"""A client's way out: messages to its connection, and what happens when nobody reads them."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Protocol

from gotwist.gateway.clients import Buffer, Peer
from gotwist.gateway.frames import TEXT, ws_header
from gotwist.gateway.house import House, Timer
from gotwist.gateway.messages import encode_message


class Connection(Protocol):
    """What a client needs of the socket behind it."""

    def send_wire(self, *buffers: Buffer) -> None:
        """Write buffers that are a whole WebSocket frame; nothing once it has closed."""

    def close(self, code: int, reason: str) -> None: ...
    def abort(self) -> None: ...
    def pause_reading(self) -> None: ...
    def resume_reading(self) -> None: ...


class Outlet:
    """The part of a client that writes; knows nothing of who reads."""

    __slots__ = (
        "_connection",
        "_house",
        "_stalled",
        "_writable_listeners",
        "id",
        "is_open",
        "is_writable",
        "peer",
    )

    def __init__(self, house: House, connection: Connection, peer: Peer) -> None:
        self.id = secrets.token_hex(8)
        self.peer = peer
        self.is_open = True
        self.is_writable = True
        self._house = house
        self._connection = connection
        self._writable_listeners: tuple[Callable[[], None], ...] = ()
        self._stalled: Timer | None = None

    def close(self, code: int, reason: str) -> None:
        """See :class:`~gotwist.gateway.clients.Client`."""
        raise NotImplementedError

    def closed(self) -> None:
        """The connection has ended."""
        raise NotImplementedError

    def send(self, action: str, value: object) -> None:
        """See :class:`~gotwist.gateway.clients.Client`."""
        if self.is_open:
            message = encode_message(action, value)
            self._connection.send_wire(ws_header(len(message), TEXT) + message)

    def send_frame(self, *buffers: Buffer) -> None:
        """See :class:`~gotwist.gateway.clients.Client`."""
        if self.is_open:
            self._connection.send_wire(ws_header(sum(map(len, buffers))), *buffers)

    def send_wire(self, *buffers: Buffer) -> None:
        """See :class:`~gotwist.gateway.clients.Client`."""
        if self.is_open:
            self._connection.send_wire(*buffers)

    def on_writable(self, callback: Callable[[], None]) -> None:
        """See :class:`~gotwist.gateway.clients.Client`."""
        self._writable_listeners += (callback,)

    def set_writable(self, writable: bool) -> None:
        """The transport has reached its mark, or has got rid of everything."""
        if not self.is_open or writable == self.is_writable:
            return
        self.is_writable = writable
        if self._stalled is not None:
            self._stalled.cancel()
            self._stalled = None
        if not writable:
            delay = self._house.limits.stalled_s
            self._stalled = self._house.clock.call_later(delay, self._drop_stalled)
            return
        for listener in self._writable_listeners:
            listener()

    def _drop_stalled(self) -> None:
        self._stalled = None
        self._house.log.info("client does not read", client=self.id, peer=self.peer.address)
        self._connection.abort()
        self.closed()

    def pause_reading(self) -> None:
        """See :class:`~gotwist.gateway.clients.Client`."""
        if self.is_open:
            self._connection.pause_reading()

    def resume_reading(self) -> None:
        """See :class:`~gotwist.gateway.clients.Client`."""
        if self.is_open:
            self._connection.resume_reading()
