"""Tests of the commands that edit users and second factors."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Sequence
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from gotwist.auth.totp import parse_secrets
from gotwist.errors import Malformed, NotFound
from gotwist.paths import default_places
from gotwist.settings.snapshot import Snapshot
from gotwist.settings.start import open_settings
from gotwist.settings.values import Value
from gotwist.tap.users import change_password, enrol


class UsersCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.directory = Path(self.mktemp()).absolute()
        self.directory.mkdir(parents=True)
        self.auth: Value = ("file",)
        self.realm = ""

    def read(self, arguments: Sequence[str]) -> Snapshot:
        self.assertEqual(list(arguments), [])
        places = default_places(is_root=False, home="/h", base=str(self.directory))
        return open_settings({"auth": self.auth, "pam_realm": self.realm}, places).source.current

    def enrol(self, *words: str) -> str:
        """Run the command; answers what it prints."""
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(io.StringIO()):
            self.assertEqual(enrol(words, self.read), 0)
        return printed.getvalue()

    def secrets(self) -> set[str]:
        return set(parse_secrets((self.directory / "conf.d" / "totp.json").read_text()))


class TotpTests(UsersCase):
    def test_enrol(self) -> None:
        """A second factor is for the user named, told once, and can be taken away."""
        self.assertIn("otpauth://totp/gotwist:anna?secret=", self.enrol("anna"))
        self.assertEqual(self.secrets(), {"anna"})
        self.enrol("--delete", "anna")
        self.assertEqual(self.secrets(), set())
        self.assertRaises(NotFound, self.enrol, "--delete", "anna")

    def test_account(self) -> None:
        """Where PAM is asked, a plain name means the account too, as its users are called."""
        self.auth, self.realm = ("pam",), "box.example"
        self.enrol("anna")
        self.enrol("bob@elsewhere")
        self.assertEqual(self.secrets(), {"anna", "anna@box.example", "bob@elsewhere"})
        self.enrol("--delete", "anna")
        self.assertEqual(self.secrets(), {"bob@elsewhere"})

    def test_account_without_realm(self) -> None:
        """Without a realm the account's name is the user's."""
        self.auth = ("pam",)
        self.enrol("anna")
        self.assertEqual(self.secrets(), {"anna"})

    def test_no_name(self) -> None:
        """What can be no user's name gets no second factor."""
        for name in ("../x", "an na", "", "a" * 65):
            self.assertRaises(Malformed, self.enrol, name)
        self.assertRaises(Malformed, change_password, ["an na"], self.read)
