"""Tests of the WebSocket through a real Site, joined in memory."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import autobahn.websocket.protocol
from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred
from twisted.internet.testing import StringTransportWithDisconnection
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.resource import Resource
from twisted.web.server import Site

from gotwist.applications.go.core import Go
from gotwist.auth.tokens import mint_token
from gotwist.gateway.application import Application
from gotwist.gateway.clients import Peer
from gotwist.gateway.frames import TEXT, Kind, pack_header, wire_header
from gotwist.gateway.handshake import GatewayAdmission
from gotwist.gateway.origin import OriginRule
from gotwist.gateway.websocket import shortcuts
from gotwist.gateway.websocket.factory import GatewayResource, GuardedFactory
from gotwist.gateway.websocket.protocol import GuardedWebSocket
from tests.gateway.support import WALL, World, split_frames
from tests.gateway.test_frames import masked

ORIGIN = "http://localhost:8080"
KEY = "dGhlIHNhbXBsZSBub25jZQ=="


class MemoryTransport(StringTransportWithDisconnection):
    """A transport that can be aborted, and whose buffer is as full as a test says."""

    aborted = False
    producer: Any

    def abortConnection(self) -> None:
        if not self.aborted:
            self.aborted = True
            super().abortConnection()


class Demo(Application):
    """Takes input, answers it, and fails when asked to."""

    name = "demo"
    fail_in_open = False

    def open(self) -> None:
        if self.fail_in_open:
            raise RuntimeError("secret detail")
        self.client.on_binary(Kind.INPUT, self.take)

    def take(self, terminal: int, offset: int, payload: bytes) -> None:
        if payload == b"boom":
            raise RuntimeError("secret detail")
        self.client.send_frame(pack_header(Kind.OUTPUT, terminal, offset), memoryview(payload))


class FailingDemo(Demo):
    """Fails when the connection opens."""

    name = "failing"
    fail_in_open = True


class WebSocketCase(SynchronousTestCase):
    """A site with the WebSocket at /ws."""

    applications: tuple[type[Application], ...] = (Go, Demo)

    def setUp(self) -> None:
        self.world = World(self.applications)
        self.rule = OriginRule()
        self.factory = GuardedFactory(self.world.clock, self.admission(lambda: self.rule))
        root = Resource()
        self.peer = Peer("198.51.100.4")
        root.putChild(b"ws", GatewayResource(self.factory, lambda request: self.peer))
        self.site = Site(root, reactor=self.world.clock)

    def admission(self, rule: Callable[[], OriginRule]) -> GatewayAdmission:
        """Judges by this rule."""
        return GatewayAdmission(
            self.world.gateway, rule, secure_cookie="__Host-gotwist", plain_cookie="gotwist"
        )

    def connect(
        self,
        *,
        origin: str | None = ORIGIN,
        host: str = "localhost:8080",
        path: str = "/ws",
        cookie: str | None = None,
        extra: str = "",
    ) -> MemoryTransport:
        """Send a handshake; the transport holds what came back."""
        head = f"GET {path} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\n"
        head += f"Connection: Upgrade\r\nSec-WebSocket-Key: {KEY}\r\n"
        head += "Sec-WebSocket-Version: 13\r\n" + extra
        if origin is not None:
            head += f"Origin: {origin}\r\n"
        if cookie is not None:
            head += f"Cookie: {cookie}\r\n"
        channel = self.site.buildProtocol(IPv4Address("TCP", "127.0.0.1", 5))
        transport = MemoryTransport(peerAddress=IPv4Address("TCP", "127.0.0.1", 5))
        transport.protocol = channel
        channel.makeConnection(transport)
        channel.dataReceived(head.encode() + b"\r\n")
        return transport

    def opened(self, **arguments: Any) -> MemoryTransport:
        """A connection whose handshake has succeeded."""
        transport = self.connect(**arguments)
        head, _, rest = transport.value().partition(b"\r\n\r\n")
        self.assertTrue(head.startswith(b"HTTP/1.1 101 "), head)
        transport.clear()
        transport.write(rest)
        return transport

    def send(self, transport: MemoryTransport, action: str, value: object) -> None:
        """Send one action as a browser does."""
        message = json.dumps({action: value}).encode()
        transport.protocol.dataReceived(masked(message, b"abcd", TEXT))

    def frames(self, transport: MemoryTransport) -> list[tuple[int, bytes]]:
        """The frames that came since last asked."""
        found = split_frames(transport.value())
        transport.clear()
        return found

    def heard(self, transport: MemoryTransport) -> list[tuple[str, object]]:
        """The actions that came since last asked."""
        pairs: list[tuple[str, object]] = []
        for first, payload in self.frames(transport):
            self.assertEqual(first, TEXT)
            pairs.extend(json.loads(payload).items())
        return pairs


class HandshakeTests(WebSocketCase):
    """Who may connect."""

    def test_open(self) -> None:
        """A page of ours gets a WebSocket, without any version told and any extension agreed."""
        transport = self.connect(extra="Sec-WebSocket-Extensions: permessage-deflate\r\n")
        head = transport.value().decode()
        self.assertIn("HTTP/1.1 101 ", head)
        self.assertIn("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n", head)
        self.assertIn("Server: gotwist\r\n", head)
        self.assertNotIn("Autobahn", head)
        self.assertNotIn("Extensions", head)

    def test_origins(self) -> None:
        """A page elsewhere is refused with 403, and the connection ends."""
        for origin in ("https://evil.example", "null", "http://localhost.evil.example:8080"):
            transport = self.connect(origin=origin)
            self.assertIn(b"HTTP/1.1 403 Forbidden\r\n", transport.value(), origin)
            self.assertIn(b"nosniff", transport.value())
            self.assertFalse(transport.connected)
        self.assertEqual(len(self.world.house.clients), 0)
        garbage = self.connect(origin="http://localhost:8080.evil.example")
        self.assertIn(b"HTTP/1.1 400 ", garbage.value())

    def test_rebinding(self) -> None:
        """A name that somebody points at this machine does not make a page ours."""
        transport = self.connect(origin="http://evil.example", host="evil.example")
        self.assertIn(b" 403 ", transport.value())

    def test_native(self) -> None:
        """A program without a browser may connect, but not by a browser's cookie."""
        self.opened(origin=None)
        transport = self.connect(origin=None, cookie="gotwist=x")
        self.assertIn(b" 403 ", transport.value())

    def test_cookie(self) -> None:
        """The cookie of a sign-in identifies the user; a forged one does not, but may enter."""
        good = self.opened(cookie=f"other=1; gotwist={self.world.sign_in('alice').cookie}")
        self.send(good, "go:authenticate", {"auth": None})
        self.assertIn(("go:set_username", "alice"), self.heard(good))
        bad = self.opened(cookie="gotwist=" + "0" * 64 + "." + "0" * 64)
        self.send(bad, "go:authenticate", {"auth": None})
        self.assertIn(("go:set_username", "ANONYMOUS"), self.heard(bad))

    def test_planted_cookie(self) -> None:
        """Over HTTPS only the cookie counts that no other host can set; of two neither does."""
        self.peer = Peer("198.51.100.4", secure=True)
        origin = "https://localhost:8080"
        value = self.world.sign_in("alice").cookie
        other = self.world.sign_in("mallory").cookie
        for cookie, user in (
            (f"__Host-gotwist={value}", "alice"),
            (f"gotwist={value}", "ANONYMOUS"),
            (f"__Host-gotwist={value}; __Host-gotwist={other}", "ANONYMOUS"),
        ):
            transport = self.opened(cookie=cookie, origin=origin)
            self.send(transport, "go:authenticate", {"auth": None})
            self.assertIn(("go:set_username", user), self.heard(transport))

    def test_token(self) -> None:
        """A token in the query signs in once."""
        minted = mint_token(self.world.tokens, "bob", "web", WALL)
        token = self.successResultOf(Deferred.fromCoroutine(minted))
        for user in ("bob", "ANONYMOUS"):
            transport = self.opened(path=f"/ws?ws_token={token}")
            self.send(transport, "go:authenticate", {"auth": None})
            self.assertIn(("go:set_username", user), self.heard(transport))

    def test_per_address(self) -> None:
        """Sixteen that have not signed in come from one address; the next gets 429."""
        for _ in range(16):
            self.opened()
        self.assertIn(b"HTTP/1.1 429 Too Many Requests\r\n", self.connect().value())
        self.peer = Peer("198.51.100.5")
        self.opened()

    def test_fault(self) -> None:
        """A fault of ours is answered with 500 and without a word about it."""

        def broken() -> OriginRule:
            raise RuntimeError("secret detail")

        self.factory.admission = self.admission(broken)
        transport = self.connect()
        self.assertIn(b"HTTP/1.1 500 Internal Server Error\r\n", transport.value())
        self.assertNotIn(b"secret", transport.value())
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)

    def test_refused_peer_ends(self) -> None:
        """A refused peer that keeps its side open is cut off."""
        transport = self.connect(origin="null")
        self.world.clock.advance(1.1)
        self.assertFalse(transport.connected)

    def test_bad_key(self) -> None:
        """A broken handshake is answered with 400 that does not repeat the peer's text."""
        transport = self.connect(extra="Sec-WebSocket-Key: <script>\r\n")
        self.assertIn(b"HTTP/1.1 400 Bad Request\r\n", transport.value())
        self.assertNotIn(b"script", transport.value())


