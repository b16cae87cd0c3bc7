"""Tests of what is asked while somebody signs in over the WebSocket."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from gotwist.applications.go.questions import MAX_QUESTIONS
from gotwist.auth.authenticator import build_authenticator
from gotwist.auth.conversation import Asking, Prompt, Proven, Question, Step
from gotwist.auth.credentials import ApiCredentials, Credentials
from gotwist.auth.user import User
from gotwist.errors import Denied
from gotwist.gateway.client import GatewayClient
from tests.gateway.support import MemoryConnection, World, say


class QuestionsTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.closed = 0
        self.world = World(method="token")
        self.world.house.authenticator = build_authenticator(
            ("token", "api"),
            self.world.signins,
            self.world.tokens,
            lambda: 0.0,
            more={ApiCredentials: self.check},
            second_factor=self.second,
        )
        self.client, self.connection = self.world.connect()

    async def check(self, credentials: Credentials, peer: str) -> Step:
        assert isinstance(credentials, ApiCredentials)
        return Proven(User(str(credentials.fields["upn"]), "api"))

    async def second(self, proven: Proven, peer: str) -> Step:
        question = Question((Prompt("Code", False), Prompt("PIN", True)), ("Hello.",))
        return Asking(question, Code(self, proven))

    def ask(self, name: str, value: object) -> list[tuple[str, Any]]:
        """All that is said to an action."""
        say(self.client, name, value)
        return list(self.connection.messages())

    def begin(self) -> Any:
        ((name, question),) = self.ask(
            "go:authenticate", {"auth": {"upn": "anna"}, "location": "work"}
        )
        self.assertEqual(name, "go:question")
        return question

    def test_asked(self) -> None:
        """A second factor is asked of who has no page, and its right answer signs in."""
        question = self.begin()
        self.assertEqual(question["messages"], ["Hello."])
        self.assertEqual(
            question["prompts"],
            [{"text": "Code", "hidden": False}, {"text": "PIN", "hidden": True}],
        )
        self.assertIsNone(self.client.user)
        told = self.ask("go:answer", ["123456", "99"])
        self.assertIn(("go:set_username", "anna"), told)
        self.assertEqual(self.client.location, "work")
        self.assertEqual(self.closed, 0)

    def test_wrong(self) -> None:
        """A wrong answer, or another number of them, is a refusal; it begins anew."""
        for texts in (["123456", "0"], ["123456"], [], ["123456", "99", ""]):
            self.begin()
            self.assertEqual(self.ask("go:answer", texts), [("go:reauthenticate", True)])
        self.assertEqual(self.closed, 3)
        self.assertIsNone(self.client.user)

    def test_once(self) -> None:
        """A question is answered once; without one there is nothing to answer."""
        for _ in range(2):
            ((name, error),) = self.ask("go:answer", ["123456", "99"])
            self.assertEqual((name, error["code"]), ("go:error", "not_found"))
            self.begin()
            self.ask("go:answer", ["0", "0"])

    def test_malformed(self) -> None:
        """Answers are a short list of short texts."""
        self.begin()
        bad: tuple[object, ...] = ("123456", [1], ["x" * 1025], ["x"] * 17, None, {})
        for value in bad:
            ((_, error),) = self.ask("go:answer", value)
            self.assertEqual(error["code"], "malformed")
        self.assertIn(("go:set_username", "anna"), self.ask("go:answer", ["123456", "99"]))

    def test_time(self) -> None:
        """Who is asked gets three minutes to answer, and not more."""
        self.begin()
        self.world.clock.advance(179)
        self.assertIsNone(self.connection.closed_with)
        self.world.clock.advance(2)
        assert self.connection.closed_with is not None
        self.assertEqual(self.connection.closed_with[0], 4408)
        self.assertEqual(self.closed, 1)

    def test_stranger_gets_no_time(self) -> None:
        """Who has proven nothing gets no longer than before."""
        self.ask("go:answer", ["123456", "99"])
        self.world.clock.advance(16)
        self.assertIsNotNone(self.connection.closed_with)

    def test_over_and_over(self) -> None:
        """Beginning anew for ever holds neither connection nor conversations."""
        for _ in range(MAX_QUESTIONS):
            self.begin()
        self.assertEqual(self.closed, MAX_QUESTIONS - 1)
        told = self.ask("go:authenticate", {"auth": {"upn": "anna"}})
        self.assertEqual(told, [("go:reauthenticate", True)])
        self.assertEqual(self.closed, MAX_QUESTIONS + 1)

    def test_gone(self) -> None:
        """A question to somebody who has gone is given up."""
        self.begin()
        self.client.closed()
        self.assertEqual(self.closed, 1)

    def test_signed_in(self) -> None:
        """Who has signed in has nothing to answer."""
        client: GatewayClient
        connection: MemoryConnection
        client, connection = self.world.connect(self.world.sign_in("bob"))
        say(client, "go:authenticate", {"auth": None})
        connection.messages()
        say(client, "go:answer", ["123456", "99"])
        self.assertEqual(connection.messages()[0][0], "go:error")


class Code:
    """Wants a code and a number."""

    def __init__(self, test: QuestionsTests, proven: Proven) -> None:
        self._test, self._proven = test, proven

    async def answer(self, texts: Sequence[str]) -> Step:
        if list(texts) != ["123456", "99"]:
            raise Denied("wrong")
        return self._proven

    def close(self) -> None:
        self._test.closed += 1
