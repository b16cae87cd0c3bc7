"""Tests of what a user has of the house: applications given, refused, and taken away."""

from __future__ import annotations

import json
from collections.abc import Mapping

from twisted.trial.unittest import SynchronousTestCase

from gotwist.applications.example.echo import Example
from gotwist.applications.go.core import Go
from gotwist.auth.user import User
from gotwist.gateway.actions import action, policies, require
from gotwist.gateway.application import Application
from gotwist.gateway.client import GatewayClient
from gotwist.gateway.clients import Peer
from gotwist.settings.load import load
from gotwist.settings.snapshot import Snapshot
from tests.gateway.support import MemoryConnection, World, say
from tests.settings.helpers import files, makings


class Shop(Application):
    """Speaks when somebody signs in, and remembers what it is told of changed settings."""

    name = "shop"
    told: list[str] = []

    def authenticate(self) -> None:
        self.client.send("shop:open", True)

    def on_settings(self) -> None:
        self.told.append("settings")

    def on_refused(self) -> None:
        self.told.append("refused")

    @action("shop:buy")
    def buy(self) -> None:
        self.client.send("shop:bought", True)

    @action("shop:rob")
    @require(policies("bank"))
    def rob(self) -> None:
        self.client.send("shop:robbed", True)


def settings(**scopes: Mapping[str, Mapping[str, object]]) -> Snapshot:
    """Settings by scope; ``all`` stands for ``*``."""
    text = json.dumps({{"all": "*"}.get(scope, scope): what for scope, what in scopes.items()})
    return load(files(text), makings())


def scoped(scope: str, application: str, **options: object) -> Snapshot:
    return settings(**{scope: {application: options}})


class RightsTestCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.world = World((Go, Shop, Example))
        self.world.settings = settings()
        Shop.told = []

    def enter(
        self, user: User, address: str = "192.0.2.7"
    ) -> tuple[GatewayClient, MemoryConnection]:
        sign_in = self.world.signins.issue(user)
        client, connection = self.world.connect(sign_in, Peer(address))
        say(client, "go:authenticate", {"auth": None})
        return client, connection

    def alice(self, *groups: str, **attributes: str) -> User:
        return User("alice", "token", attributes, groups)

    def names(self, connection: MemoryConnection) -> list[str]:
        """The applications of the last list that was told."""
        told = [value for name, value in connection.messages() if name == "go:applications"]
        found = told[-1]
        assert isinstance(found, list)
        return [entry["name"] for entry in found]


class AllowTests(RightsTestCase):
    def test_there(self) -> None:
        """An application of which nothing is said is there for everybody."""
        client, connection = self.enter(self.alice())
        self.assertEqual(["shop", "example"], self.names(connection))
        say(client, "shop:buy", None)
        self.assertEqual([("shop:bought", True)], connection.messages())

    def test_not_there(self) -> None:
        """One that is not allowed is not there: nothing is sent for it, no action of it runs."""
        self.world.settings = scoped("user=alice", "shop", allow=False)
        client, connection = self.enter(self.alice())
        told = connection.messages()
        self.assertNotIn("shop", json.dumps(told))
        say(client, "shop:buy", None)
        ((name, error),) = connection.messages()
        self.assertEqual("go:error", name)
        assert isinstance(error, dict)
        self.assertEqual("denied", error["code"])
        _, connection = self.enter(User("bob", "token"))
        self.assertEqual(["shop", "example"], self.names(connection))

    def test_odd_values_close(self) -> None:
        """Whatever is said instead of true is not true."""
        for value in ("true", 1, "yes", [True]):
            self.world.settings = scoped("all", "shop", allow=value)
            _, connection = self.enter(self.alice())
            self.assertEqual(["example"], self.names(connection), value)

    def test_by_group_address_and_attribute(self) -> None:
        """Scopes see the groups, the address of this very tab, and what is known besides."""
        for scope, user, address, is_there in (
            ("group=staff", self.alice("staff"), "192.0.2.7", False),
            ("group=staff", self.alice("guests"), "192.0.2.7", True),
            ("address=10.0.0.0/8", self.alice(), "10.9.9.9", False),
            ("address=10.0.0.0/8", self.alice(), "192.0.2.7", True),
            ("user.team=a|b", self.alice(team="b"), "192.0.2.7", False),
            ("user.team=a|b", self.alice(team="c"), "192.0.2.7", True),
            ("group=x and address=10.0.0.0/8", self.alice("x"), "10.0.0.1", False),
            ("group=x and address=10.0.0.0/8", self.alice("x"), "11.0.0.1", True),
        ):
            self.world.settings = scoped(scope, "shop", allow=False)
            _, connection = self.enter(user, address)
            self.assertEqual(is_there, "shop" in self.names(connection), (scope, user, address))

    def test_attributes_do_not_lie(self) -> None:
        """An attribute that came with a sign-in is neither the name nor the address."""
        self.world.settings = scoped("user=admin|boss", "shop", allow=False)
        _, connection = self.enter(self.alice(upn="admin", ip_address="10.0.0.1"))
        self.assertIn("shop", self.names(connection))
        self.world.settings = scoped("address=10.0.0.0/8", "shop", allow=False)
        _, connection = self.enter(self.alice(upn="admin", ip_address="10.0.0.1"))
        self.assertIn("shop", self.names(connection))

    def test_enabled_for_some(self) -> None:
        """Which applications there are can be another list for some; the core is always there."""
        self.world.settings = settings(
            all={"gotwist": {"enabled_applications": ["Example"]}},
            **{"group=staff": {"gotwist": {"enabled_applications": ["example", "shop"]}}},
        )
        _, connection = self.enter(self.alice())
        self.assertEqual(["example"], self.names(connection))
        client, connection = self.enter(self.alice("staff"))
        self.assertEqual(["shop", "example"], self.names(connection))
        say(client, "go:ping", 1)
        self.assertEqual([("go:pong", 1)], connection.messages())

    def test_waits_for_a_policy(self) -> None:
        """An action that waits for a policy is closed until there is one."""
        client, connection = self.enter(self.alice())
        connection.messages()
        say(client, "shop:rob", None)
        ((name, _),) = connection.messages()
        self.assertEqual("go:error", name)
        self.world.house.add_policy("bank", lambda client, action, argument: None)
        say(client, "shop:rob", None)
        self.assertEqual([("shop:robbed", True)], connection.messages())


