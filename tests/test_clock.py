"""Tests of the monotonic clock of the reactor."""

from __future__ import annotations

import time

from twisted.internet.base import ReactorBase
from twisted.internet.task import LoopingCall
from twisted.trial.unittest import SynchronousTestCase

from gotwist.clock import install_monotonic

HOUR = 3600.0


class TimedReactor(ReactorBase):
    """Twisted's own machinery of timers, without any sockets."""

    def installWaker(self) -> None:
        """There is nothing to wake."""


class Times:
    """The two clocks of a machine: one can be set, the other only goes on."""

    def __init__(self) -> None:
        self.wall = 1_700_000_000.0
        self.monotonic = 50.0

    def read_wall(self) -> float:
        return self.wall

    def read_monotonic(self) -> float:
        return self.monotonic

    def pass_by(self, seconds: float) -> None:
        self.wall += seconds
        self.monotonic += seconds


class InstallMonotonicTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.times = Times()
        self.reactor = TimedReactor()
        self.reactor.seconds = self.times.read_wall
        self.fired: list[str] = []

    def install(self) -> None:
        install_monotonic(self.reactor, self.times.read_monotonic)

    def test_wall_clock_is_the_default(self) -> None:
        """Twisted follows the wall clock unless told otherwise, and so is fooled by it."""
        self.assertIsNot(ReactorBase.seconds, time.monotonic)
        self.reactor.callLater(HOUR, self.fired.append, "early")
        self.times.wall += 2 * HOUR
        self.reactor.runUntilCurrent()
        self.assertEqual(["early"], self.fired)

    def test_clock_set_forward(self) -> None:
        """A wall clock set two hours forward fires no timer."""
        self.install()
        self.reactor.callLater(HOUR, self.fired.append, "hour")
        self.times.wall += 2 * HOUR
        self.reactor.runUntilCurrent()
        self.assertEqual([], self.fired)
        self.times.pass_by(HOUR)
        self.reactor.runUntilCurrent()
        self.assertEqual(["hour"], self.fired)

    def test_clock_set_back(self) -> None:
        """A wall clock set two hours back stops no timer."""
        self.install()
        self.reactor.callLater(10, self.fired.append, "ten")
        self.times.wall -= 2 * HOUR
        self.times.pass_by(10)
        self.reactor.runUntilCurrent()
        self.assertEqual(["ten"], self.fired)

    def test_looping_call(self) -> None:
        """A periodic duty keeps its pace while the wall clock jumps."""
        self.install()
        loop = LoopingCall(self.fired.append, "round")
        loop.clock = self.reactor
        loop.start(30, now=False)
        self.times.wall += 2 * HOUR
        self.reactor.runUntilCurrent()
        self.assertEqual([], self.fired)
        self.times.wall -= 4 * HOUR
        for _ in range(3):
            self.times.pass_by(30)
            self.reactor.runUntilCurrent()
        self.assertEqual(["round"] * 3, self.fired)
        loop.stop()

    def test_pending_calls_keep_their_time(self) -> None:
        """Timers set before keep the time they have left, overdue ones fire at once."""
        self.reactor.callLater(100, self.fired.append, "pending")
        self.reactor.callLater(5, self.fired.append, "overdue")
        self.times.pass_by(10)
        self.install()
        self.reactor.runUntilCurrent()
        self.assertEqual(["overdue"], self.fired)
        self.times.pass_by(89)
        self.reactor.runUntilCurrent()
        self.assertEqual(["overdue"], self.fired)
        self.times.pass_by(1.5)
        self.reactor.runUntilCurrent()
        self.assertEqual(["overdue", "pending"], self.fired)

    def test_moved_calls_can_be_delayed(self) -> None:
        """A timer that was moved can be reset, delayed and cancelled as before."""
        call = self.reactor.callLater(100, self.fired.append, "moved")
        self.install()
        call.reset(20)
        self.times.pass_by(19)
        self.reactor.runUntilCurrent()
        self.assertEqual([], self.fired)
        self.times.pass_by(2)
        self.reactor.runUntilCurrent()
        self.assertEqual(["moved"], self.fired)

    def test_twice(self) -> None:
        """Doing it twice changes nothing."""
        self.install()
        self.reactor.callLater(10, self.fired.append, "ten")
        self.install()
        self.times.pass_by(10)
        self.reactor.runUntilCurrent()
        self.assertEqual(["ten"], self.fired)
