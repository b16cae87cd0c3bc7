"""Tests of how users see and end their sign-ins."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from gotwist.auth.signins import SignIn
from gotwist.auth.user import User
from gotwist.gateway.client import GatewayClient
from gotwist.gateway.clients import NOT_AUTHENTICATED
from tests.gateway.support import MemoryConnection, World, say


def code_of(connection: MemoryConnection) -> int:
    assert connection.closed_with is not None, "still open"
    return connection.closed_with[0]


class SignInListTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.world = World(method="token")
        self.first = self.sign_in("anna", "192.0.2.1")
        self.second = self.sign_in("anna", "192.0.2.2")
        self.bob = self.sign_in("bob", "192.0.2.3")

    def sign_in(self, upn: str, address: str) -> SignIn:
        return self.world.signins.issue(User(upn, "token"), address=address)

    def open(self, sign_in: SignIn) -> tuple[GatewayClient, MemoryConnection]:
        client, connection = self.world.connect()
        say(client, "go:authenticate", {"auth": sign_in.cookie})
        connection.messages()
        return client, connection

    def ask(
        self, client: GatewayClient, connection: MemoryConnection, name: str, value: object
    ) -> Any:
        """The one message that answers an action."""
        say(client, name, value)
        ((self.answer, told),) = connection.messages()
        return told

    def test_list(self) -> None:
        """A user sees the own sign-ins, which of them this is, and nothing that could be used."""
        self.world.clock.advance(5)
        client, connection = self.open(self.second)
        listed = self.ask(client, connection, "go:list_sign_ins", None)
        self.assertEqual(self.answer, "go:sign_ins")
        self.assertEqual(
            [(entry["address"], entry["method"], entry["current"]) for entry in listed],
            [("192.0.2.1", "token", False), ("192.0.2.2", "token", True)],
        )
        self.assertEqual([entry["seen"] - entry["issued"] for entry in listed], [0, 5000])
        for sign_in in (self.first, self.second):
            self.assertNotIn(sign_in.id[:16], str(listed))
            self.assertNotIn(sign_in.cookie[:16], str(listed))

    def test_end_another(self) -> None:
        """A user ends a sign-in in another browser, whose tabs close at once."""
        client, connection = self.open(self.first)
        _, other = self.open(self.second)
        listed = self.ask(client, connection, "go:end_sign_in", self.second.handle)
        self.assertEqual(code_of(other), NOT_AUTHENTICATED)
        self.assertEqual((self.answer, len(listed)), ("go:sign_ins", 1))
        self.assertIsNone(self.world.signins.find(self.second.cookie))

    def test_end_own(self) -> None:
        """Ending the sign-in one uses is signing out."""
        client, connection = self.open(self.first)
        say(client, "go:end_sign_in", self.first.handle)
        self.assertEqual(code_of(connection), NOT_AUTHENTICATED)

    def test_end_of_others(self) -> None:
        """Nobody ends the sign-in of somebody else, or learns that it is there."""
        client, connection = self.open(self.first)
        answers = [
            self.ask(client, connection, "go:end_sign_in", handle)
            for handle in (self.bob.handle, "0" * 16)
        ]
        self.assertEqual(answers[0], answers[1])
        self.assertEqual(answers[0]["code"], "not_found")
        self.assertIsNotNone(self.world.signins.find(self.bob.cookie))

    def test_bad_handle(self) -> None:
        """A sign-in is named by its handle only."""
        client, connection = self.open(self.first)
        for bad in (self.second.id, self.second.cookie, "", 1, None, ["x"]):
            told = self.ask(client, connection, "go:end_sign_in", bad)
            self.assertEqual(told["code"], "malformed")
        self.assertIsNotNone(self.world.signins.find(self.second.cookie))

    def test_everywhere(self) -> None:
        """Signing out everywhere ends all sign-ins of the user, and nobody else's."""
        client, mine = self.open(self.first)
        _, other = self.open(self.second)
        _, bobs = self.open(self.bob)
        say(client, "go:sign_out_everywhere", None)
        self.assertEqual((code_of(mine), code_of(other)), (4401, 4401))
        self.assertIsNone(bobs.closed_with)
        self.assertEqual(len(self.world.signins), 1)

    def test_stranger(self) -> None:
        """Who has not signed in is told nothing."""
        client, connection = self.world.connect()
        for name in ("go:list_sign_ins", "go:sign_out_everywhere"):
            self.assertEqual(self.ask(client, connection, name, None)["code"], "denied")
        self.assertEqual(len(self.world.signins), 3)

    def test_without_authentication(self) -> None:
        """Users that nobody can tell apart see and end their own sign-in only."""
        world = World()
        signed_in = []
        for _ in range(2):
            client, connection = world.connect()
            say(client, "go:authenticate", {"auth": None})
            connection.messages()
            signed_in.append((client, connection))
        (client, mine), (_, other) = signed_in
        self.assertEqual(len(self.ask(client, mine, "go:list_sign_ins", None)), 1)
        say(client, "go:sign_out_everywhere", None)
        self.assertEqual(code_of(mine), NOT_AUTHENTICATED)
        self.assertIsNone(other.closed_with)
