"""Tests of certificates on the WebSocket."""

from __future__ import annotations

from collections.abc import Sequence

from twisted.trial.unittest import SynchronousTestCase

from gotwist.auth.authenticator import SecondFactor, build_authenticator
from gotwist.auth.certificates import ClientCertificate, user_of
from gotwist.auth.conversation import Asking, Prompt, Proven, Question, Step
from gotwist.auth.credentials import CertificateCredentials, Credentials
from gotwist.auth.signins import SignIn
from gotwist.errors import Denied
from gotwist.gateway.clients import Peer
from tests.gateway.support import World, say

ANNA = ClientCertificate((("commonName", "anna"),), (("organizationName", "Example"),), "1", "ab")
STRANGE = ClientCertificate((("commonName", "../x"),), (), "2", "cd")
REFUSED = ("go:reauthenticate", True)


async def check(credentials: Credentials, peer: str) -> Proven:
    """What the method ``ssl`` does."""
    assert isinstance(credentials, CertificateCredentials)
    if credentials.certificate is STRANGE:
        raise Denied("no name")
    return Proven(user_of(credentials.certificate))


class Code:
    """Asks whom the certificate has proven for a code as well."""

    def __init__(self, proven: Proven) -> None:
        self._proven = proven

    async def answer(self, texts: Sequence[str]) -> Step:
        if list(texts) != ["123456"]:
            raise Denied("wrong code")
        return self._proven

    def close(self) -> None:
        """Nothing is kept."""


async def ask_code(proven: Proven, peer: str) -> Step:
    return Asking(Question((Prompt("Code", True),)), Code(proven))


class CertificateTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.world = World(method="token")
        self.believe()

    def believe(self, second_factor: SecondFactor | None = None) -> None:
        """Switch the method ``ssl`` on."""
        world = self.world
        world.house.authenticator = build_authenticator(
            ("token", "ssl"),
            world.signins,
            world.tokens,
            world.house.clock.wall_now,
            more={CertificateCredentials: check},
            second_factor=second_factor,
        )

    def enter(
        self, certificate: ClientCertificate | None, offered: SignIn | None = None
    ) -> list[tuple[str, object]]:
        """Connect and sign in with whatever the connection brings; answers what is said."""
        self.client, connection = self.world.connect(offered, Peer("192.0.2.1", True, certificate))
        say(self.client, "go:authenticate", {"auth": None})
        self.connection = connection
        return connection.messages()

    def test_certificate(self) -> None:
        """A certificate signs in; none, or one that names no user, leaves it to other ways."""
        self.assertIn(("go:set_username", "anna@Example"), self.enter(ANNA))
        self.assertEqual(self.enter(None), [REFUSED])
        self.assertEqual(self.enter(STRANGE), [REFUSED])
        self.assertIsNone(self.connection.closed_with)

    def test_cookie_first(self) -> None:
        """A browser that has signed in stays who it is; a sign-in that is over changes nothing."""
        bob = self.world.sign_in("bob")
        self.assertIn(("go:set_username", "bob"), self.enter(ANNA, bob))
        self.world.signins.revoke(bob.id)
        self.assertIn(("go:set_username", "anna@Example"), self.enter(ANNA, bob))

    def test_second_factor(self) -> None:
        """Who has a second factor is asked for it, certificate or not."""
        self.believe(ask_code)
        for code, expected in (("123456", ("go:set_username", "anna@Example")), ("0", REFUSED)):
            ((name, _),) = self.enter(ANNA)
            self.assertEqual(name, "go:question")
            say(self.client, "go:answer", [code])
            self.assertIn(expected, self.connection.messages())
