"""The door as a whole, on real sockets."""

from __future__ import annotations

import os
import socket
import ssl
import stat
import warnings
from datetime import UTC, datetime, timedelta
from functools import partial
from http.client import HTTPConnection
from pathlib import Path

import treq
from cryptography import x509

from gotwist.errors import Unavailable
from gotwist.web.certificate import ensure_certificate, make_certificate
from gotwist.web.portholder import port_holder
from gotwist.web.service import WebDoor
from gotwist.web.tls import load_certificate
from tests.web.live import LiveTestCase, client_context, reactor

GET = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"


def read_all(client: socket.socket) -> bytes:
    """Read until the other side ends."""
    data = b""
    while piece := client.recv(65_536):
        data += piece
    return data


class ListenTests(LiveTestCase):
    async def test_plain(self) -> None:
        """A plain door answers, and tells of itself in one line."""
        door = self.open_door()
        response = await self.get(door, "/healthz")
        self.assertEqual((response.code, await treq.content(response)), (200, b"ok\n"))
        (line,) = door.describe()
        self.assertEqual(line, f"web: http://127.0.0.1:{door.port}/ (127.0.0.1; no TLS)")

    async def test_every_address(self) -> None:
        """The empty address means all addresses of both families, on one port."""
        door = self.open_door(addresses=("",))
        hosts = ["127.0.0.1", "::1"] if socket.has_ipv6 and len(door.doors) > 1 else ["127.0.0.1"]
        for host in hosts:
            client = socket.create_connection((host, door.port))
            client.sendall(GET)
            self.assertIn(b"200 OK", await self.in_thread(partial(client.recv, 100)))
            client.close()

    async def test_port_in_use(self) -> None:
        """A taken port is told with address, port and the process that has it."""
        first = self.open_door()
        door = WebDoor(self.settings(port=first.port), self.parts, reactor)
        error = self.assertRaises(Unavailable, door.open)
        self.assertIn(f"port {first.port} on 127.0.0.1 is in use by ", error.message)
        self.assertIn(f"(pid {os.getpid()})", error.message)
        self.assertIsNone(port_holder(1, Path(self.mktemp())))

    async def test_bad_address(self) -> None:
        """An address that is not ours is a clear sentence, and nothing stays open."""
        before = len(os.listdir("/proc/self/fd"))
        for address in ("192.0.2.1", "no such name"):
            door = WebDoor(self.settings(addresses=("127.0.0.1", address)), self.parts, reactor)
            self.assertRaises(Unavailable, door.open)
        self.assertEqual(len(os.listdir("/proc/self/fd")), before)

    async def test_contradiction(self) -> None:
        """Redirecting to HTTPS without HTTPS is refused, as is HTTPS without certificate."""
        both = self.settings(https_redirect=True)
        self.assertRaises(Unavailable, WebDoor, both, self.parts, reactor)
        self.assertRaises(
            Unavailable, WebDoor, self.settings(disable_ssl=False), self.parts, reactor
        )


class UnixTests(LiveTestCase):
    def path(self) -> Path:
        """Give a path short enough for a socket."""
        return Path(os.path.relpath(self.directory / "s"))

    async def test_mode_and_answer(self) -> None:
        """The UNIX socket has its mode, answers, and goes with the door."""
        path = self.path()
        door = WebDoor(self.settings(unix_socket=path), self.parts, reactor)
        door.startService()
        self.assertEqual(stat.S_IMODE(path.stat().st_mode), 0o660)
        client = socket.socket(socket.AF_UNIX)
        client.connect(str(path))
        client.sendall(GET)
        self.assertIn(b"200 OK", await self.in_thread(lambda: client.recv(100)))
        client.close()
        self.assertIn(f"web: http on the UNIX socket {path}, mode 0660", door.describe())
        await door.stopService()
        self.assertFalse(path.exists())

    async def test_stale(self) -> None:
        """A socket left by a crash is replaced."""
        path = self.path()
        with socket.socket(socket.AF_UNIX) as dead:
            dead.bind(str(path))
        self.open_door(unix_socket=path)

    async def test_taken(self) -> None:
        """A socket that answers, and a file that is none, stay as they are."""
        path = self.path()
        with socket.socket(socket.AF_UNIX) as alive:
            alive.bind(str(path))
            alive.listen()
            door = WebDoor(self.settings(unix_socket=path), self.parts, reactor)
            error = self.assertRaises(Unavailable, door.open)
            self.assertIn("another program answers", error.message)
        path.unlink()
        path.write_text("precious")
        self.assertRaises(Unavailable, door.open)
        self.assertEqual(path.read_text(), "precious")


