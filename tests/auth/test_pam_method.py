"""The password method pam: who is proven, what is asked, and how a refusal looks."""

from __future__ import annotations

from collections.abc import Coroutine, Sequence
from typing import TypeVar

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from gotwist.auth.conversation import Asking, PasswordMethod, Prompt, Proven, Question
from gotwist.auth.pam.checks import Accepted, Account, Asked, Check, Outcome, Refused
from gotwist.auth.pam.method import REFUSAL, PamMethod
from gotwist.auth.user import User
from gotwist.errors import Denied, Unavailable

T = TypeVar("T")
ALICE = Account("alice", 1000, ("alice", "staff"), {"account": "alice", "full_name": "Alice"})


class FakeTalk:
    """One question, and what becomes of its answers."""

    def __init__(self, outcome: Outcome) -> None:
        self.outcome = outcome
        self.answers: list[str] = []
        self.is_closed = False

    async def answer(self, texts: Sequence[str]) -> Outcome:
        self.answers += texts
        return self.outcome

    def close(self) -> None:
        self.is_closed = True


class FakeChecks:
    """Gives the same outcome for every password."""

    def __init__(self, outcome: Outcome | None) -> None:
        self.outcome = outcome
        self.checks: list[Check] = []

    async def check(self, check: Check) -> Outcome:
        self.checks.append(check)
        if self.outcome is None:
            raise Unavailable("Try again later.")
        return self.outcome


class MethodTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.codes: list[int] = []

    def method(
        self, outcome: Outcome | None, realm: str = "", *, allowed: bool = True
    ) -> PamMethod:
        self.checks = FakeChecks(outcome)
        return PamMethod(
            self.checks,
            service="login",
            realm=realm,
            may_use=lambda account: allowed,
            told=self.codes.append,
        )

    def run_(self, coroutine: Coroutine[Deferred[object], object, T]) -> Deferred[T]:
        return Deferred.fromCoroutine(coroutine)

    def test_is_a_method(self) -> None:
        """It is what the doors for passwords want."""
        method: PasswordMethod = self.method(Accepted(ALICE))
        self.assertEqual(method.name, "pam")

    def test_proven(self) -> None:
        """A right password proves the account, with its groups and what is known of it."""
        for realm, upn in (("", "alice"), ("example.org", "alice@example.org")):
            method = self.method(Accepted(ALICE), realm)
            step = self.successResultOf(self.run_(method.start("alice", "x", "192.0.2.1")))
            expected = User(upn, "pam", ALICE.attributes, ALICE.groups)
            self.assertEqual(step, Proven(expected))
            self.assertEqual(
                self.checks.checks, [Check("alice", "x", "login", "192.0.2.1", converses=True)]
            )

    def test_own_realm_may_be_typed(self) -> None:
        """Whoever types the whole name means the same account; another realm is another name."""
        method = self.method(Accepted(ALICE), "example.org")
        self.run_(method.start("alice@example.org", "x", ""))
        self.run_(method.start("alice@example.com", "x", ""))
        self.assertEqual(
            [check.user for check in self.checks.checks], ["alice", "alice@example.com"]
        )

    def test_ticket(self) -> None:
        """A ticket of somebody with more rights is handed on, and never printed."""
        method = self.method(Accepted(Account("alice", ticket="t1cket")))
        step = self.successResultOf(self.run_(method.start("alice", "x", "")))
        assert isinstance(step, Proven)
        self.assertEqual(step.ticket, "t1cket")
        self.assertNotIn("t1cket", repr(step))

    def test_refused(self) -> None:
        """Wrong, impossible, not usable here, not nameable: one text for all."""
        odd = Account("al/ice", 1000)
        for method, user, password in (
            (self.method(Refused(7)), "alice", "x"),
            (self.method(Accepted(ALICE)), "alice", ""),
            (self.method(Accepted(ALICE)), "alice\r", "x"),
            (self.method(Accepted(ALICE)), "Alice", "x"),
            (self.method(Accepted(ALICE)), "alice", "x" * 1025),
            (self.method(Accepted(ALICE), allowed=False), "alice", "x"),
            (self.method(Accepted(odd)), "alice", "x"),
        ):
            refused = self.run_(method.start(user, password, ""))
            self.assertEqual(self.failureResultOf(refused, Denied).value.message, REFUSAL)
        self.assertEqual(self.codes, [7])

    def test_not_now(self) -> None:
        """What cannot be judged is told at once, and is no refusal."""
        self.failureResultOf(self.run_(self.method(None).start("alice", "x", "")), Unavailable)

    def test_asked(self) -> None:
        """What PAM asks is asked, prompt by prompt, until it is content."""
        last = FakeTalk(Accepted(ALICE))
        first = FakeTalk(Asked(((True, "New:"), (True, "Again:")), (), last))
        method = self.method(Asked(((False, "Code:"),), ("Expired.",), first))
        step = self.successResultOf(self.run_(method.start("alice", "x", "")))
        assert isinstance(step, Asking)
        self.assertEqual(step.question, Question((Prompt("Code:", False),), ("Expired.",)))
        step = self.successResultOf(self.run_(self.answer(step, "123")))
        assert isinstance(step, Asking)
        step = self.successResultOf(self.run_(self.answer(step, "a", "")))
        self.assertIsInstance(step, Proven)
        self.assertEqual((first.answers, last.answers), (["123"], ["a", ""]))

    async def answer(self, step: Asking, *texts: str) -> Proven | Asking:
        return await step.conversation.answer(texts)

    def test_wrong_answer(self) -> None:
        """A wrong answer is refused like a wrong password."""
        method = self.method(Asked(((True, "Code:"),), (), FakeTalk(Refused(7))))
        step = self.successResultOf(self.run_(method.start("alice", "x", "")))
        assert isinstance(step, Asking)
        refused = self.failureResultOf(self.run_(self.answer(step, "123")), Denied)
        self.assertEqual(refused.value.message, REFUSAL)

    def test_odd_answers(self) -> None:
        """Answers that nobody asked for, or that no prompt can take, end the conversation."""
        for texts in ((), ("a", "b"), ("a\0b",), ("x" * 1025,), ("\ud800",)):
            talk = FakeTalk(Accepted(ALICE))
            method = self.method(Asked(((True, "Code:"),), (), talk))
            step = self.successResultOf(self.run_(method.start("alice", "x", "")))
            assert isinstance(step, Asking)
            self.failureResultOf(self.run_(self.answer(step, *texts)), Denied)
            self.assertEqual((talk.is_closed, talk.answers), (True, []))

    def test_close(self) -> None:
        """Giving up is passed on to PAM."""
        talk = FakeTalk(Refused(7))
        method = self.method(Asked(((True, "Code:"),), (), talk))
        step = self.successResultOf(self.run_(method.start("alice", "x", "")))
        assert isinstance(step, Asking)
        step.conversation.close()
        self.assertTrue(talk.is_closed)
