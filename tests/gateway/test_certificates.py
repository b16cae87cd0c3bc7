"""Tests of certificates at the WebSocket's handshake."""

from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from gotwist.auth.authenticator import build_authenticator
from gotwist.auth.certificates import ClientCertificate, user_of
from gotwist.auth.conversation import Proven
from gotwist.auth.credentials import CertificateCredentials, Credentials
from gotwist.auth.signins import SignIn
from gotwist.errors import Denied
from gotwist.gateway.clients import Peer
from tests.gateway.support import World, say

ANNA = ClientCertificate((("commonName", "anna"),), (("organizationName", "Example"),), "1", "ab")
STRANGE = ClientCertificate((("commonName", "../x"),), (), "2", "cd")


async def check(credentials: Credentials, peer: str) -> Proven:
    """What the method ``ssl`` does."""
    assert isinstance(credentials, CertificateCredentials)
    if credentials.certificate is STRANGE:
        raise Denied("no name")
    return Proven(user_of(credentials.certificate))


class HandshakeTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.world = World(method="token")
        self.believe()

    def believe(self) -> None:
        """Switch the method ``ssl`` on."""
        world = self.world
        world.house.authenticator = build_authenticator(
            ("token", "ssl"),
            world.signins,
            world.tokens,
            world.house.clock.wall_now,
            more={CertificateCredentials: check},
        )

    def admit(self, certificate: ClientCertificate | None, cookie: str | None = None) -> str | None:
        peer = Peer("192.0.2.1", True, certificate)
        admitted = Deferred.fromCoroutine(self.world.gateway.admit(peer, cookie, None))
        found: SignIn | None = self.successResultOf(admitted)
        return None if found is None else found.user.upn

    def test_certificate(self) -> None:
        """A certificate signs in; none, or one that names no user, leaves it to the message."""
        self.assertEqual(self.admit(ANNA), "anna@Example")
        self.assertIsNone(self.admit(None))
        self.assertIsNone(self.admit(STRANGE))

    def test_cookie_first(self) -> None:
        """A browser that has signed in stays who it is; a cookie that is over changes nothing."""
        self.assertEqual(self.admit(ANNA, self.world.sign_in("bob").cookie), "bob")
        self.assertEqual(self.admit(ANNA, "stale"), "anna@Example")

    def test_not_a_method(self) -> None:
        """Where certificates are only a further factor, they sign nobody in."""
        self.world = World(method="token")
        self.assertIsNone(self.admit(ANNA))
        self.world = World(method="none")
        self.assertIsNone(self.admit(ANNA))

    def test_message(self) -> None:
        """Who came with a certificate signs in with nothing else."""
        peer = Peer("192.0.2.1", True, ANNA)
        admitted = self.successResultOf(
            Deferred.fromCoroutine(self.world.gateway.admit(peer, None, None))
        )
        client, connection = self.world.connect(admitted, peer)
        say(client, "go:authenticate", {"auth": None})
        self.assertIn(("go:set_username", "anna@Example"), connection.messages())
