"""Ring, checkpoints and where a viewer begins, without a real program."""

from __future__ import annotations

import mmap
import os
import random

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gotwist.keeper.arena import OPENING, SLACK, Arena, ArenaReader, Ring
from gotwist.keeper.modes import Modes
from gotwist.keeper.terminal import Terminal
from tests.keeper.keeping import RING

NO_KEY = memoryview(bytes(8)).cast("Q")


class Bench:
    """One terminal whose program is this test."""

    def __init__(self) -> None:
        self.arena = Arena(4, RING)
        self.reader = ArenaReader(
            os.dup(self.arena.descriptor), os.dup(self.arena.notes_descriptor)
        )
        self.out, self.program = os.pipe()
        os.set_blocking(self.out, False)
        self.arena.open(2, 1)
        ring = Ring(RING, self.arena.openings, 2)
        self.terminal = Terminal(1, 2, 0, self.out, ring, 24, 80)
        self.reader.add(2, 1, os.dup(ring.descriptor))
        self.all = b""

    def write(self, data: bytes) -> None:
        """Print, and let the keeper read it all."""
        for start in range(0, len(data), 40_000):
            piece = data[start : start + 40_000]
            os.write(self.program, piece)
            self.all += piece
            while self.terminal.head < len(self.all):
                self.terminal.drain(NO_KEY, 0, False)
                self.arena.heads[2] = self.terminal.head
            if self.terminal.must_scan:
                self.terminal.scan()

    def close(self) -> None:
        """Give everything back."""
        os.close(self.out)
        os.close(self.program)
        os.close(self.arena.descriptor)
        os.close(self.arena.notes_descriptor)
        self.terminal.ring.close()


