"""Tests of what stands before every password: the form, the limits, the time of refusals."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock, deferLater
from twisted.trial.unittest import SynchronousTestCase

from gotwist.auth.attempts import Attempts
from gotwist.auth.conversation import Asking, PasswordMethod, Prompt, Proven, Question, Step
from gotwist.auth.credentials import PasswordCredentials
from gotwist.auth.guard import Guard, TooManyFailures
from gotwist.auth.passwords import PasswordChecker, is_plausible
from gotwist.auth.user import User
from gotwist.errors import Denied, Unavailable

HERE = "192.0.2.1"


class Pin:
    """Asks for a second text."""

    async def answer(self, texts: Sequence[str]) -> Step:
        if list(texts) != ["1234"]:
            raise Denied("pin")
        return Proven(User("anna", "fake"))

    def close(self) -> None:
        """Nothing is held."""


@dataclass
class Fake:
    """A method that knows one password."""

    password: str
    name: str = "fake"
    asked: list[str] = field(default_factory=list)
    is_down: bool = False
    before: Callable[[], Awaitable[object]] | None = None

    async def start(self, user: str, password: str, peer: str) -> Step:
        self.asked.append(user)
        if self.before is not None:
            await self.before()
        if self.is_down:
            raise Unavailable("down")
        if password == f"{self.password}+":
            return Asking(Question((Prompt("PIN", True),)), Pin())
        if password != self.password:
            raise Denied("wrong")
        return Proven(User(user, self.name))


class CheckerCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.first, self.second = Fake("one", "first"), Fake("two", "second")
        self.attempts = Attempts()
        self.checker = self.make(self.first, self.second)

    def make(self, *methods: PasswordMethod) -> PasswordChecker:
        guard = Guard(
            self.attempts,
            self.clock.seconds,
            lambda delay_s: deferLater(self.clock, delay_s),
            lambda: 1.5,
        )
        return PasswordChecker(methods, guard)

    def offer(self, password: str, user: str = "anna", peer: str = HERE) -> Deferred[Step]:
        return Deferred.fromCoroutine(self.checker(PasswordCredentials(user, password), peer))

    def accept(self, password: str, user: str = "anna") -> Proven:
        step = self.successResultOf(self.offer(password, user))
        assert isinstance(step, Proven)
        return step

    def refused_after(self, waiting: Deferred[Step]) -> float:
        """How long a refusal takes."""
        began = self.clock.seconds()
        for _ in range(400):
            if waiting.called:
                self.failureResultOf(waiting, Denied)
                return self.clock.seconds() - began
            self.clock.advance(0.125)
        raise AssertionError("no answer")


class CheckerTests(CheckerCase):
    def test_right(self) -> None:
        """A right password is answered at once, by whichever method knows it."""
        self.assertEqual(self.accept("one").user.method, "first")
        self.assertEqual(self.accept("two").user.method, "second")

    def test_wrong(self) -> None:
        """A refusal leaves one to two seconds after the request, whatever was wrong."""
        for password, user in (("no", "anna"), ("one", "an:na"), ("", "anna"), ("x" * 2000, "a")):
            self.assertEqual(self.refused_after(self.offer(password, user)), 1.5)

    def test_slow_method(self) -> None:
        """The time of a slow method is part of the refusal's, not added to it."""
        self.first.before = lambda: deferLater(self.clock, 1.0)
        self.assertEqual(self.refused_after(self.offer("no")), 1.5)
        self.first.before = lambda: deferLater(self.clock, 3.0)
        self.assertEqual(self.refused_after(self.offer("no")), 3.0)

    def test_nobody_waits(self) -> None:
        """A right password is answered at once while wrong ones wait for their refusal."""
        waiting = [self.offer("no") for _ in range(10)]
        self.accept("one")
        self.assertFalse(any(refusal.called for refusal in waiting))
        self.clock.pump([1.0] * 40)
        for refusal in waiting:
            self.failureResultOf(refusal, Denied)

    def test_implausible(self) -> None:
        """What cannot be a name or a password is shown to no method."""
        for user, password in (
            ("", "x"),
            ("an na", "x"),
            ("-anna", "x"),
            ("anna\r", "x"),
            ("../anna", "x"),
            ("a..b", "x"),
            ("ä", "x"),
            ("a" * 65, "x"),
            ("anna", ""),
            ("anna", "a\rb"),
            ("anna", "a\nb"),
            ("anna", "a\0b"),
            ("anna", "\ud800"),
            ("anna", "x" * 1025),
        ):
            self.assertFalse(is_plausible(PasswordCredentials(user, password)), (user, password))
            self.offer(password, user, peer=f"198.51.100.{len(user)}").addErrback(lambda _: None)
        self.clock.pump([1.0] * 40)
        self.assertEqual(self.first.asked + self.second.asked, [])
        for user in ("anna", "Anna", "_a", "anna@example.org", "a" * 64):
            self.assertTrue(is_plausible(PasswordCredentials(user, "p ä$\u2028")), user)

    def test_one_method_is_down(self) -> None:
        """One method's no is no answer while another one cannot speak; its yes is one."""
        self.first.is_down = True
        self.assertEqual(self.accept("two").user.method, "second")
        self.failureResultOf(self.offer("no"), Unavailable)
        self.assertEqual(self.refused_after_recovery(), 1.5)

    def refused_after_recovery(self) -> float:
        self.first.is_down = False
        return round(self.refused_after(self.offer("no")), 1)

    def test_too_many(self) -> None:
        """After too many failures a method is not even asked, be the password right."""
        for number in range(20):
            self.offer("no", f"user{number}").addErrback(lambda _: None)
        self.clock.pump([1.0] * 40)
        self.first.asked.clear()
        self.failureResultOf(self.offer("one"), TooManyFailures)
        self.assertEqual(self.first.asked, [])
        self.assertIsInstance(self.successResultOf(self.offer("one", peer="192.0.2.9")), Proven)

    def test_slower_and_slower(self) -> None:
        """The sixth failure takes twice as long, and a success ends that."""
        delays = [round(self.refused_after(self.offer("no")), 1) for _ in range(7)]
        self.assertEqual(delays, [1.5] * 5 + [3.0, 6.0])
        self.accept("one")
        self.assertEqual(self.refused_after(self.offer("no")), 1.5)

    def test_question(self) -> None:
        """A wrong answer to a question is a refusal like any other; a right one clears."""
        for _ in range(5):
            step = self.successResultOf(self.offer("one+"))
            assert isinstance(step, Asking)
            answering = Deferred.fromCoroutine(self.answer(step, "0000"))
            self.assertEqual(self.refused_after(answering), 1.5)
        step = self.successResultOf(self.offer("one+"))
        assert isinstance(step, Asking)
        slow = Deferred.fromCoroutine(self.answer(step, "0000"))
        self.assertEqual(self.refused_after(slow), 3.0)
        step = self.successResultOf(self.offer("one+"))
        assert isinstance(step, Asking)
        self.successResultOf(Deferred.fromCoroutine(self.answer(step, "1234")))
        self.assertEqual(self.refused_after(self.offer("no")), 1.5)

    async def answer(self, asking: Asking, text: str) -> Step:
        return await asking.conversation.answer([text])
