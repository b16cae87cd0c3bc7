"""The factory of WebSocket connections, and the web resource in front of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from autobahn.twisted.websocket import WebSocketServerFactory
from twisted.internet.address import IPv4Address, IPv6Address
from twisted.internet.interfaces import IAddress, IReactorTime
from twisted.web.iweb import IRequest

from gotwist.gateway.clients import Peer
from gotwist.gateway.handshake import Admission
from gotwist.gateway.rounds import Rounds
from gotwist.gateway.websocket.outside import ReactorClock
from gotwist.gateway.websocket.protocol import GuardedWebSocket
from gotwist.gateway.websocket.takeover import TakeoverResource

# A peer that has not answered one ping when the next is due is dropped.
PING_S = 20.0

REFUSAL_HEADERS = (
    ("Cache-Control", "no-store"),
    ("Content-Security-Policy", "default-src 'none'"),
    ("Referrer-Policy", "no-referrer"),
    ("X-Content-Type-Options", "nosniff"),
)


class GuardedFactory(WebSocketServerFactory):
    """Makes :class:`GuardedWebSocket` connections.

    :param reactor: for all timers; a Clock will do.
    :param refusal_headers: sent with every refused handshake.
    """

    protocol: type[GuardedWebSocket] = GuardedWebSocket

    def __init__(
        self,
        reactor: IReactorTime,
        admission: Admission,
        *,
        server: str = "gotwist",
        max_connections: int = 4096,
        refusal_headers: Sequence[tuple[str, str]] = REFUSAL_HEADERS,
    ) -> None:
        super().__init__(server=server, reactor=reactor)
        # Autobahn's own timers belong to the global reactor, whatever it is given.
        clock = self._batched_timer = ReactorClock(reactor)
        self.pings = Rounds(clock, PING_S, GuardedWebSocket.ping)
        self.maxConnections = max_connections
        self.admission = admission
        self.refusal_headers = tuple(refusal_headers)
        self._peer_of_request: Peer | None = None

    def buildProtocol(self, address: IAddress | None) -> GuardedWebSocket:
        """Make one connection."""
        protocol = self.protocol()
        protocol.factory = self
        protocol.peer_info = self._peer_of_request or Peer(_host(address))
        return protocol

    def serve(self, peer: Peer, take_over: Callable[[], object]) -> object:
        """Let ``take_over`` build a connection that comes from ``peer``.

        Autobahn's resource builds the protocol inside of its ``render`` and tells it only the
        nearest address, which behind a proxy is the proxy's.
        """
        self._peer_of_request = peer
        try:
            return take_over()
        finally:
            self._peer_of_request = None


class GatewayResource(TakeoverResource):
    """The resource at ``<url_prefix>ws``.

    :param peer_of: gives the address and scheme as the browser sees them, which only the web
        door knows, because of trusted proxies.
    """

    _factory: GuardedFactory

    def __init__(self, factory: GuardedFactory, peer_of: Callable[[IRequest], Peer]) -> None:
        super().__init__(factory)
        self._peer_of = peer_of

    def render(self, request: IRequest) -> object:
        """Hand the connection over."""
        return self._factory.serve(self._peer_of(request), lambda: self._render(request))

    def _render(self, request: IRequest) -> object:
        return super().render(request)


def _host(address: IAddress | None) -> str:
    return address.host if isinstance(address, IPv4Address | IPv6Address) else "unix"
