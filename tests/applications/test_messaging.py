"""Tests of messages between users and of the list of who is there."""

from __future__ import annotations

import json

from twisted.trial.unittest import SynchronousTestCase

from gotwist.applications.go.core import Go
from gotwist.applications.go.messaging import RATES
from gotwist.auth.user import User
from gotwist.gateway.client import GatewayClient
from gotwist.gateway.clients import Peer
from gotwist.settings.load import load
from gotwist.settings.snapshot import Snapshot
from tests.gateway.support import MemoryConnection, World, say
from tests.settings.helpers import files, makings


def allowing(scope: str = "*", **options: object) -> Snapshot:
    return load(files(json.dumps({scope: {"gotwist": options}})), makings())


class MessagingTestCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.world = World((Go,))
        self.world.settings = allowing()
        self.alice, self.to_alice = self.enter("alice")
        self.bob, self.to_bob = self.enter("bob", "10.0.0.2", team="b")

    def enter(
        self, upn: str, address: str = "192.0.2.7", method: str = "token", **attributes: str
    ) -> tuple[GatewayClient, MemoryConnection]:
        sign_in = self.world.signins.issue(User(upn, method, attributes))
        client, connection = self.world.connect(sign_in, Peer(address))
        say(client, "go:authenticate", {"auth": None})
        connection.messages()
        return client, connection

    def error(self, connection: MemoryConnection) -> tuple[str, str]:
        ((name, error),) = connection.messages()
        assert name == "go:error" and isinstance(error, dict), (name, error)
        return error["code"], error["message"]


class UserMessageTests(MessagingTestCase):
    def test_every_tab(self) -> None:
        """A message reaches all tabs of the user and nobody else, with the sender's name."""
        _, second = self.enter("bob")
        _, carol = self.enter("carol")
        say(self.alice, "go:send_user_message", {"upn": "bob", "message": "lunch?\nat 12"})
        for connection in (self.to_bob, second):
            self.assertEqual([("go:user_message", "alice: lunch?\nat 12")], connection.messages())
        self.assertEqual([], carol.messages() + self.to_alice.messages())

    def test_policy(self) -> None:
        """Who may not send messages sends none, from the moment the settings say so."""
        self.world.change(allowing("user=alice", send_user_messages=False))
        say(self.alice, "go:send_user_message", {"upn": "bob", "message": "x"})
        self.assertEqual(
            ("denied", "You may not send messages to users."), self.error(self.to_alice)
        )
        self.assertEqual([], self.to_bob.messages())
        say(self.bob, "go:send_user_message", {"upn": "alice", "message": "x"})
        self.assertEqual([("go:user_message", "bob: x")], self.to_alice.messages())

    def test_without_settings(self) -> None:
        """Where nothing is said about it, nobody sends or asks anything."""
        world = World((Go,))
        client, connection = world.enter("alice")
        for action, value in (
            ("go:send_user_message", {"upn": "alice", "message": "x"}),
            ("go:broadcast", "x"),
            ("go:list_users", None),
        ):
            say(client, action, value)
            self.assertEqual("denied", self.error(connection)[0])

    def test_everybody_by_name(self) -> None:
        """A name that stands for everybody needs the right to write to everybody."""
        for upn in ("AUTHENTICATED", "ANONYMOUS"):
            say(self.alice, "go:send_user_message", {"upn": upn, "message": "x"})
            self.assertEqual("denied", self.error(self.to_alice)[0])
        self.world.change(allowing(send_broadcasts=True))
        say(self.alice, "go:send_user_message", {"upn": "AUTHENTICATED", "message": "x"})
        self.assertEqual([("go:user_message", "(Broadcast) alice: x")], self.to_bob.messages())

    def test_absent(self) -> None:
        """That somebody is not here is told only to those who may ask who is."""
        say(self.alice, "go:send_user_message", {"upn": "nobody", "message": "x"})
        self.assertEqual("not_found", self.error(self.to_alice)[0])
        self.world.change(allowing(list_users=False))
        say(self.alice, "go:send_user_message", {"upn": "nobody", "message": "x"})
        self.assertEqual([], self.to_alice.messages())

    def test_text_only(self) -> None:
        """Markup arrives as the text it is; what turns or hides text does not arrive."""
        text = "<b onclick=x>\u202eevil\x1b[31m\x00\u2028</b>"
        say(self.alice, "go:send_user_message", {"upn": "bob", "message": text})
        self.assertEqual(
            [("go:user_message", "alice: <b onclick=x>evil[31m</b>")], self.to_bob.messages()
        )

    def test_malformed(self) -> None:
        """An empty or endless message, or one to nobody, is refused."""
        for value in (
            {"message": "x"},
            {"upn": "bob"},
            {"upn": "bob", "message": ""},
            {"upn": "bob", "message": "\u202e\x00 "},
            {"upn": "bob", "message": "x" * 2001},
            {"upn": "bob", "message": 1},
            {"upn": "bob", "message": "x", "html": True},
            "text",
            None,
        ):
            say(self.alice, "go:send_user_message", value)
            self.assertEqual("malformed", self.error(self.to_alice)[0], value)
        self.assertEqual([], self.to_bob.messages())

    def test_rate(self) -> None:
        """A user writes only so much, through however many tabs, and more after a while."""
        other, to_other = self.enter("alice")
        _, most = RATES["go:send_user_message"]
        for number in range(most):
            say(
                (self.alice, other)[number % 2],
                "go:send_user_message",
                {"upn": "bob", "message": "x"},
            )
        self.assertEqual(most, len(self.to_bob.messages()))
        say(other, "go:send_user_message", {"upn": "bob", "message": "x"})
        self.assertEqual("unavailable", self.error(to_other)[0])
        self.assertEqual([], self.to_bob.messages())
        say(self.bob, "go:send_user_message", {"upn": "alice", "message": "x"})
        self.assertEqual(1, len(self.to_alice.messages()))
        self.world.clock.advance(2)
        say(other, "go:send_user_message", {"upn": "bob", "message": "x"})
        self.assertEqual(1, len(self.to_bob.messages()))

    def test_told(self) -> None:
        """Who wrote to whom is told the audit stream, what was written is not."""
        say(self.alice, "go:send_user_message", {"upn": "bob", "message": "my secret"})
        (told,) = self.world.audit.named("message_sent")
        self.assertEqual(("alice", "bob", 9), (told["user"], told["to"], told["length"]))
        self.assertNotIn("secret", str(self.world.audit.events))


