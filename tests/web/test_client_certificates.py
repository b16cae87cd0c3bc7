"""Client certificates on a real door: who is let in, who is not, and what is learnt of them."""

from __future__ import annotations

import socket
import ssl
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import cast

from cryptography.x509 import UnrecognizedExtension
from cryptography.x509.oid import ExtensionOID, NameOID, ObjectIdentifier
from OpenSSL import SSL
from twisted.logger import ILogObserver, LogEvent, globalLogPublisher
from twisted.trial.unittest import SynchronousTestCase

from gotwist.errors import Unavailable
from gotwist.web.certificate import ensure_certificate
from gotwist.web.client_certificates import load_policy, read_certificate
from gotwist.web.handlers import Handlers
from gotwist.web.leaf import Leaf
from gotwist.web.options import ClientPolicy
from gotwist.web.request import Request
from gotwist.web.service import WebDoor
from gotwist.web.tls import ReloadingTls
from tests.web.authority import (
    CLIENTS,
    DAY,
    SERVERS,
    Issued,
    authority,
    issue,
    person,
    revocation_list,
)
from tests.web.live import LiveTestCase, client_context

ASK = b"GET /who HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n%b\r\n"


class Who(Leaf):
    """Tells who has proven themselves in TLS."""

    def render_GET(self, request: Request) -> bytes:
        """Tell the common name."""
        certificate = request.client_certificate()
        return b"-" if certificate is None else dict(certificate.subject)["commonName"].encode()


class DoorCase(LiveTestCase):
    """A door with a CA of its own."""

    def setUp(self) -> None:
        super().setUp()
        self.ca = authority()
        self.anna = issue(person("anna"), self.ca)
        self.ca_path = self.directory / "ca.pem"
        self.ca_path.write_bytes(self.ca.pem)
        self.tls: ReloadingTls
        self.events: list[LogEvent] = []
        observer = cast(ILogObserver, self.events.append)
        globalLogPublisher.addObserver(observer)
        self.addCleanup(globalLogPublisher.removeObserver, observer)

    def open(self, *, required: bool = True, crl: Path | None = None, **changes: object) -> WebDoor:
        """Open a door that asks for certificates."""
        paths = self.directory / "certificate.pem", self.directory / "key.pem"
        ensure_certificate(*paths, ["box.example"])
        self.tls = ReloadingTls(*paths, ClientPolicy(self.ca_path, crl, required))
        handlers = Handlers()
        handlers.add_handler("who", Who(), is_public=True)
        self.parts = replace(self.parts, handlers=handlers)
        return self.open_door(self.tls, **changes)

    async def ask(
        self,
        door: WebDoor,
        shown: Issued | None,
        *above: Issued,
        version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3,
        headers: str = "",
    ) -> str:
        """Ask who one is; ``refused`` when TLS ends without an answer."""
        context = client_context(self.directory)
        context.minimum_version = context.maximum_version = version
        if shown is not None:
            context.load_cert_chain(*shown.write(self.directory, "shown", *above))
        return str(await self.in_thread(partial(talk, door.port, context, headers)))

    def reasons(self) -> list[str]:
        """Why certificates were refused, as the log has it."""
        return [
            str(event["reason"])
            for event in self.events
            if "client certificate" in str(event.get("log_format"))
        ]

    async def refused(self, door: WebDoor, shown: Issued, *above: Issued, why: str) -> None:
        """A certificate is refused with both versions of TLS, and the log says why."""
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            self.assertEqual(await self.ask(door, shown, *above, version=version), "refused", why)
        self.assertIn(why, self.reasons())


def talk(port: int, context: ssl.SSLContext, headers: str) -> str:
    """Ask a door who one is; blocking."""
    try:
        with (
            socket.create_connection(("127.0.0.1", port), 10) as plain,
            context.wrap_socket(plain, server_hostname="localhost") as client,
        ):
            client.sendall(ASK % headers.encode())
            data = b""
            while piece := client.recv(65_536):
                data += piece
    except (ssl.SSLError, ConnectionError):
        return "refused"
    return data.partition(b"\r\n\r\n")[2].decode() if data else "refused"


