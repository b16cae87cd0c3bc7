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

    def test_networks(self) -> None:
        """Users are meant by the network they come from, of either kind."""
        self.assertTrue(self.matches("address=10.0.0.0/8"))
        self.assertTrue(self.matches("address=2001:db8::/32, 10.1.2.3"))
        self.assertTrue(self.matches("user.ip_address=10.1.0.0/16"))
        self.assertFalse(self.matches("address=10.2.0.0/16,192.0.2.0/24"))
        self.assertFalse(self.matches("address=10.1.2.4"))
        scope = parse_scope("address=10.0.0.0/8,fe80::/10")
        assert scope is not None
        for address, is_meant in (
            ("::ffff:10.9.9.9", True),
            ("fe80::1%eth0", True),
            ("2001:db8::1", False),
            ("unix", False),
            ("", False),
            ("10.1.2.3.4", False),
        ):
            self.assertIs(is_meant, scope.matches({"ip_address": address}, ()), address)
        self.assertFalse(scope.matches({}, ()))

    def test_several(self) -> None:
        """Of several conditions all must hold."""
        self.assertTrue(self.matches("group=staff and address=10.0.0.0/8", "staff"))
        self.assertFalse(self.matches("group=staff and address=192.0.2.0/24", "staff"))
        self.assertFalse(self.matches("group=staff and address=10.0.0.0/8", "guests"))
        self.assertTrue(
            self.matches("user=alice@.* and user.ip_address=10\\..* and group=a|b", "b")
        )
        scope = parse_scope("user.department=Research and Development")
        assert scope is not None
        self.assertTrue(scope.matches({"department": "Research and Development"}, ()))
        self.assertFalse(scope.matches({"department": "Research"}, ()))

    def test_bad_networks(self) -> None:
        """What is no network is refused, and so is one whose address is not its first."""
        for text in ("address=", "address=10.1", "address=10.0.0.0/33", "address=10.1.2.3/8,"):
            self.assertRaises(ValueError, parse_scope, text)
        error = self.assertRaises(ValueError, parse_scope, "address=10.1.2.3/8")
        self.assertIn("host bits", str(error))
        self.assertRaises(ValueError, parse_scope, "address.x=10.0.0.0/8")
        self.assertRaises(ValueError, parse_scope, "user=a and " * 9 + "user=a")

    def test_refused(self) -> None:
        """What is no scope is refused, a bad regular expression too."""
        for text in ("", "**", "users=x", "user", "group.name=x", "user.=x", "alice"):
            error = self.assertRaises(ValueError, parse_scope, text)
            self.assertIn("is no scope", str(error))
        error = self.assertRaises(ValueError, parse_scope, "user=(alice")
        self.assertIn("regular expression", str(error))
        self.assertRaises(ValueError, parse_scope, "user=" + "a" * 2000)
