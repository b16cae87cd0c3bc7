"""Tests of judging tickets, with tickets of a real KDC."""

from __future__ import annotations

import os
import time
from importlib.util import find_spec
from pathlib import Path

from twisted.trial.unittest import SkipTest, SynchronousTestCase

from gotwist.errors import Unavailable
from tests.integration.daemon import until
from tests.integration.kerberos.kdc import ELSEWHERE, REALM, Kdc

HAS_GSSAPI = find_spec("gssapi") is not None
if HAS_GSSAPI:
    import gssapi

    from gotwist.auth.kerberos import NTLM, REFUSAL, Accepted, Acceptor, Refused

SPNEGO = "1.3.6.1.5.5.2"


class AcceptorCase(SynchronousTestCase):
    """A KDC, and this process as one of its services and clients."""

    clock_skew_s = 60

    def setUp(self) -> None:
        if not HAS_GSSAPI:
            raise SkipTest("the package gssapi is not installed")
        self.kdc = Kdc(clock_skew_s=self.clock_skew_s)
        self.addCleanup(self.kdc.stop)
        self.kdc.start()
        self.replays = self.kdc.home / "replays"
        self.patch_environment(KRB5_CONFIG=self.kdc.environment["KRB5_CONFIG"])

    def patch_environment(self, **changes: str) -> None:
        """Set variables until the test ends."""
        for name, value in changes.items():
            self.addCleanup(_restore, name, os.environ.get(name))
            os.environ[name] = value

    def acceptor(self, *services: str, realm: str | None = None) -> Acceptor:
        """A service with these keys."""
        keytab = self.kdc.keytab(*(services or ("HTTP/localhost",)))
        return Acceptor(keytab, "HTTP", realm, self.replays)

    def context(
        self, name: str, service: str = "HTTP@localhost", mech: str = SPNEGO, realm: str = REALM
    ) -> gssapi.SecurityContext:
        """A client's side of a sign-in."""
        self.patch_environment(KRB5CCNAME=self.kdc.ticket(name, realm)["KRB5CCNAME"])
        return self.another(service, mech)

    def another(
        self, service: str = "HTTP@localhost", mech: str = SPNEGO
    ) -> gssapi.SecurityContext:
        """Another sign-in with the same ticket."""
        return gssapi.SecurityContext(
            name=gssapi.Name(service, gssapi.NameType.hostbased_service),
            usage="initiate",
            mech=gssapi.OID.from_int_seq(mech),
            flags=[gssapi.RequirementFlag.mutual_authentication],
        )

    def token(self, name: str, service: str = "HTTP@localhost", realm: str = REALM) -> bytes:
        """What a client would send."""
        return self.context(name, service, realm=realm).step() or b""

    def refused(self, acceptor: Acceptor, token: bytes, reason: str = "") -> Refused:
        """The refusal of a token."""
        with self.assertRaises(Refused) as caught:
            acceptor.judge(token)
        self.assertIn(reason, caught.exception.reason)
        error: Refused = caught.exception
        return error


