"""Tests of the ways of signing in that the daemon can be told to use."""

from __future__ import annotations

import subprocess
import sys

from twisted.trial.unittest import SynchronousTestCase

from gotwist.settings.error import SettingsError
from gotwist.settings.load import load
from gotwist.settings.sign_in_options import METHODS as NAMES
from gotwist.tap.methods import METHODS
from tests.settings.helpers import files, makings


class MethodsTests(SynchronousTestCase):
    def chosen(self, auth: str) -> tuple[str, ...]:
        return load(files(f'{{"*": {{"gotwist": {{"auth": {auth}}}}}}}'), makings()).texts("auth")

    def test_makers(self) -> None:
        """What the settings can name can be made, and nothing else can be named."""
        self.assertEqual(set(NAMES), set(METHODS))

    def test_one(self) -> None:
        """A single method is written as a text or as a list."""
        self.assertEqual(self.chosen('"token"'), ("token",))
        self.assertEqual(self.chosen('["none"]'), ("none",))

    def test_none_is_alone(self) -> None:
        """Asking nobody cannot be combined with asking."""
        for auth in ('["none", "token"]', '"token;none"'):
            with self.assertRaises(SettingsError) as refused:
                self.chosen(auth)
            self.assertIn("alone", str(refused.exception))

    def test_bad(self) -> None:
        """A method that does not exist, or no method at all, is refused."""
        for auth in ('"trust"', "[]", '["token", "trust"]', '""', "1"):
            with self.assertRaises(SettingsError):
                self.chosen(auth)


class ExtraTests(SynchronousTestCase):
    """Methods that need packages not everybody has."""

    def python(self, program: str) -> str:
        """What a program of its own prints."""
        done = subprocess.run(
            [sys.executable, "-c", program], capture_output=True, text=True, timeout=60
        )
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout.strip()

    def test_not_imported(self) -> None:
        """What is not switched on costs no memory: nothing of it is imported."""
        found = self.python(
            "import sys, gotwist.tap.build\n"
            "print([name for name in ('jwt', 'gssapi', 'gotwist.auth.oidc', "
            "'gotwist.auth.kerberos') if name in sys.modules])"
        )
        self.assertEqual(found, "[]")

    def test_missing(self) -> None:
        """A method whose package is missing refuses to start, and says what to install."""
        for method, package, extra in (
            ("oidc", "jwt", "oidc"),
            ("google", "jwt", "oidc"),
            ("kerberos", "gssapi", "kerberos"),
        ):
            said = self.python(
                f"import sys; sys.modules[{package!r}] = None\n"
                "from gotwist.errors import Unavailable\n"
                "from gotwist.tap.methods import METHODS\n"
                "try:\n"
                f" METHODS[{method!r}](None)\n"
                "except Unavailable as error:\n"
                " print(error.message)"
            )
            self.assertIn(f"auth={method} needs the Python package {package}", said)
            self.assertIn(f"pip install 'gotwist[{extra}]'", said)
