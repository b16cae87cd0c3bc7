"""Tests of what the options of client certificates need of each other."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from gotwist.settings.error import SettingsError
from gotwist.settings.load import load
from gotwist.settings.snapshot import Snapshot
from gotwist.settings.values import Value
from tests.settings.helpers import makings

CA: dict[str, Value] = {"ca_certs": "/etc/ca.pem"}
OPTIONAL: dict[str, Value] = {**CA, "ssl_auth": "optional"}
REQUIRED: dict[str, Value] = {**CA, "ssl_auth": "required"}


def settings(**overrides: Value) -> Snapshot:
    return load((), makings(overrides))


class RulesTests(SynchronousTestCase):
    def refused(self, *words: str, **overrides: Value) -> None:
        with self.assertRaises(SettingsError) as refused:
            settings(**overrides)
        for word in words:
            self.assertIn(word, str(refused.exception))
        self.assertNotIn("\n", str(refused.exception))

    def test_allowed(self) -> None:
        """Certificates may be a factor before any method, or the method itself."""
        for asked in (OPTIONAL, REQUIRED):
            for auth in (("token",), ("ssl",), ("api", "ssl", "token")):
                self.assertEqual(settings(**asked, auth=auth).texts("auth"), auth)
        settings(**REQUIRED, ca_crl="/etc/crl.pem")
        settings(**OPTIONAL, enable_unix_socket=True)

    def test_method_needs_certificates(self) -> None:
        """Signing in by certificate needs that certificates are asked for."""
        self.refused("auth=ssl", "ssl_auth", "ca_certs", auth=("ssl",))
        self.refused("auth=ssl", auth=("token", "ssl"))

    def test_authorities(self) -> None:
        """Asking for certificates needs the CAs, and CAs need that somebody is asked."""
        self.refused("ssl_auth=optional", "ca_certs", ssl_auth="optional")
        self.refused("ssl_auth=required", "ca_certs", ssl_auth="required", auth=("ssl",))
        self.refused("ca_certs", "ssl_auth", **CA)
        self.refused("ca_crl", "ssl_auth", ca_crl="/etc/crl.pem")

    def test_plain(self) -> None:
        """Without HTTPS there are no certificates."""
        self.refused("disable_ssl", **REQUIRED, disable_ssl=True)
        self.refused("disable_ssl", **OPTIONAL, disable_ssl=True, auth=("ssl",))

    def test_unix_socket(self) -> None:
        """A door without TLS would lead around certificates that are required."""
        self.refused("enable_unix_socket", **REQUIRED, enable_unix_socket=True)