class AcceptedTests(DoorCase):
    async def test_required(self) -> None:
        """Where one is required, a certificate of the CA opens the door and nothing else does."""
        door = self.open()
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            self.assertEqual(await self.ask(door, self.anna, version=version), "anna")
            self.assertEqual(await self.ask(door, None, version=version), "refused")
        self.assertIn("client certificates required", door.describe()[0])

    async def test_optional(self) -> None:
        """Where one is optional, who has none comes in as nobody; a bad one is still refused."""
        door = self.open(required=False)
        self.assertEqual(await self.ask(door, self.anna), "anna")
        self.assertEqual(await self.ask(door, None), "-")
        await self.refused(door, issue(person("eve")), why="it is self-signed")
        self.assertIn("client certificates optional", door.describe()[0])

    async def test_not_asked(self) -> None:
        """A door that does not ask learns of no certificate."""
        door = self.open_door(self.make_tls())
        context = client_context(self.directory)
        context.load_cert_chain(*self.anna.write(self.directory, "shown"))
        self.assertIn("404", await self.in_thread(partial(talk, door.port, context, "")))

    async def test_several_authorities(self) -> None:
        """Every CA of the file counts, one below another as well as a root."""
        other = authority("Other", name="Root")
        staff = authority("Staff", name="Staff", issuer=other)
        self.ca_path.write_bytes(b"# ours\n" + self.ca.pem + b"\n# theirs\n" + staff.pem)
        door = self.open()
        self.assertEqual(await self.ask(door, self.anna), "anna")
        self.assertEqual(await self.ask(door, issue(person("bob"), staff)), "bob")
        await self.refused(door, issue(person("eve"), other), why="its issuer is unknown")

    async def test_chain(self) -> None:
        """A certificate of a CA below ours counts when that is sent along."""
        below = authority("Below", name="Below", issuer=self.ca)
        bob = issue(person("bob"), below)
        door = self.open()
        self.assertEqual(await self.ask(door, bob, below), "bob")
        await self.refused(door, bob, why="its issuer is unknown")

    async def test_without_purpose(self) -> None:
        """A certificate that names no purpose is good for any, as many private CAs have it."""
        door = self.open()
        plain = issue(person("bob"), self.ca, is_ca=None, usage=None)
        self.assertEqual(await self.ask(door, plain), "bob")
        both = issue(person("carl"), self.ca, usage=(SERVERS, CLIENTS))
        self.assertEqual(await self.ask(door, both), "carl")

    async def test_whom_we_trust(self) -> None:
        """Clients are told whose certificates are wanted, so that browsers can choose."""
        door = self.open()
        context = SSL.Context(SSL.TLS_CLIENT_METHOD)

        def names() -> list[str]:
            with socket.create_connection(("127.0.0.1", door.port), 10) as plain:
                plain.settimeout(None)
                client = SSL.Connection(context, plain)
                client.set_connect_state()
                client.do_handshake()
                return [str(name.O) for name in client.get_client_ca_list()]

        self.assertEqual(await self.in_thread(names), ["Example"])


class RefusedTests(DoorCase):
    async def test_dates(self) -> None:
        """An expired certificate is refused, and one that is not valid yet."""
        door = self.open()
        past = issue(person("eve"), self.ca, begins=-3 * DAY, ends=-DAY)
        await self.refused(door, past, why="it has expired")
        future = issue(person("eve"), self.ca, begins=DAY, ends=3 * DAY)
        await self.refused(door, future, why="it is not valid yet")

    async def test_strangers(self) -> None:
        """Another CA's certificate is refused, even when that CA bears the name of ours."""
        door = self.open()
        other = authority("Other")
        await self.refused(door, issue(person("anna"), other), why="its issuer is unknown")
        await self.refused(
            door, issue(person("anna"), other), other, why="its chain ends in an unknown CA"
        )
        double = authority()
        await self.refused(door, issue(person("anna"), double), why="its signature is wrong")
        await self.refused(door, issue(person("anna")), why="it is self-signed")

    async def test_purpose(self) -> None:
        """A server's certificate is nobody's."""
        door = self.open()
        server = issue(person("box.example"), self.ca, usage=(SERVERS,))
        await self.refused(door, server, why="it is not for clients")

    async def test_authorities(self) -> None:
        """A CA's own certificate is nobody's, whatever purposes it names."""
        below = authority("Below", name="Below", issuer=self.ca)
        armed = issue(person("eve"), self.ca, is_ca=True, usage=(CLIENTS,))
        self.ca_path.write_bytes(self.ca.pem + below.pem)
        door = self.open()
        for shown in (below, armed, self.ca):
            await self.refused(door, shown, why="it is a CA's own")

    async def test_unreadable(self) -> None:
        """A certificate of which OpenSSL reads more than we do is refused, and nothing breaks."""
        door = self.open()
        x400 = UnrecognizedExtension(
            ExtensionOID.SUBJECT_ALTERNATIVE_NAME, bytes.fromhex("3002a300")
        )
        await self.refused(door, issue(person("eve"), self.ca, more=x400), why="it cannot be read")
        self.assertEqual(self.flushLoggedErrors(), [])

    async def test_issued_by_a_person(self) -> None:
        """A person's certificate cannot issue another."""
        door = self.open()
        eve = issue(person("root"), self.anna)
        await self.refused(door, eve, self.anna, why="its issuer is no CA")

    async def test_headers(self) -> None:
        """A header that claims a certificate is not believed."""
        door = self.open(required=False)
        headers = "X-SSL-Client-S-DN: CN=root\r\nX-Client-Cert: x\r\nSSL_CLIENT_CERT: x\r\n"
        self.assertEqual(await self.ask(door, None, headers=headers), "-")

    async def test_proxy(self) -> None:
        """A listed proxy's own certificate lets it connect, and names no user."""
        proxy = issue(person("proxy"), self.ca)
        door = self.open(trusted_proxies=("127.0.0.1",))
        headers = "X-Forwarded-For: 192.0.2.7\r\nX-Forwarded-Proto: https\r\n"
        self.assertEqual(await self.ask(door, proxy, headers=headers), "-")
        self.assertEqual(await self.ask(door, None, headers=headers), "refused")

    async def test_log_is_not_filled(self) -> None:
        """Refusals of one address for one reason are told once a minute."""
        door = self.open()
        for _ in range(3):
            self.assertEqual(await self.ask(door, issue(person("eve"))), "refused")
        self.assertEqual(self.reasons(), ["it is self-signed"])


