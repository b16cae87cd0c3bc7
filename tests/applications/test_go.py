"""Tests of the core application."""

from __future__ import annotations

import json
from collections.abc import Sequence

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from gotwist.applications.example.echo import Example
from gotwist.applications.go.core import Go
from gotwist.auth.authenticator import build_authenticator
from gotwist.auth.conversation import Proven
from gotwist.auth.credentials import ApiCredentials, Credentials
from gotwist.auth.tokens import mint_token
from gotwist.auth.user import User
from gotwist.errors import Denied
from gotwist.gateway.application import Application
from tests.gateway.support import WALL, World, say


class Shop(Application):
    """Has things to open, and speaks when somebody signs in."""

    name = "shop"
    version = "2.1"
    description = "Things."

    def authenticate(self) -> None:
        self.client.session.place(self.client.location, self.name)["1"] = {"title": "thing"}
        self.client.send("shop:open", True)

    def sub_applications(self) -> Sequence[dict[str, str]]:
        return [{"name": "thing", "icon": "box"}]


class GoTests(SynchronousTestCase):
    """What every client can do."""

    def setUp(self) -> None:
        self.world = World((Go, Shop, Example), method="token")

    def test_sign_in(self) -> None:
        """First the applications speak, then come the name, the locations, and the list."""
        client, connection = self.world.connect()
        minted = mint_token(self.world.tokens, "alice", "web", WALL)
        token = self.successResultOf(Deferred.fromCoroutine(minted))
        say(client, "go:authenticate", {"auth": token, "location": "work", "url": "https://x/"})
        messages = connection.messages()
        self.assertEqual(
            messages[:3],
            [
                ("shop:open", True),
                ("go:set_username", "alice"),
                ("go:locations", {"work": {"shop": {"1": {"title": "thing"}}}}),
            ],
        )
        ((name, applications),) = messages[3:]
        self.assertEqual(name, "go:applications")
        assert isinstance(applications, list)
        self.assertEqual(
            applications[0],
            {
                "name": "shop",
                "version": "2.1",
                "description": "Things.",
                "sub_applications": [{"name": "thing", "icon": "box"}],
            },
        )
        self.assertEqual([entry["name"] for entry in applications], ["shop", "example"])

    def test_cookie_value(self) -> None:
        """A cookie's value may be offered in the message, by pages that cannot send cookies."""
        client, connection = self.world.connect()
        say(client, "go:authenticate", {"auth": self.world.sign_in("bob").cookie})
        self.assertIn(("go:set_username", "bob"), connection.messages())

    def test_object(self) -> None:
        """An object that another site has signed may be offered, or one as JSON text."""
        world = self.world
        offered: list[object] = []

        async def check(credentials: Credentials, peer: str) -> Proven:
            assert isinstance(credentials, ApiCredentials)
            offered.append(dict(credentials.fields))
            if credentials.fields.get("signature") != "good":
                raise Denied("wrong")
            return Proven(User("joe", "api"))

        world.house.authenticator = build_authenticator(
            ("api",),
            world.signins,
            world.tokens,
            world.house.clock.wall_now,
            more={ApiCredentials: check},
        )
        bad, good = {"api_key": "k", "signature": "bad"}, {"signature": "good"}
        for wrong in (bad, json.dumps(bad), "{", '{"signature": "good", "signature": "good"}'):
            client, connection = world.connect()
            say(client, "go:authenticate", {"auth": wrong})
            self.assertEqual(connection.messages(), [("go:reauthenticate", True)])
            self.assertIsNone(connection.closed_with)
        self.assertEqual(offered, [bad, bad, {}, {}])
        for right in (good, json.dumps(good), f" {json.dumps(good)}"):
            say(client, "go:authenticate", {"auth": right})
            self.assertIn(("go:set_username", "joe"), connection.messages())
            client, connection = world.connect()

    def test_object_nobody_believes(self) -> None:
        """Where no site is believed, an object is refused like anything else, until too late."""
        client, connection = self.world.connect()
        say(client, "go:authenticate", {"auth": {"api_key": "k"}})
        self.assertEqual(connection.messages(), [("go:reauthenticate", True)])
        self.world.clock.advance(15)
        assert connection.closed_with is not None
        self.assertEqual(connection.closed_with[0], 4408)

    def test_unknown_member(self) -> None:
        """A member that means nothing is an error, and nobody is signed in."""
        client, connection = self.world.connect(self.world.sign_in())
        say(client, "go:authenticate", {"auth": None, "admin": True})
        ((name, value),) = connection.messages()
        assert isinstance(value, dict)
        self.assertEqual((name, value["code"]), ("go:error", "malformed"))
        self.assertIsNone(client.user)

    def test_try_again(self) -> None:
        """Who was refused may try again on the same connection."""
        client, connection = self.world.connect()
        say(client, "go:authenticate", {"auth": "wstoken" + "0" * 64})
        self.assertEqual(connection.messages(), [("go:reauthenticate", True)])
        say(client, "go:authenticate", {"auth": self.world.sign_in("bob").cookie})
        self.assertIn(("go:set_username", "bob"), connection.messages())

    def test_revoked_between(self) -> None:
        """A sign-in that ends between handshake and message lets nobody in."""
        sign_in = self.world.sign_in()
        client, connection = self.world.connect(sign_in)
        self.world.signins.revoke(sign_in.id)
        say(client, "go:authenticate", {"auth": None})
        self.assertEqual(connection.messages(), [("go:reauthenticate", True)])

    def test_list(self) -> None:
        """The list comes again when asked for."""
        client, connection = self.world.enter()
        say(client, "go:list_applications", None)
        ((name, _),) = connection.messages()
        self.assertEqual(name, "go:applications")

    def test_sign_out(self) -> None:
        """Signing out ends the sign-in, not only the connection."""
        client, connection = self.world.enter()
        sign_in = client.sign_in
        assert sign_in is not None
        say(client, "go:sign_out", None)
        assert connection.closed_with is not None
        self.assertEqual(connection.closed_with[0], 4401)
        self.assertFalse(self.world.signins.is_current(sign_in.id))
