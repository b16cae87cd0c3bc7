"""The tracker: what a fresh terminal must be told to take over."""

from __future__ import annotations

import json
import os

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gotwist.keeper.modes import MAX_SEQUENCE, Modes, clean_title

VECTORS = os.path.join(os.path.dirname(__file__), os.pardir, "vectors", "keeper.json")

PIECES = st.sampled_from(
    [
        b"plain text\r\n",
        "żółć ✓\n".encode(),
        b"\x1b[31m",
        b"\x1b[1;38;5;120m",
        b"\x1b[0m",
        b"\x1b[m",
        b"\x1b[48;2;1;2;3m",
        b"\x1b[4:3m",
        b"\x1b[22;39m",
        b"\x1b[?1h",
        b"\x1b[?1l",
        b"\x1b[?25l",
        b"\x1b[?1000;1006h",
        b"\x1b[?1002h",
        b"\x1b[?1002l",
        b"\x1b[?2004h",
        b"\x1b[?1049h",
        b"\x1b[?1049l",
        b"\x1b[4h",
        b"\x1b[4l",
        b"\x1b=",
        b"\x1b>",
        b"\x1b(0",
        b"\x1b(B",
        b"\x0e",
        b"\x0f",
        b"\x1b[2;10r",
        b"\x1b[r",
        b"\x1b[4 q",
        b"\x1b]0;title\x07",
        b"\x1b]2;other\x1b\\",
        b"\x1b]4;1;#ff0000\x07",
        b"\x1b]104\x07",
        b"\x1b]11;rgb:0/0/0\x1b\\",
        b"\x1b]111\x07",
        b"\x1b7",
        b"\x1b8",
        b"\x1bc",
        b"\x1b[!p",
        b"\x1bP1;2q[31m\n\x1b\\",
        b"\x1b]52;c;[?1h\x07",
        b"\x1b[10;20H",
        b"\x1b[K",
        b"\x1b[?2026h",
        b"\x1b]0;lost\x18",
        b"\x1b[6n",
        b"\x1bM",
        b"\x1b[",
        b"\x1b",
    ]
)


def state(data: bytes) -> tuple[bytes, str, int]:
    """Feed everything at once."""
    modes = Modes()
    modes.feed(data)
    return modes.restore(), modes.title, modes.alternate


class ModesTests(SynchronousTestCase):
    """Bytes in, state out."""

    @settings(max_examples=200)
    @given(st.lists(PIECES, max_size=14), st.data())
    def test_any_split(self, pieces: list[bytes], data: st.DataObject) -> None:
        """The state does not depend on how the output was cut."""
        stream = b"".join(pieces) + b"."
        modes = Modes()
        pending, at = b"", 0
        while at < len(stream):
            cut = data.draw(st.integers(1, len(stream) - at))
            pending += stream[at : at + cut]
            at += cut
            pending = pending[modes.feed(pending) :]
        self.assertEqual((modes.restore(), modes.title, modes.alternate), state(stream))

    @given(st.integers(0, 40), st.lists(PIECES, max_size=3), st.integers(0, 40))
    def test_colours_around(self, before: int, pieces: list[bytes], after: int) -> None:
        """Between thousands of colours, what sets a mode is found as if it stood alone."""
        coloured = b"a \x1b[1;38;5;9mword\x1b[0m "
        stream = coloured * before + b"".join(pieces) + coloured * after + b"."
        modes = Modes()
        pending = b""
        for byte in stream:
            pending += bytes((byte,))
            pending = pending[modes.feed(pending) :]
        self.assertEqual((modes.restore(), modes.title, modes.alternate), state(stream))

    @settings(max_examples=200)
    @given(st.lists(PIECES, max_size=14))
    def test_restore(self, pieces: list[bytes]) -> None:
        """A fresh terminal that draws the restoring bytes has the same modes."""
        restore = state(b"".join(pieces) + b".")[0]
        self.assertEqual(state(restore + b".")[0], restore)

    @settings(max_examples=200)
    @given(st.lists(PIECES, max_size=10), st.lists(PIECES, max_size=10))
    def test_restore_and_tail(self, before: list[bytes], after: list[bytes]) -> None:
        """Starting at a safe point with the restoring bytes ends where the whole output ends."""
        # What ESC 7 saved is not restored: its cursor position would be unknown anyway.
        saved = (b"\x1b8", b"\x1b[?1049l")
        first = b"".join(before) + b"\r\n"
        last = b"".join(piece for piece in after if piece not in saved) + b"."
        modes = Modes()
        used = modes.feed(first)
        if used < len(first) or not modes.is_safe:
            return
        whole, _, alternate = state(first + last)
        got, _, got_alternate = state(modes.restore() + last)
        self.assertEqual((sorted_modes(got), got_alternate), (sorted_modes(whole), alternate))

    @given(st.binary(max_size=300))
    def test_nonsense(self, data: bytes) -> None:
        """Nothing a program prints can upset the tracker, and it never falls far behind."""
        modes = Modes()
        self.assertGreaterEqual(modes.feed(data), 0)
        modes.restore()

    def test_long_string(self) -> None:
        """A picture of megabytes is jumped over, and what follows it counts."""
        modes = Modes()
        self.assertGreaterEqual(modes.feed(b"\x1bPq" + b"\n[?1h" * 20_000), 90_000)
        self.assertFalse(modes.is_safe)
        modes.feed(b"\x07\x07" * MAX_SEQUENCE)
        self.assertFalse(modes.is_safe)
        modes.feed(b"\x1b\\\x1b[?1h.")
        self.assertTrue(modes.is_safe)
        self.assertEqual(modes.restore(), b"\x1b[?1h")

    def test_bounded(self) -> None:
        """A program that invents modes and colours cannot make the state grow."""
        data = b"".join(b"\x1b[?%dh\x1b]4;%d;#%06d\x07" % (n, n, n) for n in range(3_000, 20_000))
        data += b"".join(b"\x1b]4;%d;#123456\x07" % n for n in range(999))
        self.assertLess(len(state(data)[0]), 12_000)

    def test_title(self) -> None:
        """A title has no control characters, turns no direction and is short."""
        self.assertEqual(clean_title("a\x1b[31m\u202eb\u2066\x9bc\n"), "a[31mbc")
        self.assertEqual(len(clean_title("x" * 999)), 256)
        self.assertEqual(state(b"\x1b]2;caf\xc3\xa9 \xff\x07")[1], "café \ufffd")
        self.assertEqual(state(b"\x1b]0;one\x07\x1b]1;icon\x07")[1], "one")

    def test_vectors(self) -> None:
        """The restoring bytes are those that were compared in a real terminal."""
        with open(VECTORS, encoding="utf-8") as file:
            for vector in json.load(file)["modes"]:
                got = state(vector["output"].encode("latin-1"))
                want = (vector["restore"].encode("latin-1"), vector["title"], vector["alternate"])
                self.assertEqual(got, want, vector["name"])


def sorted_modes(restore: bytes) -> list[bytes]:
    """Compare without order and without resets that a fresh terminal does not need."""
    parts = {b"\x1b" + part for part in restore.split(b"\x1b")[1:]}
    return sorted(part for part in parts if part[-1:] != b"l" and part not in NEUTRAL)


NEUTRAL = {b"\x1b(B", b"\x1b\\", b"\x1b[0 q"}
