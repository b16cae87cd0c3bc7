"""Tests of the names that certificates stand for."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from gotwist.auth.certificates import METHOD_SSL, ClientCertificate, Name, user_of
from gotwist.errors import Malformed

ISSUER: Name = (("commonName", "CA"), ("organizationName", "Example"))


def certificate(*subject: tuple[str, str], issuer: Name = ISSUER) -> ClientCertificate:
    return ClientCertificate(subject, issuer, "1f", "ab" * 32)


def upn(common_name: str, issuer: Name = ISSUER) -> str:
    return user_of(certificate(("commonName", common_name), issuer=issuer)).upn


class NameTests(SynchronousTestCase):
    def test_name(self) -> None:
        """The common name is the user, at the issuer's organisation."""
        self.assertEqual(upn("anna"), "anna@Example")
        self.assertEqual(upn("anna@example.org"), "anna@example.org@Example")

    def test_replaced(self) -> None:
        """What shells and paths would read is a dot, and so is white space."""
        for character in "/\\$;&`!*?|<>\n \t":
            self.assertEqual(upn(f"a{character}b"), "a.b@Example", repr(character))

    def test_organization(self) -> None:
        """The organisation is written with what a name may hold."""
        for organization, written in (
            ("Example Corp.", "Example.Corp"),
            ("Example, Inc.", "Example.Inc"),
            ("example.org", "example.org"),
            ("a/../b", "a.b"),
            ("x@y", "x.y"),
            ("Müller GmbH", "M.ller.GmbH"),
        ):
            issuer = (("organizationName", organization),)
            self.assertEqual(upn("anna", issuer), f"anna@{written}")
        self.assertRaises(Malformed, upn, "anna", (("organizationName", "株式会社"),))

    def test_unknown_organization(self) -> None:
        """Where the issuer names no organisation, the common name stands alone."""
        self.assertEqual(upn("anna", (("commonName", "CA"),)), "anna")

    def test_two_authorities(self) -> None:
        """The same name from two CAs is two users."""
        self.assertNotEqual(upn("anna"), upn("anna", (("organizationName", "Other"),)))

    def test_bad_names(self) -> None:
        """What cannot be a user's name is refused, never bent until it fits somebody else."""
        for bad in ("", "../x", "a/../b", "-anna", ".anna", "Müller", "a\x00b", "a'b", "x" * 129):
            self.assertRaises(Malformed, upn, bad)

    def test_number_of_names(self) -> None:
        """No name, or two of them, is no name."""
        two = certificate(("commonName", "anna"), ("commonName", "root"))
        self.assertRaises(Malformed, user_of, two)
        self.assertRaises(Malformed, user_of, certificate(("organizationName", "x")))

    def test_other_field(self) -> None:
        """The settings may name another field of the subject."""
        shown = certificate(("commonName", "Anna A."), ("emailAddress", "anna@example.org"))
        self.assertEqual(user_of(shown, "emailAddress").upn, "anna@example.org@Example")
        self.assertRaises(Malformed, user_of, shown, "userId")


class AttributeTests(SynchronousTestCase):
    def test_attributes(self) -> None:
        """The subject's fields become attributes, those that stand several times as one."""
        user = user_of(
            certificate(
                ("commonName", "anna"),
                ("organizationalUnitName", "staff"),
                ("organizationalUnitName", "admin"),
                ("1.2.3", "unknown"),
                ("title", "a\nb"),
                ("localityName", "x" * 1025),
            )
        )
        self.assertEqual(user.method, METHOD_SSL)
        self.assertEqual(
            user.attributes,
            {
                "commonName": "anna",
                "organizationalUnitName": "staff;admin",
                "certificate": "ab" * 32,
            },
        )
