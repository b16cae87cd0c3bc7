"""Tests of the ways of signing in that the daemon can be told to use."""

from __future__ import annotations

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
