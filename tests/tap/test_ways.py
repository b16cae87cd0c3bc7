"""Tests of signing in by API objects and by certificates, as the settings of the moment say."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar, cast

from twisted.internet.defer import Deferred, succeed
from twisted.internet.task import Clock
from twisted.logger import ILogObserver, LogEvent, formatEvent, globalLogPublisher
from twisted.trial.unittest import SynchronousTestCase

from gotwist.auth.apikey import sign
from gotwist.auth.certificates import ClientCertificate
from gotwist.auth.conversation import Proven
from gotwist.auth.credentials import ApiCredentials, CertificateCredentials, Credentials
from gotwist.errors import Denied
from gotwist.settings.load import load
from gotwist.settings.snapshot import Snapshot
from gotwist.settings.values import JSON
from gotwist.tap import parts
from gotwist.tap.method import Surroundings
from gotwist.tap.methods import METHODS
from tests.settings.helpers import files, makings

T = TypeVar("T")
WALL = 1_700_000_000.0
ONE, TWO = "1" * 43, "2" * 43
PEER = "192.0.2.1"


def snapshot(**options: JSON) -> Snapshot:
    return load(files(json.dumps({"*": {"gotwist": options}})), makings())


def in_thread(function: Callable[[], T]) -> Deferred[T]:
    """Call it at once."""
    return succeed(function())


class WaysCase(SynchronousTestCase):
    """One method with settings that can change."""

    method = ""
    options: dict[str, JSON]

    def setUp(self) -> None:
        self.clock = Clock()
        self.events: list[LogEvent] = []
        observer = cast(ILogObserver, self.events.append)
        globalLogPublisher.addObserver(observer)
        self.addCleanup(globalLogPublisher.removeObserver, observer)
        self.directory = Path(self.mktemp()).absolute()
        self.directory.mkdir()
        self.settings = snapshot(session_dir=str(self.directory), **self.options)
        self.start()

    def start(self) -> None:
        """Make the method as a daemon does that starts."""
        self.made = METHODS[self.method](
            Surroundings(
                self.settings,
                lambda: self.settings,
                self.clock,
                lambda: WALL + self.clock.seconds(),
                in_thread,
            )
        )

    def judge(self, credentials: Credentials) -> Deferred[object]:
        judging = self.made.checkers[type(credentials)](credentials, PEER)

        async def run() -> object:
            return await judging

        return Deferred.fromCoroutine(run())

    def proven(self, credentials: Credentials) -> Proven:
        proven = self.successResultOf(self.judge(credentials))
        assert isinstance(proven, Proven)
        return proven

    def lines(self) -> list[str]:
        """What has been logged."""
        return [formatEvent(event) for event in self.events]


class ApiTests(WaysCase):
    method = "api"
    options: dict[str, JSON] = {"auth": "api", "api_keys": {"one": ONE}}

    def signed(
        self, key: str = "one", secret: str = ONE, method: str = "HMAC-SHA256", upn: str = "joe"
    ) -> ApiCredentials:
        timestamp = str(round((WALL + self.clock.seconds()) * 1000))
        return ApiCredentials(
            {
                "api_key": key,
                "upn": upn,
                "timestamp": timestamp,
                "signature": sign(secret, key, upn, timestamp, method),
                "signature_method": method,
                "api_version": "1.0",
                "mail": "joe@company.com",
            }
        )

    def refused(self, credentials: ApiCredentials) -> None:
        failure = self.failureResultOf(self.judge(credentials), Denied)
        self.assertEqual(failure.getErrorMessage(), "Please sign in.")

    def test_good(self) -> None:
        """A signed object proves its user, with attributes, once."""
        shown = self.signed()
        user = self.proven(shown).user
        self.assertEqual((user.upn, user.method), ("joe", "api"))
        self.assertEqual(user.attributes, {"mail": "joe@company.com"})
        self.refused(shown)
        self.start()
        self.refused(shown)

    def test_keys_come_and_go(self) -> None:
        """Keys added to the settings count at once, two at a time, and removed ones no more."""
        self.refused(self.signed("two", TWO))
        self.settings = snapshot(auth="api", api_keys={"one": ONE, "two": TWO})
        self.proven(self.signed("two", TWO))
        self.proven(self.signed())
        self.settings = snapshot(auth="api", api_keys={"two": TWO})
        self.clock.advance(1)
        self.refused(self.signed())
        self.proven(self.signed("two", TWO))

    def test_rules_of_the_settings(self) -> None:
        """Window and SHA-1 are as the settings say at the moment."""
        old, older = self.signed(), self.signed(upn="ann")
        self.settings = snapshot(**self.options, api_timestamp_window="5s", api_allow_sha1=False)
        self.refused(self.signed(method="HMAC-SHA1"))
        self.clock.advance(5)
        self.proven(old)
        self.clock.advance(1)
        self.refused(older)

    def test_methods_that_are_told(self) -> None:
        """Embedding sites are told the methods in force, and none where no site is believed."""
        self.assertEqual(len(parts.api_methods(self.settings)), 4)
        without = snapshot(**self.options, api_allow_sha1=False)
        self.assertNotIn("HMAC-SHA1", parts.api_methods(without))
        self.assertEqual(parts.api_methods(snapshot(api_keys={"one": ONE})), ())

    def test_log(self) -> None:
        """A refusal is one line with reason and address, and with nothing that is secret."""
        shown = self.signed(secret=TWO)
        self.refused(shown)
        (line,) = self.lines()
        for word in (PEER, "wrong signature", "joe", "one"):
            self.assertIn(word, line)
        for secret in (ONE, TWO, str(shown.fields["signature"]), "joe@company.com"):
            self.assertNotIn(secret, line)
            self.assertNotIn(secret, repr(shown))

    def test_log_holds_no_foreign_text(self) -> None:
        """A stranger's text for a key or a name does not come into the log."""
        self.refused(self.signed(key="strange\nkey"))
        self.refused(self.signed(upn="strange\nname"))
        self.refused(ApiCredentials({"api_key": "strange", "upn": 5}))
        self.assertEqual(len(self.lines()), 3)
        for line in self.lines():
            self.assertNotIn("strange", line)

    def test_log_is_not_filled(self) -> None:
        """The same refusal is told once a minute."""
        for _ in range(5):
            self.refused(self.signed(secret=TWO))
        self.assertEqual(len(self.lines()), 1)
        self.clock.advance(61)
        self.refused(self.signed(secret=TWO))
        self.assertEqual(len(self.lines()), 2)


