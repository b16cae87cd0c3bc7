"""Tests of writing past the transport's buffer, on real sockets."""

from __future__ import annotations

import socket
from typing import Any

from twisted.internet import tcp
from twisted.internet.protocol import Protocol
from twisted.internet.testing import StringTransport
from twisted.protocols.tls import TLSMemoryBIOFactory, TLSMemoryBIOProtocol
from twisted.trial.unittest import SynchronousTestCase

from gotwist.gateway.websocket.shortcuts import is_direct, slim_transport, write_now


class NoReactor:
    """Remembers whether a descriptor wants to write; the test is the reactor."""

    def __init__(self) -> None:
        self.writers: set[object] = set()

    def addReader(self, reader: object) -> None: ...
    def removeReader(self, reader: object) -> None: ...

    def addWriter(self, writer: object) -> None:
        self.writers.add(writer)

    def removeWriter(self, writer: object) -> None:
        self.writers.discard(writer)


class Counting(tcp.Connection):
    """A connection that counts what went the ordinary way."""

    ordinary = 0

    def write(self, data: bytes) -> None:
        self.ordinary += len(data)
        super().write(data)


class WriteNowTests(SynchronousTestCase):
    """What is written arrives whole and in order, by whichever way."""

    def setUp(self) -> None:
        near, self.far = socket.socketpair()
        self.addCleanup(near.close)
        self.addCleanup(self.far.close)
        near.setblocking(False)
        self.far.setblocking(False)
        self.reactor = NoReactor()
        self.transport = Counting(near, Protocol(), self.reactor)  # type: ignore[arg-type]
        self.transport.connected = 1

    def read(self) -> bytes:
        """Everything that has arrived."""
        found = b""
        while True:
            try:
                found += self.far.recv(1 << 20)
            except BlockingIOError:
                return found

    def drain(self) -> bytes:
        """Everything that arrives while the reactor writes what it has."""
        found = self.read()
        while self.reactor.writers:
            self.transport.doWrite()
            found += self.read()
        return found

    def test_at_once(self) -> None:
        """When nothing waits, the bytes are on the socket before the call returns."""
        write_now(self.transport, [b"head", memoryview(b"body"), b""])
        self.assertEqual(self.read(), b"headbody")
        self.assertEqual(self.transport.ordinary, 0)
        self.assertEqual(self.reactor.writers, set())

    def test_after_others(self) -> None:
        """What the transport still holds goes first."""
        self.transport.write(b"first ")
        write_now(self.transport, [b"second"])
        self.assertEqual(self.drain(), b"first second")
        write_now(self.transport, [b"third"])
        self.assertEqual(self.read(), b"third")

    def test_partial(self) -> None:
        """What the socket does not take is copied: the memory behind it may change at once."""
        shared = bytearray(b"abcdefgh" * 500_000)
        expected = b"head" + bytes(shared) + b"tail"
        write_now(self.transport, [b"head", memoryview(shared), b"tail"])
        self.assertGreater(self.transport.ordinary, 0)
        self.assertLess(self.transport.ordinary, len(expected))
        shared[:] = bytes(len(shared))
        write_now(self.transport, [b"next"])
        self.assertEqual(self.drain(), expected + b"next")

    def test_partly_sent(self) -> None:
        """A buffer of the transport that is half sent still counts as waiting."""
        self.transport.write(b"x" * 3_000_000)
        self.transport.doWrite()
        write_now(self.transport, [b"end"])
        self.assertEqual(self.drain()[-4:], b"xend")

    def test_full(self) -> None:
        """A socket that takes nothing is no error."""
        try:
            while True:
                self.transport.socket.send(b"z" * 65_536)
        except BlockingIOError:
            pass
        write_now(self.transport, [b"end"])
        self.assertEqual(self.transport.ordinary, 3)
        self.assertEqual(self.drain().lstrip(b"z"), b"end")

    def test_broken(self) -> None:
        """A broken connection is left to the transport to find out."""
        self.far.close()
        write_now(self.transport, [b"lost"])
        self.assertEqual(self.transport.ordinary, 4)
        self.assertIsInstance(self.transport.doWrite(), Exception)

    def test_other_transport(self) -> None:
        """A transport without these names inside gets one ordinary write."""
        transport = StringTransport()
        write_now(transport, [b"head", memoryview(b"body")])
        self.assertEqual(transport.value(), b"headbody")

    def test_names(self) -> None:
        """The names that the short way relies on are still there."""
        for name in ("_tempDataBuffer", "dataBuffer", "offset", "disconnecting", "socket"):
            self.assertTrue(hasattr(self.transport, name), name)


class DirectTests(SynchronousTestCase):
    """Which transports may be passed by."""

    def make(self, near: socket.socket) -> tcp.Connection:
        """A plain connection."""
        reactor: Any = NoReactor()
        return tcp.Connection(near, Protocol(), reactor)

    def test_plain(self) -> None:
        """Plain TCP may; a transport of another kind may not."""
        near, far = socket.socketpair()
        self.addCleanup(near.close)
        self.addCleanup(far.close)
        self.assertTrue(is_direct(self.make(near)))
        self.assertFalse(is_direct(StringTransport()))

    def test_tls(self) -> None:
        """TLS never may, though its transport shows every name of the one below."""
        near, far = socket.socketpair()
        self.addCleanup(near.close)
        self.addCleanup(far.close)
        below = self.make(near)
        factory = TLSMemoryBIOFactory.__new__(TLSMemoryBIOFactory)
        above: Any = TLSMemoryBIOProtocol(factory, Protocol(), False)
        above.transport = below
        self.assertIs(above.socket, near)
        self.assertFalse(is_direct(above))
        started: Any = below
        started.TLS = True
        self.assertFalse(is_direct(started))


class SlimTests(SynchronousTestCase):
    """Texts that all connections can share."""

    def make(self) -> Any:
        """A server's transport, as a listening port makes it."""
        near, far = socket.socketpair()
        self.addCleanup(near.close)
        self.addCleanup(far.close)
        reactor: Any = NoReactor()
        port: Any = type("Port", (), {"_realPortNumber": 8443})()
        host = "".join(["192.0.2.", "1"])
        return tcp.Server(near, Protocol(), (host, 4711), port, 1, reactor)

    def test_slim(self) -> None:
        """A slim transport still knows its peer."""
        one, other = self.make(), self.make()
        before = one.getPeer()
        for transport in (one, other):
            slim_transport(transport)
        self.assertEqual(one.getPeer(), before)
        self.assertIs(one.client[0], other.client[0])
        self.assertIs(one.hostname, other.hostname)
        self.assertEqual(repr(one), "<WebSocket>")

    def test_unknown(self) -> None:
        """A transport without these names stays as it is."""
        transport = StringTransport()
        before = dict(vars(transport))
        slim_transport(transport)
        self.assertEqual(vars(transport), before)
