"""Tests of the rounds that stand for thousands of timers."""

from __future__ import annotations

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from gotwist.gateway.rounds import PARTS, Rounds
from gotwist.gateway.websocket.outside import ReactorClock


class RoundsTests(SynchronousTestCase):
    """Each is visited once in an interval."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.visited: list[str] = []
        self.rounds: Rounds[str] = Rounds(ReactorClock(self.clock), 60.0, self.visit)

    def visit(self, member: str) -> None:
        """Note it."""
        self.visited.append(member)

    def pass_seconds(self, count: int) -> None:
        """Let time pass, second by second."""
        for _ in range(count):
            self.clock.advance(1)

    def test_intervals(self) -> None:
        """Nobody is visited early, and everybody once in each interval."""
        self.rounds.add("a")
        self.pass_seconds(30)
        self.rounds.add("b")
        self.pass_seconds(27)
        self.assertEqual(self.visited, [])
        self.pass_seconds(3)
        self.assertEqual(self.visited, ["a"])
        self.pass_seconds(30)
        self.assertEqual(self.visited, ["a", "b"])
        self.pass_seconds(60)
        self.assertEqual(self.visited, ["a", "b", "a", "b"])

    def test_one_timer(self) -> None:
        """However many there are, one timer runs, and none for nobody."""
        self.assertEqual(self.clock.getDelayedCalls(), [])
        for number in range(1_000):
            self.rounds.add(str(number))
        self.assertEqual(len(self.clock.getDelayedCalls()), 1)
        for number in range(1_000):
            self.rounds.remove(str(number))
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.rounds.add("again")
        self.pass_seconds(60)
        self.assertEqual(self.visited, ["again"])

    def test_removed(self) -> None:
        """Who has been removed is not visited; to remove a stranger is no error."""
        self.rounds.add("a")
        self.rounds.add("b")
        self.rounds.remove("a")
        self.rounds.remove("stranger")
        self.pass_seconds(60)
        self.assertEqual(self.visited, ["b"])

    def test_change_during_visit(self) -> None:
        """A visit may remove its own member and others."""
        rounds: Rounds[str] = Rounds(ReactorClock(self.clock), 60.0, lambda one: clear(one))

        def clear(one: str) -> None:
            self.visited.append(one)
            for member in "ab":
                rounds.remove(member)

        rounds.add("a")
        rounds.add("b")
        self.pass_seconds(60)
        self.assertEqual(len(self.visited), 1)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_fault(self) -> None:
        """A visit that fails is told, keeps nobody from being visited, and ends nothing."""

        def fail(one: str) -> None:
            self.visited.append(one)
            raise KeyError(one)

        rounds: Rounds[str] = Rounds(ReactorClock(self.clock), 60.0, fail)
        rounds.add("a")
        rounds.add("b")
        for number in (1, 2):
            self.pass_seconds(57)
            self.assertRaises(KeyError, self.pass_seconds, 3)
            self.assertEqual(sorted(self.visited), sorted("ab" * number))

    def test_late(self) -> None:
        """After a long sleep of the machine nobody is visited twice in a row."""
        self.rounds.add("a")
        self.clock.advance(3_600)
        self.assertEqual(self.visited, ["a"])
        self.pass_seconds(60)
        self.assertEqual(self.visited, ["a", "a"])

    def test_spread(self) -> None:
        """Those who came at different times are visited at different times."""
        for number in range(PARTS):
            self.rounds.add(str(number))
            self.clock.advance(3)
        self.visited.clear()
        self.clock.advance(3)
        self.assertEqual(len(self.visited), 1)
