"""WebSockets behind the site, with Autobahn as the gateway will use it."""

from __future__ import annotations

import base64
import gc
import os
import socket
import ssl
import weakref
from dataclasses import replace

from autobahn.twisted.resource import WebSocketResource
from autobahn.twisted.websocket import WebSocketServerFactory, WebSocketServerProtocol
from twisted.internet.task import deferLater
from twisted.trial.unittest import SynchronousTestCase

from gotwist.web.channel import Channel
from gotwist.web.service import WebDoor
from tests.web.live import LiveTestCase, client_context, reactor
from tests.web.support import House

HANDSHAKE = (
    "GET {target} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
    "Connection: keep-alive, Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: {key}\r\nOrigin: {origin}\r\n\r\n"
)


def handshake(target: str = "/ws", origin: str = "http://localhost") -> bytes:
    """Render a handshake as browsers send it."""
    key = base64.b64encode(os.urandom(16)).decode()
    return HANDSHAKE.format(target=target, key=key, origin=origin).encode()


def masked(opcode: int, payload: bytes) -> bytes:
    """Render one short client frame; a mask of zeros leaves the payload readable."""
    return bytes([0x80 | opcode, 0x80 | len(payload), 0, 0, 0, 0]) + payload


class Echo(WebSocketServerProtocol):
    """Sends back what comes."""

    def onMessage(self, payload: bytes, isBinary: bool) -> None:
        self.sendMessage(payload, isBinary)


class LiveWebSocketTests(LiveTestCase):
    def setUp(self) -> None:
        super().setUp()
        factory = WebSocketServerFactory("ws://localhost", reactor=reactor)
        factory.protocol = Echo
        # Longer than the test may take: a leftover of the HTTP side would show first.
        factory.setProtocolOptions(closeHandshakeTimeout=20, webStatus=False)
        self.parts = replace(
            self.parts,
            websocket=WebSocketResource(factory),
            may_upgrade=lambda request: request.getHeader("origin") == "http://localhost",
        )

    def connect(self, door: WebDoor, *, secure: bool) -> socket.socket:
        """Connect; blocking."""
        plain = socket.create_connection(("127.0.0.1", door.port), timeout=10)
        if not secure:
            return plain
        context: ssl.SSLContext = client_context(self.directory)
        return context.wrap_socket(plain, server_hostname="localhost")

    async def both(self, talk: object) -> None:
        """Do something with a plain and with a TLS door."""
        for tls in (None, self.make_tls()):
            door = self.open_door(tls)

            def run(door: WebDoor = door, secure: bool = tls is not None) -> None:
                with self.connect(door, secure=secure) as client:
                    talk(client)  # type: ignore[operator]

            await self.in_thread(run)
            while len(door.connections):
                await deferLater(reactor, 0.001, lambda: None)

    async def test_echo_and_close(self) -> None:
        """Messages go both ways, also after other requests, and closing ends the connection."""

        def talk(client: socket.socket) -> None:
            client.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
            self.assertIn(b"200 OK", client.recv(65_536))
            client.sendall(handshake())
            self.assertIn(b"101 ", client.recv(65_536))
            for _ in range(3):
                client.sendall(masked(1, b"hello"))
                self.assertEqual(client.recv(65_536), b"\x81\x05hello")
            client.sendall(masked(8, b"\x03\xe8"))
            self.assertEqual(client.recv(65_536)[:4], b"\x88\x02\x03\xe8")
            self.assertEqual(client.recv(65_536), b"")

        await self.both(talk)

    async def test_foreign_origin(self) -> None:
        """A foreign page gets 403 before any upgrade, with the headers of all answers."""

        def talk(client: socket.socket) -> None:
            client.sendall(handshake(origin="http://evil.example"))
            answer = client.recv(65_536)
            self.assertIn(b"403 Forbidden", answer)
            self.assertIn(b"Content-Security-Policy", answer)

        await self.both(talk)

    async def test_refused_by_autobahn(self) -> None:
        """What Autobahn itself refuses ends as well, over TLS too, while more comes."""

        def talk(client: socket.socket) -> None:
            client.sendall(handshake().replace(b"Sec-WebSocket-Key: ", b"Sec-WebSocket-Key: x"))
            try:
                while True:
                    client.sendall(b"x" * 65_536)
            except OSError:
                pass

        await self.both(talk)

    async def test_state_is_freed(self) -> None:
        """Once it is a WebSocket, nothing of the HTTP connection stays in memory."""
        door = self.open_door()
        channels: list[weakref.ref[Channel]] = []
        build = door.site.buildProtocol

        def remember(address: object) -> Channel:
            channel = build(None)
            channels.append(weakref.ref(channel))
            return channel

        door.site.buildProtocol = remember  # type: ignore[method-assign,assignment]
        client = self.connect(door, secure=False)
        self.addCleanup(client.close)
        client.sendall(handshake())
        self.assertIn(b"101 ", await self.in_thread(lambda: client.recv(65_536)))
        gc.collect()
        self.assertEqual([ref() for ref in channels], [None])


class NoUpgradeTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.house = House(websocket=WebSocketResource(WebSocketServerFactory()))

    def test_plain_requests(self) -> None:
        """A request that is no handshake is told so by us, not by Autobahn."""
        good = {
            "Upgrade": "websocket",
            "Connection": "Upgrade",
            "Sec_WebSocket_Version": "13",
        }
        for changed in (
            {},
            {**good, "Upgrade": "h2c"},
            {**good, "Connection": "close"},
            {**good, "Sec_WebSocket_Version": "8"},
        ):
            answer = self.house.ask("/ws", more=changed)
            self.assertEqual(answer.status, 426, changed)
            self.assertNotIn(b"utobahn", answer.body)
        self.assertEqual(self.house.ask("/ws", "POST", more=good).status, 405)
        self.assertEqual(self.house.ask("/ws", "HEAD", more=good).status, 426)
        self.assertEqual(self.house.ask("/ws/x", more=good).status, 404)
