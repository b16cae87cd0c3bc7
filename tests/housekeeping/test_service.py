"""Tests of the service that runs chores."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar, cast

from twisted.internet.defer import Deferred, succeed
from twisted.internet.task import Clock
from twisted.logger import ILogObserver, LogEvent, LogLevel, globalLogPublisher
from twisted.trial.unittest import SynchronousTestCase

from gotwist.housekeeping.chores import Chore, Record
from gotwist.housekeeping.service import ChoresService, PrivateThreads

T = TypeVar("T")


class FakeThreads:
    def __init__(self) -> None:
        self.calls = 0

    def run(self, function: Callable[[], T], /) -> Deferred[T]:
        self.calls += 1
        return succeed(function())


class ChoresTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.threads = FakeThreads()
        self.rounds: list[float] = []
        self.events: list[LogEvent] = []
        observer = cast(ILogObserver, self.events.append)
        globalLogPublisher.addObserver(observer)
        self.addCleanup(globalLogPublisher.removeObserver, observer)

    def round(self) -> None:
        self.rounds.append(self.clock.seconds())

    def start(self, *chores: Chore) -> ChoresService:
        service = ChoresService(self.clock, chores, self.threads.run)
        service.startService()
        self.addCleanup(service.stopService)
        return service

    def test_rounds(self) -> None:
        """A chore runs at its interval, for the first time after one."""
        self.start(Chore("sweep", 30, self.round))
        self.clock.pump([10] * 10)
        self.assertEqual([30, 60, 90], self.rounds)

    def test_several(self) -> None:
        """Chores run independently of each other."""
        others: list[float] = []
        self.start(Chore("a", 30, self.round), Chore("b", 20, lambda: others.append(0)))
        self.clock.pump([10] * 6)
        self.assertEqual((2, 3), (len(self.rounds), len(others)))

    def test_failure(self) -> None:
        """A failing chore is logged once and runs again; others do not notice."""
        broken = True

        def fail() -> None:
            if broken:
                raise RuntimeError("no")

        service = self.start(Chore("bad", 10, fail), Chore("good", 10, self.round))
        self.clock.pump([10] * 3)
        self.assertEqual(1, len(self.flushLoggedErrors(RuntimeError)))
        self.assertEqual(Record(3, 3, 3, 0.0), service.records["bad"])
        self.assertEqual(3, len(self.rounds))
        broken = False
        self.clock.advance(10)
        self.assertEqual(Record(4, 3, 0, 0.0), service.records["bad"])
        told = [event for event in self.events if event["log_level"] is LogLevel.info]
        self.assertEqual([3], [event["failures"] for event in told if "failures" in event])

    def test_failing_coroutine(self) -> None:
        """A coroutine that fails after waiting is a failed round like any other."""
        waiting: list[Deferred[None]] = []

        async def wait() -> None:
            waiting.append(Deferred())
            await waiting[-1]

        service = self.start(Chore("slow", 10, wait))
        self.clock.advance(10)
        self.clock.advance(4)
        waiting[0].errback(RuntimeError("late"))
        self.assertEqual(1, len(self.flushLoggedErrors(RuntimeError)))
        self.assertEqual(Record(1, 1, 1, 4.0, 4.0), service.records["slow"])
        self.clock.advance(10)
        self.assertEqual(2, len(waiting))

    def test_no_overlap(self) -> None:
        """A round that takes long is not joined by a second one."""
        waiting: list[Deferred[None]] = []

        def wait() -> Deferred[None]:
            waiting.append(Deferred())
            return waiting[-1]

        self.start(Chore("slow", 10, wait))
        self.clock.pump([10] * 5)
        self.assertEqual(1, len(waiting))
        waiting[0].callback(None)
        self.clock.advance(10)
        self.assertEqual(2, len(waiting))

    def test_blocking(self) -> None:
        """A chore that waits for the disk is called in a thread, the others are not."""
        self.start(Chore("disk", 10, self.round, blocking=True), Chore("quick", 10, self.round))
        self.clock.advance(10)
        self.assertEqual((1, 2), (self.threads.calls, len(self.rounds)))

    def test_changed_interval(self) -> None:
        """A changed interval counts from the next pause on."""
        interval = 10.0
        self.start(Chore("sweep", lambda: interval, self.round))
        self.clock.advance(10)
        interval = 20.0
        self.clock.advance(10)
        self.rounds.clear()
        self.clock.pump([10] * 4)
        self.assertEqual(2, len(self.rounds))

    def test_refresh(self) -> None:
        """A changed interval can be applied at once, without waiting out the long pause."""
        interval = 3600.0
        service = self.start(Chore("sweep", lambda: interval, self.round))
        self.clock.advance(1)
        interval = 10.0
        service.refresh()
        self.clock.advance(10)
        self.assertEqual(1, len(self.rounds))

    def test_refresh_during_a_round(self) -> None:
        """A refresh during a round does not start a second one."""
        waiting: list[Deferred[None]] = []

        def wait() -> Deferred[None]:
            waiting.append(Deferred())
            return waiting[-1]

        interval = 100.0
        service = self.start(Chore("slow", lambda: interval, wait))
        self.clock.advance(100)
        interval = 10.0
        service.refresh()
        self.clock.advance(50)
        self.assertEqual(1, len(waiting))
        waiting[0].callback(None)
        self.clock.advance(10)
        self.assertEqual(2, len(waiting))

    def test_unknown_interval(self) -> None:
        """An interval that cannot be told leaves the old one in force."""
        broken = False

        def interval() -> float:
            if broken:
                raise RuntimeError("no")
            return 10.0

        self.start(Chore("sweep", interval, self.round))
        broken = True
        self.clock.pump([10] * 3)
        self.assertEqual(3, len(self.rounds))
        self.assertEqual(3, len(self.flushLoggedErrors(RuntimeError)))

    def test_stop(self) -> None:
        """After the stop nothing runs, and no timer is left."""
        service = ChoresService(self.clock, [Chore("sweep", 10, self.round)], self.threads.run)
        service.startService()
        self.clock.advance(10)
        service.stopService()
        self.assertEqual([], self.clock.getDelayedCalls())
        service.startService()
        self.clock.advance(10)
        self.assertEqual(2, len(self.rounds))
        service.stopService()

    def test_stop_during_a_round(self) -> None:
        """A stop during a round lets it end and starts no other."""
        waiting: Deferred[None] = Deferred()
        service = ChoresService(self.clock, [Chore("slow", 10, lambda: waiting)], self.threads.run)
        service.startService()
        self.clock.advance(10)
        service.stopService()
        waiting.callback(None)
        self.assertEqual([], self.clock.getDelayedCalls())

    def test_names(self) -> None:
        """Two chores of one name are a mistake."""
        chore = Chore("a", 1, self.round)
        self.assertRaises(ValueError, ChoresService, self.clock, [chore, chore], self.threads.run)


class QueueReactor:
    """The part of a reactor to which threads hand their results."""

    def __init__(self) -> None:
        self.arrived = threading.Semaphore(0)
        self.calls: list[Callable[[], object]] = []

    def callFromThread(
        self, function: Callable[..., object], *args: object, **named: object
    ) -> None:
        self.calls.append(lambda: function(*args, **named))
        self.arrived.release()


class PrivateThreadsTests(SynchronousTestCase):
    def test_in_a_thread(self) -> None:
        """A blocking function runs in a thread of its own, its result comes to the reactor."""
        reactor = QueueReactor()
        threads = PrivateThreads(reactor, "test")  # type: ignore[arg-type]
        threads.startService()
        self.addCleanup(threads.stopService)
        result = threads.run(threading.get_ident)
        self.assertNoResult(result)
        self.assertTrue(reactor.arrived.acquire(timeout=30))
        reactor.calls.pop()()
        self.assertNotEqual(threading.get_ident(), self.successResultOf(result))
