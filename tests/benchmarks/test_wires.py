"""Tests of benchmarks.wires: what each client says."""

import json

from twisted.trial.unittest import SynchronousTestCase

from benchmarks.frames import BINARY, CLOSE, PING, TEXT
from benchmarks.wires import Closed, GotwistWire, TerminadoWire, TtydWire, WettyWire


def payloads(data: bytes) -> list[tuple[int, bytes]]:
    """Unmask short client frames."""
    found = []
    while data:
        opcode, size, at = data[0] & 0x0F, data[1] & 0x7F, 2
        if size == 126:
            size, at = int.from_bytes(data[2:4], "big"), 4
        mask, body = data[at : at + 4], data[at + 4 : at + 4 + size]
        found.append((opcode, bytes(b ^ mask[i % 4] for i, b in enumerate(body))))
        data = data[at + 4 + size :]
    return found


def actions(data: bytes) -> list[object]:
    """The JSON of text frames."""
    return [json.loads(payload) for _, payload in payloads(data)]


class GotwistWireTests(SynchronousTestCase):
    """The client of gotwist."""

    def attached(self, wire: GotwistWire, offset: int, output: int = 0) -> None:
        """Let the daemon answer."""
        self.assertEqual(
            actions(wire.hello()), [{"go:authenticate": {"auth": None, "location": "default"}}]
        )
        answer = wire.message(TEXT, b'{"go:set_username": "somebody"}', 0)
        ((name, value),) = actions(answer)[0].items()  # type: ignore[attr-defined]
        self.assertEqual(name, "terminal:new_terminal")
        self.assertRegex(value["viewer"], r"\A[0-9a-f]{16}\Z")
        reply = {"terminal:attached": {"term": 7, "offset": offset}}
        wire.message(TEXT, json.dumps(reply).encode(), output)

    def test_opens_types_and_ends(self) -> None:
        """A terminal is opened after sign-in, keystrokes are numbered, the end is said."""
        wire = GotwistWire()
        self.assertFalse(wire.ready)
        self.attached(wire, 0)
        self.assertTrue(wire.ready)
        for offset, keys in ((0, b"ab"), (2, b"c")):
            ((opcode, frame),) = payloads(wire.type(keys))
            head = b"\x02\0\0\0" + (7).to_bytes(4, "big") + offset.to_bytes(8, "big")
            self.assertEqual((opcode, frame), (BINARY, head + keys))
        self.assertEqual(actions(wire.bye()), [{"terminal:kill_terminal": 7}])

    def test_acknowledges_what_was_drawn(self) -> None:
        """Each 128 KiB drawn are acknowledged by their place in the terminal's output."""
        wire = GotwistWire()
        self.attached(wire, 1000, output=100)
        self.assertEqual(wire.drawn(131_071), b"")
        ((_, frame),) = payloads(wire.drawn(131_200))
        self.assertEqual(frame[0], 3)
        self.assertEqual(int.from_bytes(frame[8:16], "big"), 1000 - 100 + 131_200)
        self.assertEqual(wire.drawn(131_300), b"")

    def test_joins_without_ending(self) -> None:
        """Who joins a terminal names it, and leaves it alone in the end."""
        wire = GotwistWire(term=7)
        answer = wire.message(TEXT, b'{"go:set_username": "somebody"}', 0)
        self.assertIn('"term":7', payloads(answer)[0][1].decode())
        wire.message(TEXT, b'{"terminal:attached": {"term": 7, "offset": 5}}', 0)
        self.assertEqual(wire.bye(), b"")

    def test_only_signs_in(self) -> None:
        """Without a terminal the connection is ready once signed in."""
        wire = GotwistWire(term=None)
        self.assertEqual(wire.message(TEXT, b'{"go:set_username": "somebody"}', 0), b"")
        self.assertTrue(wire.ready)
        wire.message(TEXT, b'{"go:pong": 1}', 0)
        self.assertEqual(wire.pongs, 1)

    def test_a_refusal_ends_the_measurement(self) -> None:
        """An error or a refused sign-in is not waited out."""
        for text in (b'{"go:error": {"code": "denied"}}', b'{"go:reauthenticate": true}'):
            self.assertRaises(Closed, GotwistWire().message, TEXT, text, 0)


class PeerWireTests(SynchronousTestCase):
    """The clients of the peers."""

    def test_ttyd(self) -> None:
        """ttyd gets its size first, and a RESUME after each 100,000 bytes drawn."""
        wire = TtydWire()
        ((opcode, hello),) = payloads(wire.hello())
        self.assertEqual(opcode, BINARY)
        self.assertEqual(json.loads(hello), {"AuthToken": "", "columns": 80, "rows": 24})
        self.assertEqual(payloads(wire.type(b"x")), [(BINARY, b"0x")])
        self.assertEqual(wire.drawn(100_000), b"")
        self.assertEqual(payloads(wire.drawn(100_001)), [(BINARY, b"3")])
        self.assertEqual(wire.drawn(200_000), b"")

    def test_terminado(self) -> None:
        """terminado gets JSON arrays."""
        wire = TerminadoWire()
        self.assertEqual(actions(wire.hello()), [["set_size", 24, 80]])
        self.assertEqual(actions(wire.type(b"\x03")), [["stdin", "\x03"]])

    def test_wetty(self) -> None:
        """wetty is joined, kept alive, and told what was drawn in steps of 256 KiB."""
        wire = WettyWire()
        self.assertEqual(payloads(wire.message(TEXT, b'0{"sid":"a"}', 0)), [(TEXT, b"40")])
        self.assertEqual(payloads(wire.message(TEXT, b"2", 0)), [(TEXT, b"3")])
        self.assertFalse(wire.ready)
        wire.message(TEXT, b'42["login"]', 0)
        self.assertTrue(wire.ready)
        self.assertEqual(payloads(wire.type(b"x")), [(TEXT, b'42["input","x"]')])
        self.assertEqual(wire.drawn(262_143), b"")
        commit = (TEXT, b'42["commit",262144]')
        self.assertEqual(payloads(wire.drawn(600_000)), [commit, commit])

    def test_pings_are_answered_and_the_end_is_noticed(self) -> None:
        """A ping gets its pong; a closing frame ends the connection."""
        for wire in (TtydWire(), TerminadoWire(), WettyWire(), GotwistWire()):
            self.assertEqual(payloads(wire.message(PING, b"hi", 0)), [(10, b"hi")])
            self.assertRaises(Closed, wire.message, CLOSE, b"\x03\xe8", 0)

    def test_a_restored_screen_is_no_output(self) -> None:
        """What the daemon restores is kept apart from the terminal's output."""
        wire = GotwistWire()
        self.assertEqual(wire.message(BINARY, b"\x05" + bytes(15) + b"screen", 0), b"")
        self.assertEqual(wire.restored, b"screen")
        wire.message(BINARY, b"\x04" + bytes(15), 0)
        self.assertEqual(wire.restored, b"screen")
