"""Tests of what the pure gateway is given of the reactor."""

from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.logger import ILogObserver, LogEvent, eventAsText, globalLogPublisher
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer

from gotwist.gateway.websocket.echo import build_site
from gotwist.gateway.websocket.outside import EventLog, ReactorClock, spawn


class ClockTests(SynchronousTestCase):
    """Time comes from the reactor it was given."""

    def test_timer(self) -> None:
        """A timer rings once; cancelling it is harmless at any time."""
        reactor = Clock()
        clock = ReactorClock(reactor, lambda: 7.0)
        rung: list[float] = []
        timer = clock.call_later(5, lambda: rung.append(clock.now()))
        clock.call_later(5, lambda: rung.append(0)).cancel()
        reactor.advance(5)
        timer.cancel()
        timer.cancel()
        self.assertEqual((rung, clock.wall_now()), ([5.0], 7.0))


class SpawnTests(SynchronousTestCase):
    """Coroutines run as far as they can."""

    def test_cancelled(self) -> None:
        """Cancelling ends one that waits, and is no failure."""
        wait: Deferred[None] = Deferred()
        steps: list[str] = []

        async def work() -> None:
            steps.append("begun")
            await wait
            steps.append("never")

        spawn(work()).cancel()
        self.assertEqual(steps, ["begun"])
        self.assertEqual(self.flushLoggedErrors(), [])

    def test_failed(self) -> None:
        """One that fails is in the log."""

        async def work() -> None:
            raise RuntimeError("no")

        spawn(work())
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)


class LogTests(SynchronousTestCase):
    """What the operator reads."""

    def test_forging(self) -> None:
        """Text from outside cannot forge a line, nor break the format."""
        lines: list[str] = []

        @implementer(ILogObserver)
        def observer(event: LogEvent) -> None:
            lines.append(eventAsText(event))

        globalLogPublisher.addObserver(observer)
        self.addCleanup(globalLogPublisher.removeObserver, observer)
        EventLog().info("client closed", reason="x\n2026 forged {0} {reason}")
        id = EventLog().failure("action failed", RuntimeError("no"), action="a\nb")
        self.flushLoggedErrors(RuntimeError)
        self.assertNotIn("\n", lines[0])
        self.assertIn("client closed reason='x\\n2026 forged {0} {reason}'", lines[0])
        self.assertIn(id, lines[1])


class EchoTests(SynchronousTestCase):
    """The echo door."""

    def test_site(self) -> None:
        """It is built on the reactor it is given, and starts nothing by itself."""
        reactor = Clock()
        build_site(reactor)
        self.assertEqual(reactor.getDelayedCalls(), [])
