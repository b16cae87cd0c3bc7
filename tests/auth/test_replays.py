"""Tests of the memory against replays, in memory and on disk."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path

from twisted.internet.defer import Deferred, succeed
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from gotwist.auth.replay_file import FileReplays
from gotwist.auth.replays import MemoryReplays, Replays
from gotwist.errors import Unavailable

WALL = 1_700_000_000.0


class MemoryTests(SynchronousTestCase):
    """What every memory does, shown by one with room for three marks."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.replays: Replays = MemoryReplays(self.clock.seconds, limit=3)

    def remember(self, mark: str, ttl_s: float = 10) -> bool:
        return self.successResultOf(self.asked(mark, ttl_s))

    def asked(self, mark: str, ttl_s: float = 10) -> Deferred[bool]:
        waiting = self.replays.remember(mark, ttl_s)

        async def run() -> bool:
            return await waiting

        return Deferred.fromCoroutine(run())

    def test_once(self) -> None:
        """A mark is new once, until its time is up."""
        self.assertEqual([self.remember("a"), self.remember("a")], [True, False])
        self.clock.advance(10)
        self.assertFalse(self.remember("a"))
        self.clock.advance(0.1)
        self.assertTrue(self.remember("a"))

    def test_makes_room(self) -> None:
        """What has had its time makes room, in whatever order it came."""
        self.remember("long", 100)
        self.remember("short", 1)
        self.remember("middle", 10)
        self.clock.advance(2)
        self.assertTrue(self.remember("more", 1))
        self.clock.advance(200)
        for mark in "abc":
            self.assertTrue(self.remember(mark))

    def test_full(self) -> None:
        """Nothing that still counts is forgotten for something new."""
        for mark in "abc":
            self.remember(mark)
        self.failureResultOf(self.asked("d", 1), Unavailable)
        self.assertFalse(self.remember("a"))


class FileTests(MemoryTests):
    """The same, and what a file adds to it."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.path = Path(self.mktemp()).absolute()
        self.told: list[str] = []
        self.waiting: list[Deferred[None]] | None = None
        self.replays = self.make()

    def make(self, max_added: int = 10_000) -> FileReplays:
        """What a daemon makes when it starts."""
        made = FileReplays(
            self.path,
            MemoryReplays(self.clock.seconds, limit=3),
            lambda: WALL + self.clock.seconds(),
            self.in_thread,
            lambda problem: self.told.append(str(problem)),
            max_added,
        )
        made.load()
        return made

    def in_thread(self, function: Callable[[], None]) -> Deferred[None]:
        function()
        if self.waiting is None:
            return succeed(None)
        self.waiting.append(Deferred())
        return self.waiting[-1]

    def test_restart(self) -> None:
        """A daemon that is started anew still knows what was used, for as long as that counts."""
        self.remember("a", 20)
        self.clock.advance(15)
        self.remember("b", 20)
        self.replays = self.make()
        self.assertEqual([self.remember("a"), self.remember("b")], [False, False])
        self.clock.advance(7)
        self.replays = self.make()
        self.assertEqual([self.remember("b"), self.remember("a")], [False, True])
        self.assertEqual(stat.S_IMODE(self.path.stat().st_mode), 0o600)

    def test_written_before_the_answer(self) -> None:
        """Nobody is let in by what is not in the file yet, and a second one not meanwhile."""
        self.waiting = []
        first = self.asked("a")
        self.assertNoResult(first)
        self.assertIn("a", self.path.read_text())
        self.assertFalse(self.remember("a"))
        self.waiting[0].callback(None)
        self.assertTrue(self.successResultOf(first))

    def test_torn_file(self) -> None:
        """Lines that are not understood are left out, and the others count."""
        later = int(WALL) + 60
        self.path.write_bytes(b"x\n\xff\n%d a\n99999999999999 b\n%d c d\n%d" % ((later,) * 3))
        self.replays = self.make()
        self.assertFalse(self.remember("a"))
        self.assertTrue(self.remember("b"))
        self.assertTrue(self.remember("c"))

    def test_does_not_grow(self) -> None:
        """The file is written anew when most of it no longer counts."""
        self.replays = self.make(max_added=5)
        for number in range(50):
            self.assertTrue(self.remember(f"m{number}", 1))
            self.clock.advance(1.5)
        self.assertLessEqual(len(self.path.read_text().splitlines()), 7)
        self.replays = self.make()
        self.assertEqual(os.listdir(self.path.parent).count(f".{self.path.name}.new"), 0)

    def test_failing_disk(self) -> None:
        """A disk that fails is told, and memory goes on remembering."""
        self.path.mkdir()
        self.assertTrue(self.remember("a"))
        self.assertFalse(self.remember("a"))
        self.assertEqual(len(self.told), 1)
        self.make()
        self.assertEqual(len(self.told), 2)