class MessageTests(WebSocketCase):
    """What is said on an open connection."""

    def enter(self) -> MemoryTransport:
        """A connection on which somebody has signed in."""
        transport = self.opened()
        self.send(transport, "go:authenticate", {"auth": None})
        transport.clear()
        return transport

    def test_ping(self) -> None:
        """A ping is answered before anybody has signed in, short way or long way."""
        transport = self.opened()
        self.send(transport, "go:ping", 7)
        self.send(transport, "go:ping", "x" * 500)
        self.assertEqual(self.heard(transport), [("go:pong", 7), ("go:pong", "x" * 500)])

    def test_binary(self) -> None:
        """Binary frames reach their listener, whether they come whole, cut, or joined."""
        transport = self.enter()
        frame = masked(pack_header(Kind.INPUT, 3, 0) + b"ls", b"wxyz")
        expected = [(0x82, pack_header(Kind.OUTPUT, 3, 0) + b"ls")]
        transport.protocol.dataReceived(frame)
        self.assertEqual(self.frames(transport), expected)
        for byte in frame:
            transport.protocol.dataReceived(bytes([byte]))
        self.assertEqual(self.frames(transport), expected)
        transport.protocol.dataReceived(frame + frame[:7])
        transport.protocol.dataReceived(frame[7:])
        self.assertEqual(self.frames(transport), expected * 2)

    def test_fragments(self) -> None:
        """A message in fragments is one message, and nothing is taken from between them."""
        transport = self.enter()
        message = pack_header(Kind.INPUT, 3, 0) + b"ls"
        transport.protocol.dataReceived(masked(message[:5], b"wxyz", 0x02))
        transport.protocol.dataReceived(masked(message[5:], b"wxyz", 0x80))
        self.assertEqual(len(self.frames(transport)), 1)
        transport.protocol.dataReceived(masked(message[:5], b"wxyz", 0x02))
        transport.protocol.dataReceived(masked(message, b"wxyz"))
        ((first, payload),) = self.frames(transport)
        self.assertEqual((first, payload[:2]), (0x88, b"\x03\xea"))

    def test_bad_utf8(self) -> None:
        """Text that is none ends the connection with 1007, also by the short way."""
        transport = self.opened()
        transport.protocol.dataReceived(masked(b"\xff\xfe", b"abcd", TEXT))
        ((first, payload),) = self.frames(transport)
        self.assertEqual((first, payload[:2]), (0x88, (1007).to_bytes(2, "big")))

    def test_failed_is_not_read(self) -> None:
        """After a violation nothing more is read, and the connection is cut after a second."""
        transport = self.enter()
        transport.protocol.dataReceived(b"\xf2\x80abcd")
        self.assertEqual(self.frames(transport)[0][0], 0x88)
        self.assertEqual(transport.producerState, "paused")
        self.send(transport, "go:ping", 1)
        self.assertEqual(self.frames(transport), [])
        self.world.clock.advance(1.1)
        self.assertTrue(transport.aborted)
        self.assertEqual(len(self.world.house.clients), 0)

    def test_too_large(self) -> None:
        """A message of more than 64 KiB ends the connection with 1009, before it is read."""
        transport = self.enter()
        transport.protocol.dataReceived(b"\x82\xff" + (65_537).to_bytes(8, "big") + b"abcd")
        ((first, payload),) = self.frames(transport)
        self.assertEqual((first, payload[:2]), (0x88, (1009).to_bytes(2, "big")))

    def test_fault_in_listener(self) -> None:
        """A fault in a listener is told by an id, and the connection stays."""
        transport = self.enter()
        frame = masked(pack_header(Kind.INPUT, 3, 0) + b"boom", b"wxyz")
        transport.protocol.dataReceived(frame)
        ((action, value),) = self.heard(transport)
        self.assertEqual(action, "go:error")
        self.assertNotIn("secret", str(value))
        self.send(transport, "go:ping", 1)
        self.assertEqual(self.heard(transport), [("go:pong", 1)])

    def test_goodbye(self) -> None:
        """A goodbye is answered; who then does not let go is cut off after a second."""
        transport = self.enter()
        transport.loseConnection = lambda: None  # type: ignore[method-assign]  # never flushed
        transport.protocol.dataReceived(masked(b"\x03\xe8", b"abcd", 0x88))
        self.assertEqual(self.frames(transport), [(0x88, b"\x03\xe8")])
        self.world.clock.advance(1.1)
        self.assertTrue(transport.aborted)

    def test_nothing_left(self) -> None:
        """A connection that has ended leaves no timer behind."""
        transport = self.enter()
        transport.protocol.dataReceived(masked(b"\x03\xe8", b"abcd", 0x88))
        self.world.clock.advance(0)
        self.assertFalse(transport.connected)
        self.assertEqual(self.world.clock.getDelayedCalls(), [])

    def test_deadline(self) -> None:
        """Who has not signed in after 15 s is shown out with 4408, pings or not."""
        transport = self.opened()
        self.world.clock.advance(14.9)
        self.send(transport, "go:ping", 1)
        transport.clear()
        self.world.clock.advance(0.2)
        ((first, payload),) = self.frames(transport)
        self.assertEqual((first, payload[:2]), (0x88, (4408).to_bytes(2, "big")))

    def test_silent_peer(self) -> None:
        """A peer that answers no ping for 20 s is dropped; one that does stays."""
        transport = self.enter()
        self.world.clock.advance(20.1)
        ((first, payload),) = self.frames(transport)
        self.assertEqual(first, 0x89)
        transport.protocol.dataReceived(masked(payload, b"abcd", 0x8A))
        self.world.clock.advance(20.1)
        self.assertEqual(self.frames(transport)[0][0], 0x89)
        self.world.clock.advance(20.1)
        self.assertTrue(transport.aborted)

    def test_not_listening(self) -> None:
        """A peer whose answers we do not read is not dropped for that."""
        transport = self.enter()
        (client,) = self.world.house.clients
        client.pause_reading()
        self.assertEqual(transport.producerState, "paused")
        for _ in range(5):
            self.world.clock.advance(20.1)
        self.assertFalse(transport.aborted)
        client.resume_reading()
        self.assertEqual(transport.producerState, "producing")

    def test_sign_out(self) -> None:
        """Signing out closes every connection of that sign-in with 4401."""
        cookie = f"gotwist={self.world.sign_in('alice').cookie}"
        transports = [self.opened(cookie=cookie) for _ in range(2)]
        for transport in transports:
            self.send(transport, "go:authenticate", {"auth": None})
            transport.clear()
        self.send(transports[0], "go:sign_out", None)
        for transport in transports:
            ((first, payload),) = self.frames(transport)
            self.assertEqual((first, payload[:2]), (0x88, (4401).to_bytes(2, "big")))


