"""Tests of requests to a provider, against servers on loopback."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from twisted.internet import reactor as global_reactor
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IAddress
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.ssl import CertificateOptions, KeyPair, PrivateCertificate
from twisted.internet.task import Clock
from twisted.trial.unittest import TestCase
from twisted.web.client import BrowserLikePolicyForHTTPS

from gotwist.auth.oidc.http import (
    MAX_BODY,
    Answer,
    HttpRequests,
    Unanswered,
    make_requests,
    parse_object,
    read_authorities,
)
from gotwist.errors import Unavailable
from gotwist.web.certificate import ensure_certificate

#: As itself: what it provides depends on which one it is.
reactor: Any = global_reactor
GOOD = b'HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n{"a": 1}'


class Server(Protocol):
    """Sends what it was told to when a request has come, and keeps what it has read."""

    def __init__(self, house: Servers) -> None:
        self.house = house

    def connectionMade(self) -> None:
        self.house.open.append(self)

    def dataReceived(self, data: bytes) -> None:
        self.house.received += data
        assert self.transport is not None
        if self.house.received.endswith(self.house.until) and self.house.answer:
            self.transport.write(self.house.answer)
            if self.house.closes:
                self.transport.loseConnection()

    def connectionLost(self, reason: object = None) -> None:
        self.house.open.remove(self)
        if not self.house.open:
            waiting, self.house.all_gone = self.house.all_gone, Deferred()
            waiting.callback(None)


class Servers(Factory):
    """A server that says one thing."""

    def __init__(self, answer: bytes = GOOD, *, closes: bool = False) -> None:
        self.answer = answer
        self.closes = closes
        self.until = b"\r\n\r\n"
        self.received = b""
        self.open: list[Server] = []
        self.all_gone: Deferred[None] = Deferred()

    def buildProtocol(self, addr: IAddress | None) -> Server:
        return Server(self)


class HttpCase(TestCase):
    def serve(self, answer: bytes = GOOD, *, closes: bool = False) -> str:
        """Serve one answer; the address."""
        self.servers = Servers(answer, closes=closes)
        port = reactor.listenTCP(0, self.servers, interface="127.0.0.1")
        self.addCleanup(port.stopListening)
        return f"http://127.0.0.1:{port.getHost().port}/"

    def requests(self, timeout_s: float = 20) -> HttpRequests:
        return HttpRequests(reactor, BrowserLikePolicyForHTTPS(), timeout_s)

    def get(self, url: str, **more: float) -> Deferred[Answer]:
        return Deferred.fromCoroutine(self.requests(**more).get(url, "bearer"))

    async def unanswered(self, url: str, reason: str, **more: float) -> None:
        with self.assertRaises(Unanswered) as caught:
            await self.get(url, **more)
        self.assertIn(reason, caught.exception.reason)
        self.assertIsInstance(caught.exception, Unavailable)


class AnswerTests(HttpCase):
    async def test_get(self) -> None:
        """A JSON object is fetched, with the token in a header, and the connection ends."""
        url = self.serve()
        gone = self.servers.all_gone
        answer = await self.get(url)
        self.assertEqual(answer, Answer(200, {"a": 1}))
        self.assertIn(b"Authorization: Bearer bearer\r\n", self.servers.received)
        self.assertIn(b"Accept: application/json\r\n", self.servers.received)
        self.assertNotIn(b"gzip", self.servers.received)
        await gone

    async def test_post(self) -> None:
        """A form is sent, and what answers it is read, an error too."""
        url = self.serve(GOOD.replace(b"200 OK", b"400 Bad Request"))
        self.servers.until = b"a=b+c&d=%26"
        posting = self.requests().post(url, {"a": "b c", "d": "&"}, {"X-Y": "z"})
        answer = await Deferred.fromCoroutine(posting)
        self.assertEqual(answer, Answer(400, {"a": 1}))
        self.assertIn(b"X-Y: z\r\n", self.servers.received)
        self.assertTrue(self.servers.received.endswith(b"\r\n\r\na=b+c&d=%26"))

    async def test_no_redirect(self) -> None:
        """A redirect is an answer like any other, and followed nowhere."""
        url = self.serve(
            b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n"
        )
        answer = await self.get(url)
        self.assertEqual(answer, Answer(302, {}))

    async def test_until_closed(self) -> None:
        """A body without a length ends with the connection."""
        answer = await self.get(self.serve(b'HTTP/1.1 200 OK\r\n\r\n{"a": 1}', closes=True))
        self.assertEqual(answer, Answer(200, {"a": 1}))

    def test_objects(self) -> None:
        """Whatever is no JSON object is an empty one."""
        for body in (b"", b"[]", b"1", b"{", b"\xff", b"[" * 100_000, b"null"):
            self.assertEqual(parse_object(body), {})
        self.assertEqual(parse_object(b'{"a": null}'), {"a": None})


class LimitTests(HttpCase):
    async def test_too_long(self) -> None:
        """A body beyond the limit is not read on; the connection is cut."""
        url = self.serve(b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * (MAX_BODY + 1))
        gone = self.servers.all_gone
        await self.unanswered(url, "too long")
        await gone

    async def test_silent(self) -> None:
        """A server that says nothing, or stops in the middle, is not waited for."""
        for answer in (b"", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{"):
            url = self.serve(answer)
            gone = self.servers.all_gone
            await self.unanswered(url, "in time", timeout_s=0.2)
            await gone

    async def test_cut_off(self) -> None:
        """Half an answer is none."""
        url = self.serve(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{", closes=True)
        await self.unanswered(url, "")

    async def test_nonsense(self) -> None:
        """What is no HTTP is no answer."""
        await self.unanswered(self.serve(b"SSH-2.0-x\r\n\r\n", closes=True), "failed")

    async def test_nobody(self) -> None:
        """Where nobody listens there is no answer, and the log learns why."""
        await self.unanswered("http://127.0.0.1:1/", "ConnectionRefused")
        await self.unanswered("http://name.invalid/", "DNSLookup")

    async def test_given_up(self) -> None:
        """Who waits no longer leaves no connection behind."""
        url = self.serve(b"")
        gone = self.servers.all_gone
        waiting = self.get(url)
        reactor.callLater(0.1, waiting.cancel)
        with self.assertRaises(Unanswered):
            await waiting
        await gone


class TlsTests(HttpCase):
    def serve_tls(self) -> tuple[str, Path]:
        """Serve with a certificate of its own; the address, and its file."""
        home = Path(self.mktemp())
        home.mkdir()
        certificate, key = home / "certificate.pem", home / "key.pem"
        ensure_certificate(certificate, key, ["localhost", "127.0.0.1"])
        private = PrivateCertificate.fromCertificateAndKeyPair(
            read_authorities(certificate)[0], KeyPair.load(key.read_bytes(), 1)
        )
        self.servers = Servers()
        options: CertificateOptions = private.options()
        port = reactor.listenSSL(0, self.servers, options, interface="127.0.0.1")
        self.addCleanup(port.stopListening)
        return f"https://localhost:{port.getHost().port}/", certificate

    async def test_own_authority(self) -> None:
        """With the provider's authority named, and only then, its certificate is believed."""
        url, certificate = self.serve_tls()
        named = make_requests(reactor, certificate)
        answer = await Deferred.fromCoroutine(named.get(url))
        self.assertEqual(answer, Answer(200, {"a": 1}))
        self.servers.received = b""
        await self.unanswered(url, "certificate")
        self.assertEqual(self.servers.received, b"")

    def test_bad_files(self) -> None:
        """A file without certificates is an error at the start."""
        path = Path(self.mktemp())
        begin = b"-----BEGIN CERTIFICATE-----\n"
        for content in (b"", b"x", begin, begin + b"AAAA\n-----END CERTIFICATE-----\n"):
            path.write_bytes(content)
            self.assertRaises(Unavailable, make_requests, Clock(), path)
        self.assertRaises(Unavailable, make_requests, Clock(), path.with_name("none"))
