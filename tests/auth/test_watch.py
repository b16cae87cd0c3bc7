"""Tests of what is told to those who keep account of sign-ins."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from gotwist.auth.authenticator import Authenticator, Checker, cookie_checker
from gotwist.auth.certificates import ClientCertificate
from gotwist.auth.conversation import Asking, MoreAsked, Proven, Question, Step
from gotwist.auth.credentials import (
    ApiCredentials,
    CertificateCredentials,
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

    def signed_in(self, user: User, address: str, sign_in: str) -> None:
        """Be told of a sign-in."""
        self.signed_in_by = sign_in
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

    def test_turned_away(self) -> None:
        """What a method's own page refuses is told as well."""
        self.authenticator.turned_away("oidc", HERE)
        self.assertEqual(self.told, [("", "oidc", HERE, "wrong")])

    def test_which_sign_in(self) -> None:
        """A sign-in is told with its handle, a single request without one."""
        self.offer(PasswordCredentials("anna", "right"))
        (sign_in,) = self.signins.records()
        self.assertEqual(self.signed_in_by, sign_in.handle)
        work = self.authenticator.prove(PasswordCredentials("anna", "right"), HERE)
        self.successResultOf(Deferred.fromCoroutine(work))
        self.assertEqual((self.signed_in_by, len(self.told)), ("", 2))

    def test_wrong_answer(self) -> None:
        """A wrong answer to a further question is told with the name that was claimed first."""

        class Code:
            is_closed = False

            async def answer(self, texts: Sequence[str]) -> Step:
                if list(texts) == ["more"]:
                    return Asking(Question(()), self)
                raise Denied("no")

            def close(self) -> None:
                self.is_closed = True

        code = Code()

        async def ask(credentials: Credentials, peer: str) -> Step:
            return Asking(Question(()), code)

        authenticator = Authenticator({PasswordCredentials: ask}, self.signins, None, self)
        work: Awaitable[object] = authenticator.authenticate(
            PasswordCredentials("anna", "right"), HERE
        )
        for _ in range(2):

            async def run(work: Awaitable[object]) -> None:
                await work

            failure = self.failureResultOf(Deferred.fromCoroutine(run(work)), MoreAsked)
            assert isinstance(failure.value, MoreAsked)
            conversation = failure.value.asking.conversation
            work = authenticator.go_on(conversation, ["more"], HERE)
        self.assertEqual(self.told, [])
        self.failureResultOf(Deferred.fromCoroutine(run(work)), MoreAsked)
        self.failureResultOf(
            Deferred.fromCoroutine(authenticator.go_on(conversation, ["no"], HERE)), Denied
        )
        self.assertEqual(self.told, [("anna", "answer", HERE, "wrong")])
        conversation.close()
        self.assertTrue(code.is_closed)

    def test_not_told(self) -> None:
        """Nothing and an old cookie are no attempt, coming back with a good one no sign-in."""
        self.offer(CookieCredentials("0" * 64))
        self.offer(NoCredentials())
        self.offer(CookieCredentials(self.signins.issue(User("anna", "file")).cookie))
        self.assertEqual(self.told, [])

    def test_ways_that_are_off(self) -> None:
        """What nobody judges here is refused, and told as well."""
        self.offer(ApiCredentials({"upn": "eve", "signature": "f00d"}))
        subject = (("organizationName", "x"), ("commonName", "anna"))
        self.offer(CertificateCredentials(ClientCertificate(subject, (), "1", "ab")))
        self.assertEqual(
            self.told,
            [("eve", "api", HERE, "wrong"), ("anna", "certificate", HERE, "wrong")],
        )
