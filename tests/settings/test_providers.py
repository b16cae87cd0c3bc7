"""Tests of the options of signing in at others: what is refused before anything starts."""

from __future__ import annotations

import json

from twisted.trial.unittest import SynchronousTestCase

from gotwist.settings.error import SettingsError
from gotwist.settings.load import load
from gotwist.settings.provider_kinds import KeyAndSecret, claim, domain, email
from gotwist.settings.snapshot import Snapshot
from tests.settings.helpers import files, makings

OIDC: dict[str, object] = {
    "auth": "oidc",
    "oidc_issuer": "https://op.example.org",
    "oidc_client_id": "x",
}
GOOGLE: dict[str, object] = {
    "auth": "google",
    "google_oauth": {"key": "k", "secret": "s"},
    "google_allowed_domains": ["Example.org"],
}


class ProviderTests(SynchronousTestCase):
    def load(self, settings: dict[str, object], **changes: object) -> Snapshot:
        chosen = {**settings, **changes}
        return load(files(json.dumps({"*": {"gotwist": chosen}})), makings())

    def refused(self, word: str, settings: dict[str, object], **changes: object) -> None:
        with self.assertRaises(SettingsError) as caught:
            self.load(settings, **changes)
        self.assertIn(word, str(caught.exception))
        self.assertNotIn("hush", str(caught.exception))

    def test_good(self) -> None:
        """With what is needed a provider is taken; the secret is in no representation."""
        snapshot = self.load(OIDC, oidc_client_secret="hush-hush")
        self.assertEqual(snapshot.text("oidc_upn_claim"), "sub")
        self.assertNotIn("hush", repr(snapshot))
        self.assertEqual(self.load(GOOGLE).texts("google_allowed_domains"), ("example.org",))
        self.load(OIDC, oidc_issuer="http://127.0.0.1:8080/realms/x")

    def test_incomplete(self) -> None:
        """Without an issuer, a client or Google's pair nothing starts."""
        self.refused("oidc_issuer", OIDC, oidc_issuer=None)
        self.refused("oidc_client_id", OIDC, oidc_client_id=None)
        self.refused("google_oauth", GOOGLE, google_oauth=None)

    def test_plain_http(self) -> None:
        """A provider elsewhere is spoken to by https only."""
        self.refused("plain http", OIDC, oidc_issuer="http://op.example.org")
        self.refused("plain http", OIDC, oidc_issuer="http://127.0.0.1.example.org/")

    def test_issuers(self) -> None:
        """An issuer is an address without query, fragment or user."""
        for issuer in (
            "op.example.org",
            "https://",
            "https://op.example.org/?x",
            "https://op.example.org/#x",
            "https://user@op.example.org/",
            "https://op.example.org/a b",
            "ftp://op.example.org",
            "https://op.example.org/\n",
        ):
            self.refused("oidc_issuer", OIDC, oidc_issuer=issuer)

    def test_everybody_has_an_account(self) -> None:
        """Google lets in nobody by default, and everybody only when that is said."""
        self.refused("everybody who has a Google account", GOOGLE, google_allowed_domains=[])
        self.load(GOOGLE, google_allowed_domains=["*"])
        self.load(GOOGLE, google_allowed_domains=[], google_allowed_emails=["A@gmail.com"])

    def test_pairs(self) -> None:
        """Google's pair has two texts, and what is wrong about it is not repeated."""
        bad: tuple[object, ...] = ({}, {"key": "k"}, {"key": "k", "secret": ""}, [], "hush", 1)
        for pair in bad:
            self.refused("google_oauth", GOOGLE, google_oauth=pair)
        more = {"key": "k", "secret": "hush", "x": "y"}
        self.refused("google_oauth", GOOGLE, google_oauth=more)
        kind = KeyAndSecret()
        good = kind.from_text('{"key": "k", "secret": "s"}')
        self.assertEqual(kind.to_json(good), {"key": "k", "secret": "s"})
        for text in ("", "{", "[" * 5000):
            self.assertRaises(ValueError, kind.from_text, text)

    def test_names(self) -> None:
        """Domains, addresses and claims have their form."""
        self.assertEqual(domain("Example.ORG"), "example.org")
        self.assertEqual(email("Alice@Example.org"), "alice@example.org")
        self.assertEqual(claim("https://example.org/groups"), "https://example.org/groups")
        for read, bad in (
            (domain, ("", "a b", "@example.org", "-a", "a.")),
            (email, ("", "a", "@b", "a@", "a b@c", "a@b@c")),
            (claim, ("", "a b", "ä", "x" * 129)),
        ):
            for text in bad:
                self.assertRaises(ValueError, read, text)
