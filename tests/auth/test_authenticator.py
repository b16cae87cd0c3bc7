"""Tests of the one place that judges credentials."""

from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from gotwist.auth.authenticator import REFUSAL, Authenticator, build_authenticator
from gotwist.auth.credentials import (
    CookieCredentials,
    Credentials,
    NoCredentials,
    TokenCredentials,
)
from gotwist.auth.signins import SignIn, SignIns
from gotwist.auth.tokens import LAUNCH, MemoryTokenStore, mint_token
from gotwist.auth.user import User
from gotwist.errors import Denied, Unavailable

NOW = 1_795_500_000.0


class AuthenticatorTests(SynchronousTestCase):
    """Who shows the right thing is let in, by whichever door."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.clock.advance(NOW)
        self.signins = SignIns("secret", self.clock.seconds)
        self.tokens = MemoryTokenStore(self.clock.seconds)

    def make(self, method: str) -> Authenticator:
        """The authenticator for this setting."""
        return build_authenticator((method,), self.signins, self.tokens, self.clock.seconds)

    def enter(self, method: str, credentials: Credentials) -> SignIn:
        """Let in."""
        work = self.make(method).authenticate(credentials, "192.0.2.1")
        return self.successResultOf(Deferred.fromCoroutine(work))

    def refuse(self, method: str, credentials: Credentials) -> None:
        """Refused, with the text that all refusals have."""
        work = self.make(method).authenticate(credentials, "192.0.2.1")
        failure = self.failureResultOf(Deferred.fromCoroutine(work), Denied)
        self.assertEqual(str(failure.value), REFUSAL)

    def mint(self, purpose: str = "web") -> str:
        """A fresh token of alice's."""
        work = mint_token(self.tokens, "alice", purpose, NOW)
        return self.successResultOf(Deferred.fromCoroutine(work))

    def test_none(self) -> None:
        """Where nobody is asked, everybody is the same user in a session of his own."""
        first, second = (self.enter("none", NoCredentials()) for _ in range(2))
        self.assertEqual((first.user.upn, second.user.upn), ("ANONYMOUS", "ANONYMOUS"))
        self.assertNotEqual(first.session, second.session)
        self.refuse("token", NoCredentials())

    def test_token(self) -> None:
        """A token lets in once, and makes a sign-in with a cookie."""
        token = TokenCredentials(self.mint())
        signed_in = self.enter("token", token)
        self.assertEqual((signed_in.user.upn, signed_in.user.method), ("alice", "token"))
        self.assertEqual(self.enter("token", CookieCredentials(signed_in.cookie)).id, signed_in.id)
        self.refuse("token", token)

    def test_launch(self) -> None:
        """The launch link is good where launch links are asked for, and nowhere else."""
        self.enter("token", TokenCredentials(self.mint(LAUNCH), LAUNCH))
        self.refuse("token", TokenCredentials(self.mint(LAUNCH)))

    def test_cookie(self) -> None:
        """A cookie lets in until its sign-in ends; nonsense does not."""
        issued = self.signins.issue(User("alice", "token"))
        self.enter("token", CookieCredentials(issued.cookie))
        self.signins.revoke(issued.id)
        self.refuse("token", CookieCredentials(issued.cookie))
        self.refuse("token", CookieCredentials("nonsense"))

    def test_changed_method(self) -> None:
        """A cookie from the days when nobody was asked is worth nothing when somebody is."""
        anonymous = self.enter("none", NoCredentials())
        self.enter("none", CookieCredentials(anonymous.cookie))
        self.refuse("token", CookieCredentials(anonymous.cookie))
        issued = self.signins.issue(User("alice", "pam"))
        self.refuse("none", CookieCredentials(issued.cookie))

    def test_store_down(self) -> None:
        """A store that is down is no refusal: it says to come back later."""

        class Down(MemoryTokenStore):
            async def take(self, token: str) -> str | None:
                raise Unavailable("The store is down.")

        self.tokens = Down(self.clock.seconds)
        work = self.make("token").authenticate(TokenCredentials("wstoken" + "0" * 64), "x")
        self.failureResultOf(Deferred.fromCoroutine(work), Unavailable)

    def test_secrets_are_not_shown(self) -> None:
        """What is offered does not show in a log by accident."""
        self.assertNotIn("sesame", repr(TokenCredentials("sesame")))
        self.assertNotIn("sesame", repr(CookieCredentials("sesame")))