class BroadcastTests(MessagingTestCase):
    def test_closed_by_default(self) -> None:
        """Nobody writes to everybody unless the settings say so."""
        say(self.alice, "go:broadcast", "x")
        self.assertEqual("denied", self.error(self.to_alice)[0])
        self.assertEqual([], self.to_bob.messages())

    def test_everybody(self) -> None:
        """A broadcast reaches all who have signed in, and nobody else."""
        self.world.change(allowing("user=alice", send_broadcasts=True))
        _, stranger = self.world.connect()
        say(self.alice, "go:broadcast", "<i>restart</i> at 5")
        wanted = [("go:user_message", "(Broadcast) alice: <i>restart</i> at 5")]
        self.assertEqual(wanted, self.to_bob.messages())
        self.assertEqual(wanted, self.to_alice.messages())
        self.assertEqual([], stranger.messages())
        say(self.bob, "go:broadcast", "x")
        self.assertEqual("denied", self.error(self.to_bob)[0])

    def test_rate(self) -> None:
        """Not even who may write to everybody may do so all the time."""
        self.world.change(allowing(send_broadcasts=True))
        for _ in range(4):
            say(self.alice, "go:broadcast", "x")
        self.assertEqual(3, len(self.to_bob.messages()))


class ListTests(MessagingTestCase):
    def test_default(self) -> None:
        """Who asks is told name and address of those who have signed in."""
        self.enter("bob", "10.0.0.2", team="b")
        self.world.connect()
        say(self.alice, "go:list_users", None)
        self.assertEqual(
            [
                (
                    "go:user_list",
                    [
                        {"upn": "alice", "ip_address": "192.0.2.7"},
                        {"upn": "bob", "ip_address": "10.0.0.2"},
                    ],
                )
            ],
            self.to_alice.messages(),
        )

    def test_fields(self) -> None:
        """The settings say what is told, to each who asks."""
        self.world.change(allowing("user=alice", user_list_fields=["upn", "team"]))
        say(self.alice, "go:list_users", None)
        self.assertEqual(
            [("go:user_list", [{"upn": "alice"}, {"upn": "bob", "team": "b"}])],
            self.to_alice.messages(),
        )
        say(self.bob, "go:list_users", None)
        self.assertIn("192.0.2.7", json.dumps(self.to_bob.messages()))

    def test_policy(self) -> None:
        """Who may not ask is told nothing."""
        self.world.change(allowing("address=192.0.2.0/24", list_users=False))
        say(self.alice, "go:list_users", None)
        self.assertEqual("denied", self.error(self.to_alice)[0])
        say(self.bob, "go:list_users", None)
        self.assertEqual("go:user_list", self.to_bob.messages()[0][0])