class RevocationTests(DoorCase):
    def crl(self, *lists: bytes) -> Path:
        """Write the file of revocation lists."""
        path = self.directory / "crl.pem"
        path.write_bytes(b"\n".join(lists))
        return path

    async def test_revoked(self) -> None:
        """A revoked certificate is refused, and another of the same CA is not."""
        bob = issue(person("bob"), self.ca)
        door = self.open(crl=self.crl(revocation_list(self.ca, [bob])))
        self.assertEqual(await self.ask(door, self.anna), "anna")
        await self.refused(door, bob, why="it is revoked")

    async def test_revoked_authority(self) -> None:
        """What a revoked CA has issued is refused; without its own list too."""
        good, bad = (authority(n, name=n, issuer=self.ca) for n in ("Good", "Bad"))
        lists = [revocation_list(self.ca, [bad]), revocation_list(good), revocation_list(bad)]
        door = self.open(crl=self.crl(*lists))
        self.assertEqual(await self.ask(door, issue(person("bob"), good), good), "bob")
        await self.refused(door, issue(person("eve"), bad), bad, why="it is revoked")
        unlisted = authority("Third", name="Third", issuer=self.ca)
        await self.refused(
            door,
            issue(person("eve"), unlisted),
            unlisted,
            why="there is no revocation list of its issuer",
        )

    async def test_intermediate_alone(self) -> None:
        """A CA that is listed without the one above it needs its own list, and no other."""
        staff = authority("Staff", name="Staff", issuer=self.ca)
        bob, eve = issue(person("bob"), staff), issue(person("eve"), staff)
        above, own = revocation_list(self.ca), revocation_list(staff, [eve])
        self.ca_path.write_bytes(staff.pem)
        self.assertRaises(Unavailable, self.open, crl=self.crl(above))
        for lists in ([own], [own, above]):
            door = self.open(crl=self.crl(*lists))
            self.assertEqual(await self.ask(door, bob), "bob")
            await self.refused(door, eve, why="it is revoked")
        self.ca_path.write_bytes(staff.pem + self.ca.pem)
        door = self.open(crl=self.crl(own, revocation_list(self.ca, [staff])))
        await self.refused(door, bob, why="it is revoked")

    async def test_reload(self) -> None:
        """A certificate that is revoked while the door is open is refused from then on."""
        path = self.crl(revocation_list(self.ca))
        door = self.open(crl=path)
        self.assertEqual(await self.ask(door, self.anna), "anna")
        path.write_bytes(revocation_list(self.ca, [self.anna]))
        self.assertTrue(await door.refresh_certificate())
        self.assertEqual(await self.ask(door, self.anna), "refused")

    async def test_reload_of_authorities(self) -> None:
        """Another CA comes into force with the file; a broken file leaves the old one."""
        door = self.open()
        other = authority("Other")
        bob = issue(person("bob"), other)
        self.assertEqual(await self.ask(door, bob), "refused")
        self.ca_path.write_bytes(b"nonsense")
        self.assertFalse(await door.refresh_certificate())
        self.assertEqual(await self.ask(door, self.anna), "anna")
        self.ca_path.write_bytes(other.pem)
        self.assertTrue(await door.refresh_certificate())
        self.assertEqual(await self.ask(door, bob), "bob")
        self.assertEqual(await self.ask(door, self.anna), "refused")


