"""Tests of benchmarks.processes, texts and paces: what else is computed."""

from twisted.trial.unittest import SynchronousTestCase

from benchmarks.line import Pace
from benchmarks.processes import Stat, descendants, parse_stat
from benchmarks.texts import KINDS, make_block


class ProcessTests(SynchronousTestCase):
    """Reading the process table."""

    def test_parses_awkward_names(self) -> None:
        """A process may call itself anything."""
        text = "42 (a) b (c) S 1 42 42 34816 42 0 0 0 0 0 7 3 0 0 20 0 1 0 100 0 0"
        self.assertEqual(parse_stat(text), Stat(42, "S", 1, 34816, 10))

    def test_finds_the_whole_family(self) -> None:
        """Children and their children belong to a server, others do not."""
        stats = [Stat(pid, "S", parent, 0, 0) for pid, parent in ((4, 3), (3, 2), (2, 1), (9, 1))]
        self.assertEqual([stat.pid for stat in descendants(2, stats)], [2, 3, 4])
        self.assertEqual(descendants(5, stats), [])


class PaceTests(SynchronousTestCase):
    """A viewer that draws at a rate."""

    def test_keeps_the_rate(self) -> None:
        """Nobody draws more than the rate allows, nor less when there is enough."""
        pace = Pace(1e6, 0.0)
        drawn = 0
        for step in range(1, 1001):
            room = pace.room(step / 1000)
            pace.took(room)
            drawn += room
        self.assertEqual(drawn, 1_000_000)

    def test_does_not_catch_up(self) -> None:
        """Time in which nothing came is no credit to draw everything at once."""
        pace = Pace(1e6, 0.0)
        self.assertEqual(pace.room(10.0), 50_000)
        pace.took(50_000)
        self.assertEqual(pace.room(10.0), 0)
        self.assertAlmostEqual(pace.room(10.01), 10_000, delta=1)


class TextTests(SynchronousTestCase):
    """The texts that are printed."""

    def test_are_whole_lines_and_always_the_same(self) -> None:
        """Every run prints the same lines, valid UTF-8, none of them the prompt."""
        for kind in KINDS:
            block = make_block(kind, 20_000)
            self.assertEqual(block, make_block(kind, 20_000))
            self.assertTrue(block.endswith(b"\n"))
            self.assertNotIn("<<ready>>", block.decode())