class PressureTests(WebSocketCase):
    """Clients that do not read."""

    def test_producer(self) -> None:
        """The client follows the transport's marks, and its listeners hear of it."""
        transport = self.opened()
        (client,) = self.world.house.clients
        heard: list[bool] = []
        client.on_writable(lambda: heard.append(client.is_writable))
        self.assertIs(type(transport.producer), GuardedWebSocket)
        self.assertTrue(transport.streaming)
        transport.producer.pauseProducing()
        self.assertFalse(client.is_writable)
        transport.producer.resumeProducing()
        self.assertEqual(heard, [True])

    def test_unsent(self) -> None:
        """What waits for a client that does not read is bounded; beyond that it is dropped."""
        transport = self.opened()
        (client,) = self.world.house.clients
        transport.producer.pauseProducing()
        for _ in range(4):
            client.send_wire(wire_header(Kind.OUTPUT, 1, 0, 60_000), bytes(60_000))
        self.assertFalse(transport.aborted)
        client.send_wire(wire_header(Kind.OUTPUT, 1, 0, 60_000), bytes(60_000))
        self.assertTrue(transport.aborted)


class FaultTests(WebSocketCase):
    """Faults of ours."""

    applications = (Go, FailingDemo)

    def test_fault_in_open(self) -> None:
        """An application that fails at the opening costs its actions, not the connection."""
        transport = self.opened()
        self.send(transport, "go:ping", 1)
        self.assertEqual(self.heard(transport), [("go:pong", 1)])
        self.assertEqual(len(self.world.log.failures), 1)
        self.assertEqual(len(self.world.house.clients), 1)


