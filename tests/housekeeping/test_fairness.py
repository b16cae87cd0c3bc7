"""Tests of threads that are shared fairly."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TypeVar

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from gotwist.errors import Unavailable
from gotwist.housekeeping.fairness.service import FairThreads

T = TypeVar("T")


class SlowThreads(FairThreads):
    """Threads whose work is done when the test says so."""

    def __init__(self, most_waiting: int = 128) -> None:
        super().__init__(Clock(), "test", most=2, most_waiting=most_waiting)  # type: ignore[arg-type]
        self.work: list[Callable[[], None]] = []

    def run(self, function: Callable[[], T], /) -> Deferred[T]:
        done: Deferred[T] = Deferred()

        def finish() -> None:
            try:
                result = function()
            except ArithmeticError as failure:
                done.errback(failure)
            else:
                done.callback(result)

        self.work.append(finish)
        return done

    def finish(self) -> None:
        """Let the one that began first be done."""
        self.work.pop(0)()


class FairnessTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.done: list[str] = []
        self.threads = SlowThreads()

    def ask(self, who: str, what: str) -> Deferred[None]:
        return self.threads.run_for(who, lambda: self.done.append(what))

    def finish(self) -> None:
        while self.threads.work:
            self.threads.finish()

    def test_in_turn(self) -> None:
        """Who asks for much waits for himself; who asks once after him comes soon."""
        for number in range(6):
            self.ask("guesser", f"g{number}")
        self.ask("anna", "a0")
        self.ask("bob", "b0")
        self.ask("anna", "a1")
        self.finish()
        self.assertEqual(self.done, ["g0", "g1", "g2", "a0", "b0", "g3", "a1", "g4", "g5"])

    def test_at_once(self) -> None:
        """No more than the threads there are work at the same time."""
        for number in range(5):
            self.ask("anna", str(number))
        self.assertEqual((len(self.threads.work), self.threads.waiting), (2, 3))

    def test_results(self) -> None:
        """Everybody gets the own result or failure, and a failure stops nobody."""
        good = [self.threads.run_for("a", partial(int, number)) for number in range(3)]
        bad = self.threads.run_for("b", lambda: 1 // 0)
        after = self.threads.run_for("c", lambda: "c")
        self.finish()
        self.assertEqual([self.successResultOf(one) for one in good], [0, 1, 2])
        self.failureResultOf(bad, ZeroDivisionError)
        self.assertEqual(self.successResultOf(after), "c")

    def test_cancelled(self) -> None:
        """Who leaves while waiting costs nothing more; who leaves later makes no room early."""
        first = self.ask("a", "first")
        self.ask("a", "second")
        third = self.ask("a", "third")
        self.ask("a", "fourth")
        third.cancel()
        self.failureResultOf(third, CancelledError)
        first.cancel()
        self.failureResultOf(first, CancelledError)
        self.assertEqual((len(self.threads.work), self.threads.waiting), (2, 1))
        self.finish()
        self.assertEqual(self.done, ["first", "second", "fourth"])

    def test_full(self) -> None:
        """When too much waits, whoever has most waiting loses the last; others are heard."""
        self.threads = SlowThreads(most_waiting=4)
        guesses = [self.ask("guesser", f"g{number}") for number in range(6)]
        refused = self.ask("guesser", "g6")
        self.failureResultOf(refused, Unavailable)
        self.ask("anna", "a0")
        self.failureResultOf(guesses[5], Unavailable)
        self.assertEqual(self.threads.waiting, 4)
        self.finish()
        self.assertEqual(self.done, ["g0", "g1", "g2", "a0", "g3", "g4"])