class FilesTests(SynchronousTestCase):
    """What the files must be."""

    def setUp(self) -> None:
        self.directory = Path(self.mktemp()).absolute()
        self.directory.mkdir()
        self.ca = authority()

    def refused(self, words: str, authorities: bytes, crl: bytes | None = None) -> None:
        """Files that cannot be used are told in one sentence with the file's name."""
        ca_path, crl_path = self.directory / "ca.pem", self.directory / "crl.pem"
        ca_path.write_bytes(authorities)
        if crl is not None:
            crl_path.write_bytes(crl)
        with self.assertRaises(Unavailable) as refused:
            load_policy(ClientPolicy(ca_path, None if crl is None else crl_path))
        message = refused.exception.message
        self.assertIn(words, message)
        self.assertIn(str(ca_path if crl is None else crl_path), message)
        self.assertNotIn("\n", message)

    def test_missing(self) -> None:
        """A file that is not there is told by its name."""
        path = self.directory / "none.pem"
        with self.assertRaises(Unavailable) as refused:
            load_policy(ClientPolicy(path))
        self.assertIn(f"Cannot read the CA certificates {path}", refused.exception.message)

    def test_no_certificates(self) -> None:
        """Neither an empty file, nor another, nor a damaged certificate is taken."""
        cut = self.ca.pem.replace(b"M", b"m", 5)
        for content in (b"", b"hello", self.ca.key_pem, cut):
            self.refused("holds no CA certificates", content)

    def test_no_authority(self) -> None:
        """A certificate that is no CA's is not trusted by itself."""
        for one in (issue(person("anna"), self.ca), issue(person("eve"), is_ca=None)):
            self.refused("no CA's: CN=", self.ca.pem + one.pem)

    def test_lists(self) -> None:
        """A revocation list must be there for each CA, be one, and not have expired."""
        other = authority("Other")
        good = revocation_list(self.ca)
        self.refused("no revocation list", self.ca.pem, b"hello")
        self.refused("no revocation list", self.ca.pem, good.replace(b"M", b"m", 5))
        self.refused("lacks the revocation list of", self.ca.pem, revocation_list(other))
        self.refused("lacks the revocation list of", self.ca.pem + other.pem, good)
        self.refused("has expired", self.ca.pem, revocation_list(self.ca, ends=-timedelta(hours=1)))

    def test_time(self) -> None:
        """Whether a list has expired is a matter of the time given."""
        ca_path, crl_path = self.directory / "ca.pem", self.directory / "crl.pem"
        ca_path.write_bytes(self.ca.pem)
        crl_path.write_bytes(revocation_list(self.ca))
        policy = ClientPolicy(ca_path, crl_path)
        self.assertEqual(len(load_policy(policy).revoked), 1)
        later = datetime.now(UTC) + 2 * DAY
        self.assertRaises(Unavailable, load_policy, policy, later)


class ReadTests(SynchronousTestCase):
    def test_fields(self) -> None:
        """Subject and issuer are read in order, by their long names."""
        ca = authority("Example Corp")
        anna = issue(
            person(
                "anna",
                (NameOID.ORGANIZATIONAL_UNIT_NAME, "staff"),
                (NameOID.ORGANIZATIONAL_UNIT_NAME, "admin"),
                (NameOID.EMAIL_ADDRESS, "anna@example.org"),
                (NameOID.USER_ID, "a1"),
                (ObjectIdentifier("1.3.6.1.4.1.99999.1"), "x"),
            ),
            ca,
        )
        read = read_certificate(anna.certificate)
        self.assertEqual(
            read.subject,
            (
                ("commonName", "anna"),
                ("organizationalUnitName", "staff"),
                ("organizationalUnitName", "admin"),
                ("emailAddress", "anna@example.org"),
                ("userId", "a1"),
                ("1.3.6.1.4.1.99999.1", "x"),
            ),
        )
        self.assertEqual(dict(read.issuer)["organizationName"], "Example Corp")
        self.assertEqual(int(read.serial, 16), anna.certificate.serial_number)
        self.assertRegex(read.fingerprint, r"\A[0-9a-f]{64}\Z")