class TerminalTests(SynchronousTestCase):
    """One terminal of the keeper."""

    def setUp(self) -> None:
        """Make a terminal on a pipe."""
        self.bench = Bench()
        self.addCleanup(self.bench.close)

    @settings(max_examples=25)
    @given(st.lists(st.integers(1, 90_000), max_size=12), st.integers(0, 2**32))
    def test_ring(self, sizes: list[int], seed: int) -> None:
        """Any part that may be read is what was printed, seam or not; the rest is refused."""
        chance = random.Random(seed)
        bench = Bench()
        self.addCleanup(bench.close)
        for size in sizes:
            bench.write(chance.randbytes(size))
            tail, head = bench.reader.tail(2), bench.reader.head(2)
            self.assertEqual((tail, head), (bench.terminal.tail, len(bench.all)))
            self.assertEqual(tail, max(0, head - RING + SLACK))
            start = chance.randint(tail, head)
            end = chance.randint(start, head)
            pieces = bench.reader.view(2, start, end)
            self.assertEqual(b"".join(pieces), bench.all[start:end])
            self.assertEqual(bench.terminal.ring.copy(start, end), bench.all[start:end])
            self.assertRaises(IndexError, bench.reader.view, 2, start, head + 1)
            if tail:
                self.assertRaises(IndexError, bench.reader.view, 2, tail - 1, head)

    @given(st.lists(st.integers(1, 700), min_size=1, max_size=6))
    def test_opening(self, sizes: list[int]) -> None:
        """The first bytes lie beside those of the other terminals, whatever the pieces."""
        bench = Bench()
        self.addCleanup(bench.close)
        for size in sizes:
            bench.write(b"%c" % (97 + size % 26) * size)
        ring = bytes(bench.terminal.ring.view)
        self.assertEqual(ring[:OPENING], bytes(OPENING))
        self.assertEqual(ring[OPENING : max(OPENING, len(bench.all))], bench.all[OPENING:])
        for start in range(0, len(bench.all), 100):
            for end in (start, start + 1, len(bench.all)):
                pieces = bench.reader.view(2, start, end)
                self.assertEqual(b"".join(pieces), bench.all[start:end])
                self.assertEqual(bench.terminal.ring.copy(start, end), bench.all[start:end])

    def test_reopened(self) -> None:
        """A new terminal in an old one's place shows nothing of what that one printed."""
        self.bench.write(b"secret")
        other = Ring(RING, self.bench.arena.openings, 3)
        self.addCleanup(other.close)
        other.opening[:5] = b"other"
        self.bench.arena.open(2, 7)
        self.assertEqual(bytes(self.bench.terminal.ring.opening), bytes(OPENING))
        self.assertEqual(bytes(other.opening[:5]), b"other")
        self.assertEqual(self.bench.reader.head(2), 0)

    def test_slot_of_another(self) -> None:
        """Who still takes a slot for that of the terminal before reads nothing of the next."""
        self.bench.write(b"old")
        self.bench.arena.open(2, 7)
        self.bench.terminal.ring.opening[:6] = b"secret"
        self.bench.arena.heads[2] = 6
        self.assertRaises(IndexError, self.bench.reader.view, 2, 3, 6)
        self.bench.reader.add(2, 7, os.dup(self.bench.terminal.ring.descriptor))
        self.assertEqual(b"".join(self.bench.reader.view(2, 0, 6)), b"secret")
        self.bench.reader.remove(2)
        self.assertRaises(IndexError, self.bench.reader.view, 2, 0, 6)

    def test_seals(self) -> None:
        """The daemon can neither write, nor shrink, nor grow what the keeper writes."""
        for descriptor in (self.bench.arena.descriptor, self.bench.terminal.ring.descriptor):
            self.assertRaises(PermissionError, mmap.mmap, descriptor, 4096)
            self.assertRaises(PermissionError, os.write, descriptor, b"x")
            self.assertRaises(PermissionError, os.ftruncate, descriptor, 0)
            self.assertRaises(PermissionError, os.ftruncate, descriptor, 2**24)
            again = os.open(f"/proc/self/fd/{descriptor}", os.O_RDWR)
            self.addCleanup(os.close, again)
            self.assertRaises(PermissionError, mmap.mmap, again, 4096)
        self.assertRaises(PermissionError, os.ftruncate, self.bench.arena.notes_descriptor, 0)

    def test_exact(self) -> None:
        """While everything is in the ring, a new viewer gets everything and nothing else."""
        self.bench.write(b"\x1b[31mhello\r\n\x1b[?1049h")
        start = self.bench.terminal.begin(None)
        self.assertEqual((start.offset, start.reset, start.restore), (0, True, b""))
        self.assertFalse(start.redraw)

    def test_resume(self) -> None:
        """A viewer continues where it was, or begins anew when that is not in the ring."""
        self.bench.write(b"0123456789" * 50_000)
        terminal = self.bench.terminal
        for have, resumes in (
            (terminal.head, True),
            (terminal.tail, True),
            (terminal.tail - 1, False),
            (terminal.head + 1, False),
            (0, False),
        ):
            start = terminal.begin(have)
            self.assertEqual(start.reset, not resumes)
            if resumes:
                self.assertEqual((start.offset, start.restore), (have, b""))

    @settings(max_examples=15)
    @given(st.integers(0, 2**32))
    def test_checkpoints(self, seed: int) -> None:
        """Beyond the ring a viewer begins at a line's start with the modes of that place."""
        chance = random.Random(seed)
        bench = Bench()
        self.addCleanup(bench.close)
        bench.write(b"\x1b[?2004h\x1b]4;7;#aabbcc\x07")
        lines = [b"plain words \xc5\x82\r\n", b"\x1b[32mgreen\r\n", b"\x1b[0m\x1b[?1hx\r\n",
                 b"\x1b]0;a\nb\x07\r\n", b"\x1b[?1l\x1b[44m \r\n", b"\x1bP\n\n\x1b\\"]  # fmt: skip
        weights = [60, 10, 5, 2, 5, 2]
        for _ in range(12):
            bench.write(b"".join(chance.choices(lines, weights, k=3_000)))
        start = bench.terminal.begin(None)
        self.assertTrue(start.reset)
        self.assertGreater(start.offset, 0)
        self.assertGreaterEqual(start.offset, bench.terminal.tail)
        self.assertLess(start.offset, bench.terminal.tail + RING // 2)
        self.assertEqual(bench.all[start.offset - 1 : start.offset], b"\n")
        whole = Modes()
        self.assertEqual(whole.feed(bench.all[: start.offset]), start.offset)
        self.assertTrue(whole.is_safe)
        self.assertEqual(start.restore, whole.restore())

    def test_alternate(self) -> None:
        """On the alternate screen the main screen's end comes first, and a redraw is asked."""
        self.bench.write(b"first line\r\n" * 40_000 + b"last words\r\n\x1b[?1049h")
        self.bench.write(b"\x1b[H\x1b[32mfull screen" * 20_000)
        start = self.bench.terminal.begin(None)
        self.assertTrue(start.redraw)
        prelude, _, rest = start.restore.partition(b"\x1b[m")
        self.assertTrue(prelude.startswith(b"first line\r\n"))
        self.assertTrue(prelude.endswith(b"last words\r\n"))
        self.assertLessEqual(len(prelude), 65_536)
        self.assertEqual(rest, b"\x1b[?1049h\x1b[32m")
        self.bench.write(b"\x1b[?1049l" + b"back\r\n" * 80_000)
        start = self.bench.terminal.begin(None)
        self.assertEqual((start.redraw, start.restore), (False, b""))

    def test_no_line_ends(self) -> None:
        """Output without line ends has safe places too, outside sequences and characters."""
        self.bench.write("ł".encode() * 300_000)
        start = self.bench.terminal.begin(None)
        self.assertFalse(start.redraw)
        self.assertEqual(start.offset % 2, 0)

    def test_no_safe_place(self) -> None:
        """Inside an endless control string a viewer begins now and the program paints."""
        self.bench.write(b"\x1b[?1h\x1bP" + b"#" * 900_000)
        start = self.bench.terminal.begin(None)
        self.assertEqual((start.offset, start.redraw), (self.bench.terminal.head, True))
        self.assertEqual(start.restore, b"\x1b[?1h")

    def test_sizes(self) -> None:
        """A viewer learns the size at its start and each later one, within bounds."""
        terminal = self.bench.terminal
        self.bench.write(b"a" * 10)
        terminal.resized(30, 90)
        self.bench.write(b"b" * 10)
        terminal.resized(40, 100)
        terminal.resized(41, 101)
        start = terminal.begin(None)
        self.assertEqual((start.rows, start.columns), (24, 80))
        self.assertEqual(start.resizes, [(10, 30, 90), (20, 41, 101)])
        start = terminal.begin(15)
        self.assertEqual((start.rows, start.columns, start.resizes), (30, 90, [(20, 41, 101)]))
        start = terminal.begin(20)
        self.assertEqual(start.resizes, [(20, 41, 101)])
        for rows in range(2, 300):
            self.bench.write(b"c")
            terminal.resized(rows, 80)
        self.assertLessEqual(len(terminal.begin(0).resizes), 64)

    def test_notes(self) -> None:
        """Each viewer's input is counted for itself; the newest eight are remembered."""
        reader = self.bench.reader
        self.assertEqual(reader.applied(1, 7), 0)
        for viewer in range(1, 10):
            reader.set_applied(1, viewer, viewer * 10)
        self.assertEqual([reader.applied(1, viewer) for viewer in (1, 2, 9)], [0, 20, 90])
        self.assertEqual(reader.applied(0, 2), 0)
        self.assertEqual(reader.applied(2, 2), 0)
        reader.set_applied(1, 5, 2**60)
        self.assertEqual(reader.applied(1, 5), 2**60)
        self.bench.arena.open(1, 9)
        self.assertEqual(reader.applied(1, 5), 0)
