"""Tests of what is told to those who keep account of sign-ins."""

from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from gotwist.auth.authenticator import Authenticator, Checker, cookie_checker
from gotwist.auth.conversation import Proven, Step
from gotwist.auth.credentials import (
    ApiCredentials,
    CookieCredentials,
    Credentials,
    NoCredentials,
    PasswordCredentials,
)
from gotwist.auth.guard import TooManyFailures
from gotwist.auth.signins import SignIns
from gotwist.auth.user import User
from gotwist.errors import Denied, Unavailable

HERE = "192.0.2.1"


async def check(credentials: Credentials, peer: str) -> Step:
    assert isinstance(credentials, PasswordCredentials)
    failures: dict[str, Exception] = {
        "wrong": Denied("no"),
        "often": TooManyFailures(),
        "down": Unavailable("no"),
    }
    if credentials.password in failures:
        raise failures[credentials.password]
    return Proven(User(credentials.user, "file"))


class WatchTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.told: list[tuple[str, ...]] = []
        self.signins = SignIns("secret", lambda: 1e9)
        checkers: dict[type, Checker] = {
            PasswordCredentials: check,
            CookieCredentials: cookie_checker(self.signins, ["file"]),
        }
        self.authenticator = Authenticator(checkers, self.signins, None, self)

    def signed_in(self, user: User, address: str) -> None:
        """Be told of a sign-in."""
        self.told.append((user.upn, user.method, address))

    def refused(self, name: str, way: str, address: str, why: str) -> None:
        """Be told of a refusal."""
        self.told.append((name, way, address, why))

    def offer(self, credentials: Credentials) -> None:
        work = Deferred.fromCoroutine(self.authenticator.authenticate(credentials, HERE))
        work.addErrback(lambda failure: failure.trap(Denied, Unavailable))
        self.successResultOf(work)

    def test_told(self) -> None:
        """Each sign-in and each refusal is told with name, way, address and reason."""
        for password in ("right", "wrong", "often", "down"):
            self.offer(PasswordCredentials("anna", password))
        self.assertEqual(
            self.told,
            [
                ("anna", "file", HERE),
                ("anna", "password", HERE, "wrong"),
                ("anna", "password", HERE, "too_many"),
                ("anna", "password", HERE, "unavailable"),
            ],
        )

    def test_not_told(self) -> None:
        """Nothing and an old cookie are no attempt, coming back with a good one no sign-in."""
        self.offer(CookieCredentials("0" * 64))
        self.offer(NoCredentials())
        self.offer(CookieCredentials(self.signins.issue(User("anna", "file")).cookie))
        self.assertEqual(self.told, [])

    def test_ways_that_are_off(self) -> None:
        """What nobody judges here is refused, and told as well."""
        self.offer(ApiCredentials({"upn": "eve", "signature": "f00d"}))
        self.assertEqual(self.told, [("eve", "api", HERE, "wrong")])