class TicketTests(AcceptorCase):
    def test_good(self) -> None:
        """A ticket signs in its principal, and the service proves itself in return."""
        context = self.context("alice")
        accepted = self.acceptor().judge(context.step() or b"")
        self.assertIsInstance(accepted, Accepted)
        user = accepted.user
        self.assertEqual((user.upn, user.method), ("alice@EXAMPLE.TEST", "kerberos"))
        self.assertEqual(dict(user.attributes), {"realm": REALM})
        context.step(accepted.reply)
        self.assertTrue(context.complete)
        self.assertNotIn(repr(accepted.reply), repr(accepted))

    def test_bare_kerberos(self) -> None:
        """A client that does not wrap its ticket is understood as well."""
        context = self.context("alice", mech="1.2.840.113554.1.2.2")
        self.assertEqual(self.acceptor().judge(context.step() or b"").user.upn, f"alice@{REALM}")

    def test_replay(self) -> None:
        """A token works once, for a daemon that was restarted meanwhile too."""
        token = self.token("alice")
        self.acceptor().judge(token)
        self.refused(self.acceptor(), token, "replay")
        self.assertEqual(self.replays.stat().st_mode & 0o777, 0o600)

    def test_channel(self) -> None:
        """A client that binds its token to its TLS connection is understood behind a proxy."""
        self.patch_environment(KRB5CCNAME=self.kdc.ticket("alice")["KRB5CCNAME"])
        bindings = gssapi.raw.ChannelBindings(application_data=b"tls-server-end-point:" + b"x" * 32)
        context = gssapi.SecurityContext(
            name=gssapi.Name("HTTP@localhost", gssapi.NameType.hostbased_service),
            usage="initiate",
            mech=gssapi.OID.from_int_seq(SPNEGO),
            channel_bindings=bindings,
        )
        self.acceptor().judge(context.step() or b"")

    def test_other_service(self) -> None:
        """A ticket for another service is refused, though the keytab holds its key."""
        acceptor = self.acceptor("HTTP/localhost", "host/localhost")
        acceptor.judge(self.token("alice"))
        self.refused(acceptor, self.token("alice", "host@localhost"), "does not match")

    def test_other_key(self) -> None:
        """A ticket made with a key that is not in the keytab is refused."""
        keytab = self.kdc.keytab("HTTP/localhost")
        token = self.token("alice")
        self.kdc.new_key("HTTP/localhost")
        newer = self.token("bob")
        acceptor = Acceptor(keytab, "HTTP", None, self.replays)
        acceptor.judge(token)
        self.refused(acceptor, newer, "not good")

    def test_other_realm(self) -> None:
        """People of a realm that ours trusts are let in only where the operator names it."""
        token = self.token("mallory", realm=ELSEWHERE)
        self.refused(self.acceptor(), token, "another realm")
        self.refused(
            self.acceptor(realm=REALM), self.token("mallory", realm=ELSEWHERE), "another realm"
        )
        named = self.acceptor(realm=ELSEWHERE)
        accepted = named.judge(self.token("mallory", realm=ELSEWHERE))
        self.assertEqual(accepted.user.upn, f"mallory@{ELSEWHERE}")
        self.refused(named, self.token("alice"), "another realm")

    def test_principals_of_no_person(self) -> None:
        """A principal with a slash names nobody here."""
        self.refused(self.acceptor(), self.token("carol/admin"), "cannot be a user's name")

    def test_ntlm(self) -> None:
        """NTLM is refused, and says so to the person."""
        error = self.refused(self.acceptor(), b"NTLMSSP\0\1\0\0\0" + bytes(24))
        self.assertEqual(error.message, NTLM)

    def test_nonsense(self) -> None:
        """Whatever is no token is refused, and the next good one is taken."""
        acceptor = self.acceptor()
        good = self.token("alice")
        tokens = [b"", b"x", b"\x60\x00", bytes(100), os.urandom(500), b"a" * 60_000, good[:-1]]
        tokens += [good[:50] + b"\0\0" + good[52:], good[: len(good) // 2]]
        for token in tokens:
            self.assertEqual(self.refused(acceptor, token).message, REFUSAL)
        self.assertEqual(acceptor.judge(good).user.upn, f"alice@{REALM}")


class TimeTests(AcceptorCase):
    """With clocks that may be only a second apart."""

    clock_skew_s = 1

    def test_old(self) -> None:
        """A token that was made a while ago, of a ticket that has expired, is refused."""
        ticket = self.kdc.ticket("alice", options=["-l", "2s"])
        self.patch_environment(KRB5CCNAME=ticket["KRB5CCNAME"])
        token = self.another().step() or b""
        ends = time.monotonic() + 4
        until(lambda: time.monotonic() > ends, "the ticket to expire")
        error = self.refused(self.acceptor(), token)
        self.assertRegex(error.reason, "expired|skew")


class KeytabTests(AcceptorCase):
    def refused_start(self, keytab: Path, word: str) -> None:
        with self.assertRaises(Unavailable) as caught:
            Acceptor(keytab, "HTTP", None, self.replays)
        self.assertIn(word, caught.exception.message)

    def test_missing(self) -> None:
        """Without a keytab, or without a key of the service, nothing starts, and it says why."""
        self.refused_start(self.kdc.home / "none", "cannot be read")
        self.refused_start(self.kdc.keytab("host/localhost"), "needs a key of the service HTTP")
        empty = self.kdc.home / "empty"
        empty.touch(0o600)
        self.refused_start(empty, "needs a key")

    def test_readable_by_all(self) -> None:
        """A keytab that everybody can read is refused; one for a group is not."""
        keytab = self.kdc.keytab("HTTP/localhost")
        keytab.chmod(0o644)
        self.refused_start(keytab, "chmod o-r")
        keytab.chmod(0o640)
        Acceptor(keytab, "HTTP", None, self.replays)


def _restore(name: str, value: str | None) -> None:
    if value is None:
        os.environ.pop(name, None)
    else:
        os.environ[name] = value
