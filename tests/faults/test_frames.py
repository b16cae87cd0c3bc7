"""Attacks below the messages: frames that are wrong, endless, huge, or far too many."""

from __future__ import annotations

import contextlib
import struct
import zlib

from gotwist.gateway.frames import Kind, pack_header
from tests.faults.processes import memory_kib
from tests.faults.support import FaultTestCase
from tests.integration.websocket import BINARY, CLOSE, PING, TEXT, WebSocket

MASK = b"\x00\x00\x00\x00"


def frame(
    first: int, payload: bytes = b"", length: int | None = None, masked: bool = True
) -> bytes:
    """A frame with any first byte, and any length in its head."""
    size = len(payload) if length is None else length
    bit = 0x80 if masked else 0
    if size < 126:
        head = struct.pack("!BB", first, bit | size)
    elif size < 65_536:
        head = struct.pack("!BBH", first, bit | 126, size)
    else:
        head = struct.pack("!BBQ", first, bit | 127, size)
    return head + (MASK if masked else b"") + payload


class FrameTests(FaultTestCase):
    def memory(self) -> int:
        assert self.daemon.process is not None
        return memory_kib(self.daemon.process.pid)

    def test_broken_frames(self) -> None:
        """What breaks the protocol ends the connection with a protocol error and nothing else."""
        text = 0x80 | TEXT
        for data in (
            frame(text, b"{}", masked=False),
            frame(text | 0x40, b"{}"),
            frame(text | 0x10, b"{}"),
            frame(0x83, b"{}"),
            frame(0x8B),
            frame(0x80, b"x"),
            frame(PING, b"fragmented"),
            frame(0x80 | PING, b"x" * 126),
            frame(0x80 | CLOSE, b"\x03"),
            frame(0x80 | CLOSE, struct.pack("!H", 1005)),
            frame(0x80 | CLOSE, struct.pack("!H", 99)),
            frame(0x80 | CLOSE, struct.pack("!H", 1000) + b"\xff"),
            frame(TEXT, b"{") + frame(text, b"{}"),
            frame(text, b"x", length=2**63),
            b"\x81\xfe\x00\x05" + MASK + b"hello",
            b"\x81\xff" + struct.pack("!Q", 5) + MASK + b"hello",
        ):
            websocket = self.client()
            self.push(websocket, data)
            self.assert_closed(websocket, 1002, 1007, 1009, None)
            websocket.close()

    def test_frame_bombs(self) -> None:
        """A frame that is announced too long is refused by its head alone."""
        for length in (65_537, 2**31, 2**62):
            websocket = self.client()
            self.push(websocket, frame(0x82, b"x" * 9, length))
            self.assert_closed(websocket, 1009, 1002)
            websocket.close()

    def test_fragment_bombs(self) -> None:
        """A message in endless pieces ends at 64 KiB, and is not gathered beyond."""
        for piece, count in ((b"x" * 1_000, 100), (b"x" * 60_000, 3)):
            websocket = self.client()
            before = self.memory()
            pieces = frame(TEXT, piece) + frame(0, piece) * count
            self.push(websocket, pieces)
            self.assert_closed(websocket, 1009, 4429)
            self.assertLess(self.memory() - before, 2_048)
            websocket.close()

    def test_empty_fragments(self) -> None:
        """Empty pieces without end cost no memory and nobody else's time."""
        websocket, other = self.client(), self.client()
        before = self.memory()
        websocket.socket.sendall(frame(TEXT))
        self.push(websocket, frame(0) * 100_000)
        self.assert_still_talks(other)
        self.assertLess(self.memory() - before, 4_096)

    def test_bad_utf8(self) -> None:
        """Text that is no UTF-8 ends the connection with 1007, however it is cut."""
        for bad in (
            b"\xff",
            b"\xc0\xaf",
            b"\xed\xa0\x80",
            b"\xf4\x90\x80\x80",
            b"\xe2\x82",
            b"\x80",
        ):
            for data in (
                frame(0x81, b'{"go:ping":"' + bad + b'"}'),
                frame(TEXT, b'{"go:ping":"' + bad[:1]) + frame(0x80, bad[1:] + b'"}'),
                frame(0x81, b'{"go:ping":"' + b"x" * 200 + bad + b'"}'),
            ):
                websocket = self.client()
                websocket.socket.sendall(data)
                self.assert_closed(websocket, 1007)
                websocket.close()

    def test_compression_is_never_agreed(self) -> None:
        """An offer of compression is ignored, so a small message cannot become a large one."""
        websocket = self.client()
        bomb = zlib.compress(b"x" * 1_000_000)[2:-4]
        websocket.socket.sendall(frame(0x81 | 0x40, bomb))
        self.assert_closed(websocket, 1002)

    def test_ping_flood(self) -> None:
        """Pings are messages: too many end the connection with 4429, others notice nothing."""
        websocket, other = self.client(), self.client()
        self.push(websocket, frame(0x80 | PING, b"x") * 20_000)
        self.assert_closed(websocket, 4429, None)
        self.assert_still_talks(other)

    def test_ping_flood_unread(self) -> None:
        """Pongs that nobody reads are not gathered."""
        websocket = self.client()
        before = self.memory()
        websocket.socket.settimeout(2)
        self.push(websocket, frame(0x80 | PING, b"x" * 125) * 50_000)
        self.assertLess(self.memory() - before, 2_048)

    def test_close_and_go_on(self) -> None:
        """After a close frame nothing is heard, and the connection ends."""
        websocket = self.client()
        data = frame(0x80 | CLOSE, struct.pack("!H", 1000))
        more = frame(0x81, b'{"terminal:new_terminal": {"rows": 9, "columns": 9}}') * 20
        self.push(websocket, data + more)
        self.assert_closed(websocket, 1000, None)
        other = self.client()
        other.send("terminal:get_terminals", None)
        self.assertEqual({}, other.until_action("terminal:terminals"))