class NoKeysTests(WaysCase):
    method = "api"
    options: dict[str, JSON] = {"auth": "api"}

    def test_no_keys(self) -> None:
        """Without keys nobody comes in, and the log tells how to make one."""
        self.assertIn("--new_api_key", self.lines()[0])
        fields = {"api_key": "", "upn": "joe"}
        self.failureResultOf(self.judge(ApiCredentials(fields)), Denied)


@dataclass
class Shown:
    """A request as far as certificates go."""

    certificate: ClientCertificate | None
    destination: str | None = None

    def getHeader(self, name: str) -> str | None:
        assert name == "sec-fetch-dest"
        return self.destination

    def client_certificate(self) -> ClientCertificate | None:
        return self.certificate


class CertificateTests(WaysCase):
    method = "ssl"
    options: dict[str, JSON] = {"auth": "ssl", "ssl_auth": "optional", "ca_certs": "/ca.pem"}
    anna = ClientCertificate(
        (("commonName", "anna"), ("emailAddress", "anna@example.org")),
        (("organizationName", "Example"),),
        "1",
        "ab" * 32,
    )

    def test_good(self) -> None:
        """A certificate proves the user it names."""
        user = self.proven(CertificateCredentials(self.anna)).user
        self.assertEqual((user.upn, user.method), ("anna@Example", "ssl"))
        self.assertEqual(user.attributes["emailAddress"], "anna@example.org")

    def test_field(self) -> None:
        """The field of the name is as the settings say at the moment."""
        self.settings = snapshot(**self.options, ssl_name_field="emailAddress")
        user = self.proven(CertificateCredentials(self.anna)).user
        self.assertEqual(user.upn, "anna@example.org@Example")

    def test_no_user(self) -> None:
        """A certificate whose name is no user's is refused; the log tells which one, and why."""
        nobody = replace(self.anna, subject=(("commonName", "../../x\n"),))
        for _ in range(2):
            self.failureResultOf(self.judge(CertificateCredentials(nobody)), Denied)
        (line,) = self.lines()
        self.assertIn("ab" * 32, line)
        self.assertNotIn("\n", line)

    def test_brings(self) -> None:
        """Who opens the page brings a certificate along; a page that embeds it brings none."""
        brings = self.made.brings
        assert brings is not None
        expected = CertificateCredentials(self.anna)
        for shown, brought in (
            (Shown(self.anna), expected),
            (Shown(self.anna, "document"), expected),
            (Shown(self.anna, "image"), None),
            (Shown(self.anna, "iframe"), None),
            (Shown(self.anna, "empty"), None),
            (Shown(None), None),
        ):
            self.assertEqual(brings(shown), brought)  # type: ignore[arg-type]