class TlsTests(LiveTestCase):
    def connect(self, port: int, context: ssl.SSLContext) -> ssl.SSLSocket:
        """Connect as a browser does; blocking."""
        plain = socket.create_connection(("127.0.0.1", port))
        try:
            return context.wrap_socket(plain, server_hostname="localhost")
        except BaseException:
            plain.close()
            raise

    async def test_answers(self) -> None:
        """HTTPS with the made certificate: TLS 1.3, http/1.1 only, HSTS."""
        tls = self.make_tls()
        door = self.open_door(tls)
        context = client_context(self.directory)
        context.set_alpn_protocols(["h2", "http/1.1"])

        def talk() -> tuple[str | None, str | None, bytes]:
            with self.connect(door.port, context) as client:
                client.sendall(GET.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
                return client.version(), client.selected_alpn_protocol(), read_all(client)

        version, protocol, answer = await self.in_thread(talk)
        self.assertEqual((version, protocol), ("TLSv1.3", "http/1.1"))
        self.assertIn(b"Strict-Transport-Security: max-age=63072000", answer)
        self.assertIn(tls.current.fingerprint, door.describe()[0])

    async def test_old_and_weak(self) -> None:
        """TLS 1.1, and TLS 1.2 with CBC or RSA key exchange, are refused; 1.2 with GCM is not."""
        door = self.open_door(self.make_tls())

        def handshake(ciphers: str, version: ssl.TLSVersion) -> str | None:
            context = client_context(self.directory)
            context.set_ciphers(ciphers)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)
                context.minimum_version = context.maximum_version = version
            with self.connect(door.port, context) as client:
                return client.version()

        ok = await self.in_thread(
            lambda: handshake("ECDHE-ECDSA-AES128-GCM-SHA256", ssl.TLSVersion.TLSv1_2)
        )
        self.assertEqual(ok, "TLSv1.2")
        for ciphers, version in (
            ("ECDHE-ECDSA-AES128-SHA", ssl.TLSVersion.TLSv1_2),
            ("AES128-GCM-SHA256", ssl.TLSVersion.TLSv1_2),
            ("ALL:@SECLEVEL=0", ssl.TLSVersion.TLSv1_1),
        ):
            with self.assertRaises(OSError):
                await self.in_thread(partial(handshake, ciphers, version))

    async def test_refusal_really_ends(self) -> None:
        """Over TLS, too, a refused body is answered and the connection ends, while more comes."""
        door = self.open_door(self.make_tls())

        def flood() -> bytes:
            with self.connect(door.port, client_context(self.directory)) as client:
                client.settimeout(10)
                client.sendall(
                    b"POST /auth HTTP/1.1\r\nHost: localhost\r\nContent-Length: 999999999\r\n\r\n"
                )
                answer = client.recv(65_536)
                try:
                    while True:
                        client.sendall(b"x" * 65_536)
                except OSError:
                    return answer

        self.assertIn(b"413 ", await self.in_thread(flood))
        self.assertEqual(len(door.connections), 0)

    async def test_reload(self) -> None:
        """New files are used for new connections; bad ones change nothing."""
        tls = self.make_tls()
        door = self.open_door(tls)
        first = tls.current.fingerprint
        self.assertFalse(await door.refresh_certificate())
        certificate, keyfile = self.directory / "certificate.pem", self.directory / "key.pem"
        certificate.write_text("rubbish")
        self.assertFalse(await door.refresh_certificate())
        self.assertEqual(tls.current.fingerprint, first)
        made, key = make_certificate([], datetime.now(UTC))
        certificate.write_bytes(made)
        self.assertFalse(await door.refresh_certificate())
        keyfile.write_bytes(key)
        self.assertTrue(await door.refresh_certificate())
        self.assertNotEqual(tls.current.fingerprint, first)

        def talk() -> bytes:
            with self.connect(door.port, client_context(self.directory)) as client:
                return client.getpeercert(binary_form=True) or b""

        served = x509.load_der_x509_certificate(await self.in_thread(talk))
        self.assertEqual(served, x509.load_pem_x509_certificate(made))

    async def test_redirect(self) -> None:
        """The plain listener sends browsers to the configured host, whatever Host says."""
        door = self.open_door(
            self.make_tls(), https_redirect=True, https_redirect_port=0, public_host="box.example"
        )
        plain = next(d for d in door.doors if d.kind == "redirect")

        # Not treq, which writes "//evil" otherwise with some versions of Python.
        def ask(target: str, method: str) -> tuple[int, str | None, str | None]:
            connection = HTTPConnection("127.0.0.1", plain.port, timeout=20)
            try:
                connection.request(method, target, headers={"Host": "evil.example"})
                answer = connection.getresponse()
                return answer.status, answer.getheader("location"), answer.getheader("set-cookie")
            finally:
                connection.close()

        base = f"https://box.example:{door.port}"
        for target in ("/a?b=c", "//evil"):
            found = await self.in_thread(partial(ask, target, "GET"))
            self.assertEqual(found, (308, f"{base}{target}", None))
        for target, method in (("/ws", "GET"), ("/auth?token=x", "GET"), ("/", "POST")):
            found = await self.in_thread(partial(ask, target, method))
            self.assertEqual(found, (403, None, None))


