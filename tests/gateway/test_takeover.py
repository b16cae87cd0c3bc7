"""Tests of taking a connection over from twisted.web."""

from __future__ import annotations

from io import BytesIO
from typing import Any

from twisted.internet.address import IPv4Address
from twisted.internet.interfaces import IAddress
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.testing import StringTransport
from twisted.protocols.policies import ProtocolWrapper, WrappingFactory
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.http_headers import Headers
from twisted.web.server import NOT_DONE_YET
from twisted.web.test.requesthelper import DummyChannel, DummyRequest

from gotwist.gateway.websocket.takeover import TakeoverResource

PEER = IPv4Address("TCP", "192.0.2.1", 4711)


class Socket(StringTransport):
    """A socket that knows whose it is."""

    protocol: object = None


class Taker(Protocol):
    """Keeps what it receives."""

    def __init__(self) -> None:
        self.received = b""

    def dataReceived(self, data: bytes) -> None:
        self.received += data


class Takers:
    """Makes one protocol, and notes for whom."""

    def __init__(self) -> None:
        self.made = Taker()
        self.peers: list[IAddress | None] = []

    def buildProtocol(self, address: IAddress | None) -> Taker:
        self.peers.append(address)
        return self.made


def make_request(transport: object) -> Any:
    request: Any = DummyRequest([b"ws"])
    request.uri = b"/ws?x=1"
    request.requestHeaders = Headers({b"cookie": [b"a=1"], b"x-several": [b"one", b"two"]})
    request.content = BytesIO(b"early")
    request.channel = DummyChannel()
    request.channel.transport = transport
    return request


class TakeoverTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.takers = Takers()
        self.resource = TakeoverResource(self.takers)
        self.socket = Socket(peerAddress=PEER)
        self.socket.pauseProducing()

    def test_socket(self) -> None:
        """The new protocol gets the socket, reads again, and the channel has it no more."""
        request = make_request(self.socket)
        self.assertIs(self.resource.render(request), NOT_DONE_YET)
        self.assertEqual(self.takers.peers, [PEER])
        self.assertIs(self.socket.protocol, self.takers.made)
        self.assertIs(self.takers.made.transport, self.socket)
        self.assertEqual(self.socket.producerState, "producing")
        self.assertIsNone(request.channel.transport)

    def test_tls(self) -> None:
        """Over TLS the new protocol sits on TLS, and the socket stays with TLS."""
        tls = ProtocolWrapper(WrappingFactory(Factory()), Protocol())
        self.socket.protocol = tls
        tls.makeConnection(self.socket)
        self.resource.render(make_request(tls))
        self.assertIs(tls.wrappedProtocol, self.takers.made)
        self.assertIs(self.takers.made.transport, tls)
        self.assertIs(self.socket.protocol, tls)

    def test_request(self) -> None:
        """The new protocol reads the request, headers joined, and what came right behind it."""
        self.resource.render(make_request(self.socket))
        self.assertEqual(
            self.takers.made.received,
            b"GET /ws?x=1 HTTP/1.1\r\nCookie: a=1\r\nX-Several: one,two\r\n\r\nearly",
        )
