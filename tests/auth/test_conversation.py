"""Tests of how the authenticator leads through several steps and factors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from gotwist.auth.authenticator import Authenticator, Checker, SecondFactor
from gotwist.auth.conversation import Asking, MoreAsked, Prompt, Proven, Question, Step
from gotwist.auth.credentials import ApiCredentials, Credentials, PasswordCredentials
from gotwist.auth.signins import SignIn, SignIns
from gotwist.auth.user import User
from gotwist.errors import Denied

ANNA = User("anna", "file", {"mail": "anna@example.org"}, ("staff",))
HERE = "192.0.2.1"


class Expect:
    """Asks for one text, and then gives a step."""

    def __init__(self, text: str, step: Step) -> None:
        self._text, self._step = text, step

    async def answer(self, texts: Sequence[str]) -> Step:
        if list(texts) != [self._text]:
            raise Denied(f"not {self._text}")
        return self._step

    def close(self) -> None:
        """Nothing is held."""


def ask(text: str, step: Step) -> Asking:
    return Asking(Question((Prompt(f"{text}: ", True),)), Expect(text, step))


async def check_password(credentials: Credentials, peer: str) -> Step:
    assert isinstance(credentials, PasswordCredentials)
    proven = Proven(ANNA, "ticket-1")
    steps: dict[str, Step] = {"good": proven, "two": ask("pin", ask("again", proven))}
    if credentials.password not in steps:
        raise Denied("wrong password")
    return steps[credentials.password]


async def second(proven: Proven, peer: str) -> Step:
    more = replace(proven, user=replace(proven.user, groups=(*proven.user.groups, "sure")))
    return ask("code", more)


class StepsTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.signins = SignIns("secret", lambda: 1e9)

    def make(self, second_factor: SecondFactor | None = None) -> Authenticator:
        checkers: dict[type, Checker] = {PasswordCredentials: check_password}
        return Authenticator(checkers, self.signins, second_factor)

    def start(self, authenticator: Authenticator, password: str, *answers: str) -> Deferred[SignIn]:
        """Begin with a password, and give one answer to each question."""

        async def run() -> SignIn:
            working = authenticator.authenticate(PasswordCredentials("anna", password), HERE)
            for text in answers:
                try:
                    await working
                except MoreAsked as more:
                    working = authenticator.go_on(more.asking.conversation, [text], HERE)
            return await working

        return Deferred.fromCoroutine(run())

    def enter(self, authenticator: Authenticator, password: str, *answers: str) -> SignIn:
        return self.successResultOf(self.start(authenticator, password, *answers))

    def refuse(self, authenticator: Authenticator, password: str, *answers: str) -> Denied:
        refused = self.failureResultOf(self.start(authenticator, password, *answers), Denied)
        assert isinstance(refused.value, Denied)
        return refused.value

    def test_one_step(self) -> None:
        """Whom a method has proven gets a sign-in that knows where it was made."""
        sign_in = self.enter(self.make(), "good")
        self.assertEqual((sign_in.user, sign_in.address, sign_in.ticket), (ANNA, HERE, "ticket-1"))
        self.assertNotIn("ticket-1", repr(sign_in))

    def test_several_steps(self) -> None:
        """A method may ask as often as it wants; a wrong answer ends it."""
        self.assertEqual(self.enter(self.make(), "two", "pin", "again").user, ANNA)
        refused = self.refuse(self.make(), "two", "pin", "wrong")
        self.assertNotIsInstance(refused, MoreAsked)
        self.assertEqual(refused.message, "Please sign in.")

    def test_door_that_cannot_ask(self) -> None:
        """For a door that cannot ask, a question is a refusal."""
        self.refuse(self.make(), "two")
        self.assertEqual(len(self.signins), 0)

    def test_second_factor(self) -> None:
        """The second factor is asked once, after the last step of the first."""
        self.assertIn("sure", self.enter(self.make(second), "good", "code").user.groups)
        self.assertIn(
            "sure", self.enter(self.make(second), "two", "pin", "again", "code").user.groups
        )
        for answers in (("wrong",), ()):
            self.refuse(self.make(second), "good", *answers)
        self.assertEqual(len(self.signins), 2)

    def test_second_factor_of_pages(self) -> None:
        """Somebody proven by a method's own pages is asked for the second factor too."""
        arriving = Deferred.fromCoroutine(self.make(second).arrive(Proven(ANNA), HERE))
        self.failureResultOf(arriving, MoreAsked)
        sign_in = self.successResultOf(
            Deferred.fromCoroutine(self.make().arrive(Proven(ANNA), HERE))
        )
        self.assertEqual(sign_in.user, ANNA)

    def test_credentials_without_checker(self) -> None:
        """Credentials of a method that is not on are refused."""
        working = self.make().authenticate(ApiCredentials({}), HERE)
        self.failureResultOf(Deferred.fromCoroutine(working), Denied)