class ChangeTests(RightsTestCase):
    def test_taken_away(self) -> None:
        """What is taken away is gone at once, and the page is told what there is now."""
        client, connection = self.enter(self.alice())
        connection.messages()
        self.world.change(scoped("user=alice", "shop", allow=False))
        self.assertEqual(["refused"], Shop.told)
        self.assertEqual(["example"], self.names(connection))
        say(client, "shop:buy", None)
        ((name, _),) = connection.messages()
        self.assertEqual("go:error", name)
        self.assertTrue(client.is_open)

    def test_given_back(self) -> None:
        """What is given is there at once, as if it had always been."""
        self.world.settings = scoped("user=alice", "shop", allow=False)
        client, connection = self.enter(self.alice())
        connection.messages()
        self.world.change(settings())
        told = connection.messages()
        self.assertIn(("shop:open", True), told)
        self.assertEqual({"go:applications", "shop:open"}, {name for name, _ in told})
        say(client, "shop:buy", None)
        self.assertEqual([("shop:bought", True)], connection.messages())

    def test_others_are_left_alone(self) -> None:
        """Who is not concerned is told nothing."""
        _, connection = self.enter(User("bob", "token"))
        connection.messages()
        self.world.change(scoped("user=alice", "shop", allow=False))
        self.assertEqual([], connection.messages())
        self.assertEqual(["settings"], Shop.told)

    def test_before_signing_in(self) -> None:
        """A connection on which nobody has signed in has nothing to lose."""
        _, connection = self.world.connect()
        self.world.change(scoped("all", "shop", allow=False))
        self.assertEqual([], connection.messages())
        self.assertEqual([], Shop.told)

    def test_tabs_per_user(self) -> None:
        """How many tabs a user may have is asked for that user."""
        self.world.settings = scoped("user=alice", "gotwist", max_websockets_per_user=1)
        self.enter(self.alice())
        _, second = self.enter(self.alice())
        self.assertIsNotNone(second.closed_with)
        for _ in range(2):
            _, connection = self.enter(User("bob", "token"))
            self.assertIsNone(connection.closed_with)


class AuditTests(RightsTestCase):
    def test_coming_and_going(self) -> None:
        """A tab that comes and goes is told, with who it was and for how long."""
        client, _ = self.enter(self.alice())
        assert client.sign_in is not None
        who = {
            "address": "192.0.2.7",
            "client": client.id,
            "sign_in": client.sign_in.handle,
            "user": "alice",
        }
        self.assertEqual([who], self.world.audit.named("connected"))
        self.world.clock.advance(5)
        client.closed()
        self.assertEqual([{**who, "seconds": 5.0}], self.world.audit.named("disconnected"))

    def test_refusals(self) -> None:
        """A refused action is told with its name, and a mistake is not."""
        self.world.settings = scoped("user=alice", "shop", allow=False)
        client, _ = self.enter(self.alice())
        say(client, "shop:buy", None)
        say(client, "shop:nothing", None)
        say(client, "go:ping", "x" * 2000)
        (told,) = self.world.audit.named("action_refused")
        self.assertEqual(
            ("shop:buy", "denied", 0, "alice"),
            (told["action"], told["code"], told["repeated"], told["user"]),
        )

    def test_strangers_are_not_told(self) -> None:
        """What somebody tries who has not signed in fills no audit log."""
        client, _ = self.world.connect()
        say(client, "shop:buy", None)
        self.assertEqual([], self.world.audit.events)

    def test_flood(self) -> None:
        """Whoever is refused all the time fills no log: the rest is counted."""
        self.world.settings = scoped("user=alice", "shop", allow=False)
        client, _ = self.enter(self.alice())
        for _ in range(100):
            say(client, "shop:buy", None)
        self.assertEqual(10, len(self.world.audit.named("action_refused")))
        self.world.clock.advance(5)
        say(client, "shop:buy", None)
        told = self.world.audit.named("action_refused")
        self.assertEqual((11, 90), (len(told), told[-1]["repeated"]))
