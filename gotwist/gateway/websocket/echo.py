"""The echo door: the gateway's WebSocket with every message sent back, for conformance tests.

``python -m gotwist.gateway.websocket.echo [port]`` listens on loopback only, without TLS and
without any sign-in, and takes messages of up to 16 MiB.
"""

from __future__ import annotations

import sys

from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IListeningPort, IReactorTCP, IReactorTime
from twisted.internet.task import react
from twisted.web.iweb import IRequest
from twisted.web.resource import Resource
from twisted.web.server import Site

from gotwist.gateway.clients import Peer
from gotwist.gateway.frames import BINARY, TEXT, ws_header
from gotwist.gateway.handshake import Connect, Handshake
from gotwist.gateway.outlet import Connection
from gotwist.gateway.websocket.factory import GatewayResource, GuardedFactory
from gotwist.gateway.websocket.protocol import GuardedWebSocket

MAX_MESSAGE = 16 * 1024 * 1024
LOOPBACK = "127.0.0.1"


class Echo:
    """Sends back what it receives."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def opened(self) -> None:
        """Nothing to say first."""

    def receive_text(self, message: bytes) -> None:
        """Send text back as text."""
        self._connection.send_wire(ws_header(len(message), TEXT), message)

    def receive_binary(self, message: bytes) -> None:
        """Send bytes back as bytes."""
        self._connection.send_wire(ws_header(len(message), BINARY), message)

    def receive_ping(self) -> None:
        """The protocol answers pings itself."""

    def set_writable(self, writable: bool) -> None:
        """Read no more from a peer that does not read its echoes."""
        if writable:
            self._connection.resume_reading()
        else:
            self._connection.pause_reading()

    def closed(self) -> None:
        """Nothing to give back."""

    def fail(self, failure: Exception) -> None:
        """Close; there is nobody to tell."""
        self._connection.close(1011, "internal error")


class EchoAdmission:
    """Lets everybody in; the door is on loopback."""

    async def admit(self, handshake: Handshake) -> Connect:
        """See :class:`~gotwist.gateway.handshake.Admission`."""
        return Echo


class EchoWebSocket(GuardedWebSocket):
    """The very same, but for the size of messages that the conformance tests need."""

    maxFramePayloadSize = MAX_MESSAGE
    maxMessagePayloadSize = MAX_MESSAGE
    max_unsent = 4 * MAX_MESSAGE


class EchoFactory(GuardedFactory):
    """Makes echoing connections."""

    protocol = EchoWebSocket


def build_site(reactor: IReactorTime) -> Site:
    """A site whose root and ``/ws`` are the echoing WebSocket."""
    resource = GatewayResource(EchoFactory(reactor, EchoAdmission()), _peer)
    root = _Root(resource)
    return Site(root, reactor=reactor)


def listen(reactor: IReactorTCP, port: int) -> IListeningPort:
    """Open the echo door on loopback."""
    assert IReactorTime.providedBy(reactor)
    return reactor.listenTCP(port, build_site(reactor), interface=LOOPBACK)  # type: ignore[arg-type]


class _Root(Resource):
    def __init__(self, resource: GatewayResource) -> None:
        super().__init__()
        self._resource = resource

    def getChild(self, path: bytes, request: IRequest) -> GatewayResource:
        return self._resource


def _peer(request: IRequest) -> Peer:
    return Peer(LOOPBACK)


def main(reactor: IReactorTCP, port: str = "9001") -> Deferred[None]:
    """Serve until interrupted."""
    address = listen(reactor, int(port)).getHost()
    assert isinstance(address, IPv4Address)
    print(f"echoing at ws://{LOOPBACK}:{address.port}/", flush=True)
    return Deferred()


if __name__ == "__main__":
    react(main, sys.argv[1:])
