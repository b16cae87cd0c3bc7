"""The handshake: what a browser says when it opens the WebSocket, and whether it may."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from gotwist.auth.signins import SignIn
from gotwist.errors import Denied
from gotwist.gateway.clients import Peer
from gotwist.gateway.gateway import Gateway
from gotwist.gateway.origin import OriginRule
from gotwist.gateway.outlet import Connection


@dataclass(frozen=True)
class Handshake:
    """The parts of the request that matter; ``params`` is the query, which nothing logs."""

    peer: Peer
    origin: str | None
    host: str | None
    cookies: Mapping[str, str] = field(default_factory=dict, repr=False)
    params: Mapping[str, Sequence[str]] = field(default_factory=dict, repr=False)


class Handler(Protocol):
    """Who hears what happens on one open WebSocket."""

    def opened(self) -> None: ...
    def receive_text(self, message: bytes) -> None: ...
    def receive_binary(self, message: bytes) -> None: ...
    def receive_ping(self) -> None: ...
    def set_writable(self, writable: bool) -> None: ...
    def closed(self) -> None: ...
    def fail(self, failure: Exception) -> None:
        """One of the others has raised: log it and close."""


Connect = Callable[[Connection], Handler]
"""Makes the handler of an admitted connection."""


class Admission(Protocol):
    """Decides about handshakes."""

    def admit(self, handshake: Handshake) -> Awaitable[Connect]:
        """Let it in; raises :class:`Denied` (403) or :class:`Unavailable` (429)."""


class GatewayAdmission:
    """Lets in whose origin is right, with the sign-in that cookie or token stand for.

    :param origins: gives the rule in force, which may change while the daemon runs.
    :param secure_cookie: the name under which the web door sets the sign-in cookie on HTTPS;
        the other name is not believed there, because a sister host could have planted it.
    :param plain_cookie: its name on plain HTTP.
    """

    def __init__(
        self,
        gateway: Gateway,
        origins: Callable[[], OriginRule],
        *,
        secure_cookie: str,
        plain_cookie: str,
    ) -> None:
        self._gateway = gateway
        self._origins = origins
        self._secure_cookie = secure_cookie
        self._plain_cookie = plain_cookie

    async def admit(self, handshake: Handshake) -> Connect:
        """See :class:`Admission`."""
        peer = handshake.peer
        if not self._origins().allows(
            handshake.origin, handshake.host, peer.secure, bool(handshake.cookies)
        ):
            raise Denied("This origin is not allowed.")
        cookie = handshake.cookies.get(self._secure_cookie if peer.secure else self._plain_cookie)
        tokens = handshake.params.get("ws_token", ())
        if len(tokens) > 1:
            raise Denied("More than one token.")
        offered = await self._gateway.admit(peer, cookie, tokens[0] if tokens else None)
        return _Connect(self._gateway, peer, offered)


@dataclass(frozen=True)
class _Connect:
    gateway: Gateway
    peer: Peer
    offered: SignIn | None

    def __call__(self, connection: Connection) -> Handler:
        return self.gateway.connect(connection, self.peer, self.offered)


def parse_cookies(header: str) -> dict[str, str]:
    """The cookies of a ``Cookie`` header; two of one name that differ count as an empty one."""
    cookies: dict[str, str] = {}
    for part in header.split(";"):
        name, separator, value = part.strip().partition("=")
        if separator:
            cookies[name] = value if cookies.get(name, value) == value else ""
    return cookies