class CertificateTests(LiveTestCase):
    def test_made(self) -> None:
        """The made certificate: P-256, our names, no CA, 397 days, a key only we can read."""
        paths = self.directory / "new" / "c.pem", self.directory / "new" / "k.pem"
        names = ["box.example", "192.0.2.1", "2001:db8::1", "", "localhost"]
        self.assertTrue(ensure_certificate(*paths, names))
        self.assertEqual(stat.S_IMODE(paths[1].stat().st_mode), 0o600)
        self.assertEqual(sorted(os.listdir(paths[0].parent)), ["c.pem", "k.pem"])
        made = x509.load_pem_x509_certificate(paths[0].read_bytes())
        names_in = made.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        self.assertEqual(names_in.get_values_for_type(x509.DNSName), ["localhost", "box.example"])
        self.assertEqual(
            [str(a) for a in names_in.get_values_for_type(x509.IPAddress)],
            ["127.0.0.1", "::1", "192.0.2.1", "2001:db8::1"],
        )
        self.assertEqual(made.not_valid_after_utc - made.not_valid_before_utc, timedelta(days=397))
        basic = made.extensions.get_extension_for_class(x509.BasicConstraints).value
        self.assertFalse(basic.ca)
        before = paths[0].read_bytes()
        self.assertFalse(ensure_certificate(*paths, names))
        self.assertEqual(paths[0].read_bytes(), before)

    def test_bad_files(self) -> None:
        """Each bad pair is one sentence that names the file at fault."""
        good = self.directory / "c.pem", self.directory / "k.pem"
        other = self.directory / "c2.pem", self.directory / "k2.pem"
        ensure_certificate(*good, [])
        ensure_certificate(*other, [])
        rubbish = self.directory / "rubbish"
        rubbish.write_text("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
        for certificate, keyfile, fault in (
            (self.directory / "none", good[1], "none"),
            (rubbish, good[1], "rubbish"),
            (good[1], good[1], "k.pem"),
            (good[0], good[0], "c.pem"),
            (good[0], self.directory, str(self.directory)),
            (good[0], other[1], "k2.pem"),
        ):
            error = self.assertRaises(Unavailable, load_certificate, certificate, keyfile)
            self.assertIn(fault, error.message)
        good[1].unlink()
        self.assertRaises(Unavailable, ensure_certificate, *good, [])
