"""Tests of connections at rest: they cost little, and Autobahn finds all it left behind."""

from __future__ import annotations

import json
from typing import Any

from gotwist.gateway.frames import TEXT, Kind, pack_header
from gotwist.gateway.websocket.protocol import GuardedWebSocket
from tests.gateway.test_frames import masked
from tests.gateway.test_websocket import MemoryTransport, WebSocketCase

PING, PONG, CLOSE = 0x89, 0x8A, 0x88


class RestingTests(WebSocketCase):
    """A connection that rests behaves like one that never has."""

    def setUp(self) -> None:
        super().setUp()
        self.transport = self.opened()
        self.protocol: Any = self.transport.protocol
        self.send(self.transport, "go:authenticate", {"auth": None})
        self.transport.clear()
        self.assert_rests()

    def assert_rests(self) -> None:
        """Nothing is kept that is not this connection's own."""
        self.assertEqual(vars(self.protocol), {})

    def assert_will_rest(self) -> None:
        """Nothing is kept once our next ping has been answered."""
        self.world.clock.advance(20.1)
        ((first, payload),) = self.frames(self.transport)
        self.assertEqual(first, PING)
        self.assertEqual(self.receive(masked(payload, b"abcd", PONG)), [])
        self.assert_rests()

    def receive(self, data: bytes) -> list[tuple[int, bytes]]:
        """What is said to these bytes."""
        self.protocol.dataReceived(data)
        return self.frames(self.transport)

    def assert_answers(self, transport: MemoryTransport | None = None) -> None:
        """An action is still heard and answered."""
        transport = transport or self.transport
        self.send(transport, "go:ping", 1)
        self.assertEqual(self.heard(transport), [("go:pong", 1)])

    def test_long_message(self) -> None:
        """A message of the ordinary way wakes it; later it rests again."""
        self.send(self.transport, "go:ping", "ä" * 400)
        self.assertEqual(self.heard(self.transport), [("go:pong", "ä" * 400)])
        self.assert_will_rest()
        self.assert_answers()

    def test_half_a_frame(self) -> None:
        """It does not rest in the middle of a frame, whatever that looks like."""
        frame = masked(pack_header(Kind.INPUT, 3, 0) + b"\x8a\x8a", bytes(4))
        self.assertEqual(self.receive(frame[:-2]), [])
        self.assertEqual(self.receive(frame[-2:-1]), [])
        self.assertNotEqual(vars(self.protocol), {})
        self.assertEqual(len(self.receive(frame[-1:])), 1)
        self.assert_will_rest()

    def test_fragments(self) -> None:
        """It does not rest in the middle of a message, whatever comes in between."""
        message = json.dumps({"go:ping": "ä"}, ensure_ascii=False).encode()
        cut = message.index(b"\xc3") + 1
        self.assertEqual(self.receive(masked(message[:cut], b"abcd", 0x01)), [])
        self.assertEqual(self.receive(masked(b"?", b"abcd", PING)), [(PONG, b"?")])
        self.assertEqual(self.receive(masked(b"?", b"abcd", PONG)), [])
        self.assertEqual(len(self.receive(masked(message[cut:], b"abcd", 0x80))), 1)
        self.assert_will_rest()

    def test_bad_utf8_in_fragments(self) -> None:
        """The check of text begins anew with each message, and still refuses."""
        self.send(self.transport, "go:ping", "x" * 500)
        self.transport.clear()
        self.receive(masked(b"\xc3", b"abcd", 0x01))
        ((first, payload),) = self.receive(masked(b"x", b"abcd", 0x80))
        self.assertEqual((first, payload[:2]), (CLOSE, (1007).to_bytes(2, "big")))

    def test_ping(self) -> None:
        """A ping is answered."""
        self.assertEqual(self.receive(masked(b"hello", b"abcd", PING)), [(PONG, b"hello")])
        self.assert_answers()
        self.assert_will_rest()

    def test_unasked_pong(self) -> None:
        """A pong that nobody asked for changes nothing."""
        self.assertEqual(self.receive(masked(b"hello", b"abcd", PONG)), [])
        self.assert_rests()
        self.assert_answers()

    def test_close(self) -> None:
        """A goodbye is answered, and the client is gone."""
        self.assertEqual(self.receive(masked(b"\x03\xe8", b"abcd", CLOSE)), [(CLOSE, b"\x03\xe8")])
        self.world.clock.advance(1.1)
        self.assertEqual(len(self.world.house.clients), 0)

    def test_goodbye_of_ours(self) -> None:
        """We can say goodbye, and cut off who does not answer."""
        (client,) = self.world.house.clients
        client.close(4401, "gone")
        self.assertEqual(self.frames(self.transport), [(CLOSE, b"\x11\x31gone")])
        self.world.clock.advance(2.1)
        self.assertTrue(self.transport.aborted)

    def test_unmasked(self) -> None:
        """A frame without a mask ends the connection with 1002."""
        ((first, payload),) = self.receive(b"\x81\x02{}")
        self.assertEqual((first, payload[:2]), (CLOSE, (1002).to_bytes(2, "big")))
        self.assertEqual(self.transport.producerState, "paused")

    def test_too_long(self) -> None:
        """Fragments that are too long together end it with 1009."""
        self.assertEqual(self.receive(masked(bytes(40_000), b"abcd", 0x02)), [])
        ((first, payload),) = self.receive(masked(bytes(40_000), b"abcd", 0x80))
        self.assertEqual((first, payload[:2]), (CLOSE, (1009).to_bytes(2, "big")))

    def test_pressure(self) -> None:
        """It can be full and empty again, pause and go on."""
        (client,) = self.world.house.clients
        self.protocol.pauseProducing()
        self.assertFalse(client.is_writable)
        self.protocol.resumeProducing()
        client.pause_reading()
        self.assertEqual(self.transport.producerState, "paused")
        client.resume_reading()
        self.assertEqual(self.transport.producerState, "producing")
        self.receive(masked(b"?", b"abcd", PONG))
        self.assert_rests()
        self.assert_answers()

    def test_lost(self) -> None:
        """A connection lost at rest is told, counted out, and leaves no timer."""
        self.transport.loseConnection()
        self.assertEqual(len(self.world.house.clients), 0)
        self.assertEqual(self.factory.getConnectionCount(), 0)
        self.assertEqual(self.world.clock.getDelayedCalls(), [])

    def test_asked(self) -> None:
        """Whoever answers our ping rests again; who does not is dropped in time."""
        self.world.clock.advance(20.1)
        ((first, payload),) = self.frames(self.transport)
        self.assertEqual(first, PING)
        self.assertEqual(self.receive(masked(payload, b"abcd", PONG)), [])
        self.assert_rests()
        self.world.clock.advance(20.1)
        self.assertEqual(self.frames(self.transport)[0][0], PING)
        self.assert_answers()
        self.world.clock.advance(20.1)
        self.assertTrue(self.transport.aborted)

    def test_wrong_answer(self) -> None:
        """A pong with other contents than our ping is no answer to it."""
        self.world.clock.advance(20.1)
        self.transport.clear()
        self.receive(masked(b"something else", b"abcd", PONG))
        self.world.clock.advance(20.1)
        self.assertTrue(self.transport.aborted)

    def test_shared(self) -> None:
        """What one connection changes, another does not see."""
        other = self.opened()
        self.receive(masked(b'{"go:ping"', b"abcd", 0x01))
        self.assertEqual(vars(other.protocol), {})
        self.assert_answers(other)
        other.loseConnection()
        self.assertEqual(len(self.receive(masked(b": 1}", b"abcd", 0x80))), 1)

    def test_unknown_names(self) -> None:
        """An attribute that another release of Autobahn may add is kept."""
        self.protocol.novelty = [1]
        self.receive(masked(b"", b"abcd", PONG))
        self.assertEqual(vars(self.protocol), {"novelty": [1]})
        self.assert_answers()

    def test_before(self) -> None:
        """Before its handshake a connection has Autobahn's own values."""
        protocol: Any = self.factory.buildProtocol(None)
        protocol.makeConnection(MemoryTransport())
        self.assertEqual(protocol.state, GuardedWebSocket.STATE_CONNECTING)
        self.assertEqual(protocol.maxConnections, self.factory.maxConnections)
        protocol.dataReceived(masked(b"{}", b"abcd", TEXT))
        self.assertEqual(protocol.state, GuardedWebSocket.STATE_CONNECTING)
