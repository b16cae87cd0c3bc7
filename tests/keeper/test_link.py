"""The daemon's link to a real keeper, on the real reactor."""

from __future__ import annotations

import gc
import os
import shutil
import signal
import tempfile
from collections.abc import Callable

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorFDSet, IReactorTime
from twisted.internet.task import deferLater
from twisted.trial.unittest import TestCase

from gotwist.applications.terminal.pty import MAX_QUEUED
from gotwist.applications.terminal.unix import KeeperLink
from gotwist.errors import Malformed, NotFound, Unavailable
from tests.keeper.keeping import ENV, is_alive

OPTIONS = ("--slots", "8", "--ring", "262144", "--grace", "0.3", "--kill-after", "0.5")
LIMIT_S = 15.0


class LinkTests(TestCase):
    """What the terminal application is given."""

    timeout = 60

    def setUp(self) -> None:
        """Prepare a place; the link starts the keeper itself."""
        self.directory = tempfile.mkdtemp(prefix="gotwist-link-")
        self.addCleanup(shutil.rmtree, self.directory, True)
        self.happened: list[tuple[object, ...]] = []
        self.links: list[KeeperLink] = []
        self.addCleanup(self._end)

    def link(self, **more: bool) -> KeeperLink:
        """Make a link that writes down what it hears."""
        assert IReactorFDSet.providedBy(reactor) and IReactorTime.providedBy(reactor)
        path = os.path.join(self.directory, "keeper.sock")
        log = os.path.join(self.directory, "keeper.log")
        link = KeeperLink(reactor, reactor, path, log, options=OPTIONS, **more)
        for name in ("title", "exited", "gone", "applied", "lost", "back"):
            setattr(link, f"on_{name}", self._listener(name))
        self.links.append(link)
        return link

    def _listener(self, name: str) -> Callable[..., None]:
        return lambda *arguments: self.happened.append((name, *arguments))

    async def until(self, true: Callable[[], bool]) -> None:
        """Let the reactor run until something is so."""
        assert IReactorTime.providedBy(reactor)
        deadline = reactor.seconds() + LIMIT_S
        while not true():
            self.assertLess(reactor.seconds(), deadline, self.happened)
            await deferLater(reactor, 0.005)

    def _end(self) -> Deferred[None]:
        return Deferred.fromCoroutine(self._end_all())

    async def _end_all(self) -> None:
        for link in self.links:
            link.stop()
        last = self.link()
        try:
            await last.connect(start=False)
        except Unavailable:
            return
        await last.shutdown()
        await self.until(lambda: not last.is_connected)

    async def open(self, link: KeeperLink, *argv: str) -> int:
        """Start a program."""
        return (await link.open(argv, ENV, "/", 24, 80, "me")).terminal

    def text(self, link: KeeperLink, terminal: int) -> bytes:
        """Copy all output."""
        slot = link._slots[terminal]
        return b"".join(link.arena.view(slot, link.arena.tail(slot), link.arena.head(slot)))

    async def test_life(self) -> None:
        """A terminal is opened, rings, is typed into, ends and is forgotten."""
        link = self.link()
        bells: list[int] = []
        link.on_bell = bells.extend
        await link.connect()
        number = await self.open(
            link, "sh", "-c", "printf '\\033]0;hi\\007'; read x; echo got $x; exit 4"
        )
        await self.until(lambda: ("title", number, "hi") in self.happened)
        self.assertIn(0, bells)
        self.assertEqual(link.type(number, 7, 0, b"ab"), 2)
        self.assertEqual(link.type(number, 7, 0, b"abc\r"), 4)
        self.assertEqual(link.type(number, 7, 1, b"bc\r"), 4)
        await self.until(lambda: bool([1 for e in self.happened if e[0] == "exited"]))
        self.assertIn(b"got abc", self.text(link, number))
        head = link.arena.head(0)
        self.assertIn(("exited", number, 4, None, head), self.happened)
        self.assertRaises(NotFound, link.type, number, 7, 4, b"x")
        (listed,) = await link.list()
        self.assertEqual((listed.title, listed.label, listed.exited), ("hi", "me", (4, None)))
        await link.close(number)
        await self.until(lambda: ("gone", number) in self.happened)
        self.assertEqual(await link.list(), ())

    async def test_refusals(self) -> None:
        """What cannot be done is a clear error, and the link lives on."""
        link = self.link()
        with self.assertRaises(Unavailable):
            await link.connect(start=False)
        self.assertRaises(Unavailable, lambda: link.arena)
        await link.connect()
        with self.assertRaises(NotFound) as caught:
            await self.open(link, "no-such-program")
        self.assertIn("'no-such-program'", caught.exception.message)
        with self.assertRaises(NotFound):
            await link.attach(99, None)
        with self.assertRaises(Malformed):
            await link.open(["x" * 20_000], ENV, "/", 24, 80, "")
        number = await self.open(link, "cat")
        self.assertRaises(Malformed, link.type, number, 7, 1, b"gap")
        self.assertRaises(Malformed, link.type, number, 0, 0, b"nobody")
        self.assertRaises(NotFound, link.type, 99, 7, 0, b"x")
        self.assertEqual(await link.resize(number, 40, 100), link.arena.head(0))
        await link.label(number, "other")
        self.assertEqual((await link.list())[0].label, "other")
        begin = await link.attach(number, None)
        self.assertEqual((begin.offset, begin.reset, begin.rows), (0, True, 40))

    async def test_no_keeper(self) -> None:
        """When the keeper cannot be started the error tells why."""
        os.chmod(self.directory, 0o777)
        with self.assertRaises(Unavailable) as caught:
            await self.link().connect()
        self.assertIn("mode 0700", caught.exception.message)
        os.chmod(self.directory, 0o700)

    async def test_paste(self) -> None:
        """A paste that the program does not read waits, bounded, and is typed in order, once."""
        link = self.link()
        await link.connect()
        number = await self.open(link, "sh", "-c", "stty raw -echo; echo ready; sleep 1; exec cat")
        await self.until(lambda: b"ready" in self.text(link, number))
        start = link.arena.head(0)
        paste = b"".join(b"%06d " % n for n in range(5_000))
        self.assertLess(link.type(number, 7, 0, paste), len(paste))
        self.assertGreater(link.queued(number), 0)
        self.assertEqual(link.type(number, 7, 0, paste), link.applied(number, 7))
        more = b"z" * MAX_QUEUED
        with self.assertRaises(Unavailable):
            link.type(number, 7, len(paste), more)
        self.assertLessEqual(link.queued(number), MAX_QUEUED)
        await self.until(lambda: link.arena.head(0) >= start + len(paste))
        self.assertEqual(self.text(link, number)[start:], paste)
        self.assertEqual((link.queued(number), link.applied(number, 7)), (0, len(paste)))
        self.assertIn(("applied", number, 7, len(paste)), self.happened)

    async def test_daemon_restarted(self) -> None:
        """The next daemon finds the terminals, and knows which input was typed."""
        first = self.link()
        await first.connect()
        number = await self.open(first, "cat")
        first.type(number, 7, 0, b"one\r")
        await self.until(lambda: first.arena.head(0) >= 10)
        first.stop()
        second = self.link()
        await second.connect()
        self.assertEqual(second.epoch, first.epoch)
        self.assertEqual([t.terminal for t in await second.list()], [number])
        await second.adopt(number)
        self.assertEqual(second.applied(number, 7), 4)
        self.assertEqual(second.type(number, 7, 0, b"one\rtwo\r"), 8)
        await self.until(lambda: second.arena.head(0) >= 20)
        self.assertEqual(self.text(second, number), b"one\r\none\r\ntwo\r\ntwo\r\n")

    async def test_keeper_killed(self) -> None:
        """When the keeper dies the link says so, fails what waits, and starts a new one."""
        link = self.link()
        await link.connect()
        number = await self.open(link, "cat")
        pid = (await link.list())[0].pid
        epoch, keeper = link.epoch, link.keeper_pid
        os.kill(keeper, signal.SIGKILL)
        with self.assertRaises(Unavailable):
            await link.list()
        await self.until(lambda: ("back",) in self.happened)
        self.assertEqual(self.happened[:2], [("lost",), ("back",)])
        self.assertNotEqual(link.epoch, epoch)
        self.assertEqual(await link.list(), ())
        self.assertRaises(NotFound, link.type, number, 7, 0, b"x")
        await self.until(lambda: not is_alive(pid))

    async def gone(self, count: int) -> None:
        """Wait until so many terminals are forgotten."""
        await self.until(lambda: sum(event[0] == "gone" for event in self.happened) == count)

    async def test_many(self) -> None:
        """Opening and closing leaves no descriptor in the daemon."""
        link = self.link()
        await link.connect()
        before = 0
        for round_ in range(21):
            numbers = [await self.open(link, "true") for _ in range(8)]
            for number in numbers:
                await link.close(number)
            await self.gone(8 * (round_ + 1))
            if not round_:
                # By now other tests' have been closed, too.
                gc.collect()
                before = len(os.listdir("/proc/self/fd"))
        self.assertEqual(len(os.listdir("/proc/self/fd")), before)