class AutobahnTests(WebSocketCase):
    """What we use of Autobahn's inside is still there."""

    def test_private_names(self) -> None:
        """The names behind the short ways exist, and mean what they did."""
        self.opened()
        self.assertTrue(shortcuts.silence_option_dump())
        self.assertEqual(vars(autobahn.websocket.protocol)["pformat"]([1]), "")
        made = autobahn.websocket.protocol.WebSocketProtocol._connectionMade
        self.assertIn("pformat", made.__code__.co_names)

    def test_options(self) -> None:
        """Each option is one of the class, so that no connection pays for a copy."""
        before = set(GuardedWebSocket.CONFIG_ATTRS) - {"maxConnections", "allowedOriginsPatterns"}
        missing = {name for name in before if not hasattr(GuardedWebSocket, name)}
        self.assertEqual(missing, set())

    def test_forgotten(self) -> None:
        """An open connection keeps no cookie, no token, and no queue of its own."""
        transport = self.opened(cookie="gotwist=sesame", path="/ws?ws_token=sesame")
        protocol: Any = transport.protocol
        self.assertNotIn("sesame", repr(vars(protocol)))
        self.assertFalse(protocol.send_queue)

    def test_unknown_inside(self) -> None:
        """Where the names are missing, the ordinary way is taken."""
        self.assertFalse(shortcuts.is_between_messages(object()))
        self.assertTrue(shortcuts.has_queue(object()))