class BinaryTests(FaultTestCase):
    def test_every_wrong_frame(self) -> None:
        """Each wrong binary frame is answered by an error; connection and terminals stay."""
        screen = self.screen(command="cat")
        websocket = screen.websocket
        term = screen.term
        good = pack_header(Kind.INPUT, term, 0)
        for message in (
            b"",
            b"\x02",
            good[:15],
            good,
            pack_header(Kind.INPUT, term, 0) + b"x" * 32_769,
            pack_header(Kind.INPUT, 0, 0) + b"x",
            pack_header(Kind.INPUT, 2**31, 0) + b"x",
            pack_header(Kind.INPUT, 2**32 - 1, 0) + b"x",
            pack_header(Kind.INPUT, term + 77, 0) + b"x",
            pack_header(Kind.INPUT, term, 1) + b"x",
            pack_header(Kind.INPUT, term, 2**53) + b"x",
            pack_header(Kind.INPUT, term, 2**64 - 1) + b"x",
            pack_header(Kind.OUTPUT, term, 0) + b"x",
            pack_header(Kind.INPUT_ACK, term, 0),
            pack_header(Kind.RESTORE, term, 0) + b"x",
            pack_header(Kind.ACK, term, 0) + b"x",
            pack_header(Kind.ACK, term, 2**40),
            pack_header(0, term, 0) + b"x",
            pack_header(6, term, 0) + b"x",
            pack_header(255, term, 0) + b"x",
            b"\x02\x01" + good[2:] + b"x",
            b"\x02\x00\x00\x01" + good[4:] + b"x",
        ):
            websocket.send_raw(BINARY, message)
            error = websocket.until(lambda found: "go:error" in found)["go:error"]
            self.assertTrue(error["message"], message[:20])
        websocket.send_raw(BINARY, pack_header(Kind.ACK, term + 99, 0))
        self.assert_still_talks(websocket)
        screen.type(b"still-typing\n")
        screen.until_text(b"still-typing")

    def test_before_sign_in(self) -> None:
        """Nothing binary is heard from a stranger."""
        screen = self.screen(command="cat")
        stranger = self.stranger(origin=None)
        stranger.send_raw(BINARY, pack_header(Kind.INPUT, screen.term, 0) + b"stolen\n")
        error = stranger.until(lambda found: "go:error" in found)["go:error"]
        self.assertEqual("denied", error["code"])
        screen.type(b"mine\n")
        self.assertNotIn(b"stolen", screen.until_text(b"mine"))

    def test_terminal_not_viewed(self) -> None:
        """Another tab's terminal is typed into only after attaching to it."""
        screen = self.screen(command="cat")
        other = self.client()
        other.send_frame(Kind.INPUT, screen.term, 0, b"unasked\n")
        error = other.until(lambda found: "go:error" in found)["go:error"]
        self.assertEqual("not_found", error["code"])


class RateTests(FaultTestCase):
    def test_messages(self) -> None:
        """More messages than allowed end with 4429; a burst that is allowed does not."""
        websocket = self.client()
        for at in range(900):
            websocket.send("go:ping", at)
        websocket.until(lambda found: found.get("go:pong") == 899)
        self.push(websocket, frame(0x81, b'{"go:ping":1}') * 3_000)
        self.assert_closed(websocket, 4429, None)

    def test_bytes(self) -> None:
        """More bytes than allowed end with 4429, long before the count of messages does."""
        websocket = self.client()
        message = frame(0x81, b'{"go:ping":"' + b"x" * 60_000 + b'"}')
        self.push(websocket, message * 40)
        self.assert_closed(websocket, 4429, None)

    def test_acknowledgements(self) -> None:
        """Acknowledgements are cheap, not free."""
        screen = self.screen(command="cat")
        ack = frame(0x82, pack_header(Kind.ACK, screen.term, 0))
        self.push(screen.websocket, ack * 200_000)
        self.assert_closed(screen.websocket, 4429, None)

    def test_code_is_told(self) -> None:
        """A client that reads sees the code, not just the end."""
        websocket = self.client()
        self.push(websocket, frame(0x81, b'{"go:ping":1}') * 1_200)
        self.assert_closed(websocket, 4429)


class DeadlineTests(FaultTestCase):
    kind = None

    def test_authentication(self) -> None:
        """Who has not signed in within the time is closed with 4408, busy or silent; who has
        stays."""
        daemon = self.own_daemon("--authentication_timeout=1s").start()
        silent, busy = self.stranger(daemon), self.stranger(daemon)
        signed_in = self.client(daemon)
        with contextlib.suppress(OSError):
            for at in range(50):
                busy.send("go:ping", at)
                busy.send_raw(PING, b"x")
        self.assert_closed(silent, 4408)
        self.assert_closed(busy, 4408)
        self.assert_still_talks(signed_in)

    def test_handshake_byte_by_byte(self) -> None:
        """A refused go:authenticate does not move the deadline."""
        daemon = self.own_daemon("--authentication_timeout=1s").start()
        websocket = WebSocket(daemon.base)
        self.addCleanup(websocket.close)
        websocket.send("go:authenticate", {"auth": None, "location": "default"})
        self.assertTrue(websocket.until_action("go:reauthenticate"))
        self.assert_closed(websocket, 4408)
