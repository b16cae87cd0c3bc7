"""Tests of scopes."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from gotwist.settings.scopes import parse_scope

ALICE = {"upn": "alice@example.org", "ip_address": "10.1.2.3"}


class ScopeTests(SynchronousTestCase):
    def matches(self, text: str, *groups: str) -> bool:
        scope = parse_scope(text)
        assert scope is not None
        return scope.matches(ALICE, groups)

    def test_everybody(self) -> None:
        """The star is for everybody."""
        self.assertIsNone(parse_scope("*"))

    def test_names(self) -> None:
        """Users are meant by name, with and without .upn."""
        self.assertTrue(self.matches(r"user=alice@example\.org"))
        self.assertTrue(self.matches(r"user.upn=alice@.*"))
        self.assertFalse(self.matches("user=bob.*"))

    def test_anchored(self) -> None:
        """An expression must match the whole value: alice is not alice@example.org."""
        self.assertFalse(self.matches("user=alice"))
        self.assertFalse(self.matches(r"user=example\.org"))
        self.assertFalse(self.matches("user=lice.*"))
        scope = parse_scope("user=alice")
        assert scope is not None
        self.assertFalse(scope.matches({"upn": "alice\n"}, ()))

    def test_alternatives_are_anchored(self) -> None:
        """Each alternative must match the whole value."""
        self.assertFalse(self.matches("user=alice|bob"))

    def test_attributes(self) -> None:
        """Users are meant by any other attribute; who lacks it is not meant."""
        self.assertTrue(self.matches(r"user.ip_address=10\.1\..*"))
        self.assertFalse(self.matches(r"user.ip_address=10\.2\..*"))
        self.assertFalse(self.matches("user.email=.*"))

    def test_groups(self) -> None:
        """Members of a group are meant; who has no group is not."""
        self.assertTrue(self.matches("group=adm.*", "users", "admins"))
        self.assertFalse(self.matches("group=adm", "users", "admins"))
        self.assertFalse(self.matches("group=.*"))

    def test_refused(self) -> None:
        """What is no scope is refused, a bad regular expression too."""
        for text in ("", "**", "users=x", "user", "group.name=x", "user.=x", "alice"):
            error = self.assertRaises(ValueError, parse_scope, text)
            self.assertIn("is no scope", str(error))
        error = self.assertRaises(ValueError, parse_scope, "user=(alice")
        self.assertIn("regular expression", str(error))
        self.assertRaises(ValueError, parse_scope, "user=" + "a" * 2000)
