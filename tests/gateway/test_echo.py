"""Tests of the echo door, which is how the WebSocket is shown to conform."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from gotwist.gateway.websocket.echo import EchoWebSocket, build_site
from gotwist.gateway.websocket.protocol import GuardedWebSocket
from tests.gateway.support import split_frames
from tests.gateway.test_frames import masked
from tests.gateway.test_websocket import MemoryTransport

HANDSHAKE = (
    b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)

masks = st.binary(min_size=4, max_size=4)
texts = st.text(max_size=80).map(lambda text: (0x81, text.encode()))
blobs = st.binary(max_size=200).map(lambda data: (0x82, data))
pings = st.binary(max_size=125).map(lambda data: (0x89, data))
ANSWER = {0x81: 0x81, 0x82: 0x82, 0x89: 0x8A}


def connect() -> MemoryTransport:
    """An open connection to a fresh echo door."""
    channel = build_site(Clock()).buildProtocol(None)
    transport = MemoryTransport()
    transport.protocol = channel
    channel.makeConnection(transport)
    channel.dataReceived(HANDSHAKE)
    assert transport.value().startswith(b"HTTP/1.1 101 "), transport.value()
    transport.clear()
    return transport


class EchoTests(SynchronousTestCase):
    """What is said comes back, however the network cuts it."""

    @given(st.lists(st.tuples(texts | blobs | pings, masks), max_size=6), st.data())
    def test_any_split(
        self, messages: list[tuple[tuple[int, bytes], bytes]], data: st.DataObject
    ) -> None:
        """Text, bytes and pings come back the same for every way of cutting the stream."""
        transport = connect()
        wire = b"".join(masked(payload, mask, first) for (first, payload), mask in messages)
        cuts = sorted(data.draw(st.lists(st.integers(0, len(wire)), max_size=6)))
        for start, end in zip([0, *cuts], [*cuts, len(wire)], strict=True):
            if start < end:
                transport.protocol.dataReceived(wire[start:end])
        expected = [(ANSWER[first], payload) for (first, payload), _ in messages]
        self.assertEqual(split_frames(transport.value()), expected)

    @given(st.text(min_size=2, max_size=40), st.data())
    def test_fragments(self, text: str, data: st.DataObject) -> None:
        """A message in two fragments is one, wherever it is cut and whatever ping comes between."""
        payload = text.encode()
        cut = data.draw(st.integers(0, len(payload)))
        transport = connect()
        for first, part in ((0x01, payload[:cut]), (0x89, b"?"), (0x80, payload[cut:])):
            transport.protocol.dataReceived(masked(part, b"abcd", first))
        self.assertEqual(split_frames(transport.value()), [(0x8A, b"?"), (0x81, payload)])

    @given(st.binary(min_size=1, max_size=300))
    def test_anything(self, garbage: bytes) -> None:
        """Random bytes are echoed, waited on, or end the connection; nothing is raised."""
        transport = connect()
        transport.protocol.dataReceived(garbage)
        split_frames(transport.value())
        self.assertEqual(self.flushLoggedErrors(), [])

    def test_same_class(self) -> None:
        """Only sizes differ from the class that serves users."""
        changed = {name for name in vars(EchoWebSocket) if not name.startswith("_")}
        self.assertEqual(changed, {"maxFramePayloadSize", "maxMessagePayloadSize", "max_unsent"})
        self.assertEqual(EchoWebSocket.__bases__, (GuardedWebSocket,))
