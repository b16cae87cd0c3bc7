"""A real daemon and a provider over the wire that does what no provider should."""

from __future__ import annotations

import contextlib
import hmac
import http.client
import json
import threading
import time
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlencode

import jwt
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from gotwist.auth.oidc.http import Answer
from gotwist.auth.openid.registration import Registration
from tests.auth.openid.hostile import OTHER_KEY, RSA_KEY, HostileProvider, b64, public_jwk
from tests.integration.daemon import Daemon
from tests.integration.openid.test_oidc import Browser
from tests.integration.signing_in import request


class Wire(ThreadingHTTPServer):
    """A hostile provider's door."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.issuer = f"http://127.0.0.1:{self.server_address[1]}"
        self.provider = HostileProvider(Registration("oidc", "x", self.issuer, "gotwist", "secret"))
        #: What the token endpoint answers instead, as it is.
        self.raw: bytes | None = None
        #: Requests for tokens wait for this.
        self.may_answer = threading.Event()
        self.may_answer.set()
        self.asked = threading.Event()


class Handler(BaseHTTPRequestHandler):
    """Hands requests to the provider in memory."""

    server: Wire

    def log_message(self, *args: object) -> None:
        pass

    def do_GET(self) -> None:
        bearer = (self.headers["authorization"] or "").removeprefix("Bearer ")
        self._give(self.server.provider.get(self.server.issuer + self.path, bearer))

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"])).decode()
        form = dict(parse_qsl(body, keep_blank_values=True))
        self.server.asked.set()
        self.server.may_answer.wait(60)
        if self.server.raw is not None:
            with contextlib.suppress(OSError):
                self.wfile.write(self.server.raw)
            return
        url = self.server.issuer + self.path
        self._give(self.server.provider.post(url, form, dict(self.headers)))

    def _give(self, work: Any) -> None:
        found: list[Answer] = []
        Deferred.fromCoroutine(work).addCallback(found.append)
        body = json.dumps(dict(found[0].members)).encode()
        with contextlib.suppress(OSError):
            self.send_response(found[0].status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)


class HostileTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.wire = Wire()
        thread = threading.Thread(target=self.wire.serve_forever, daemon=True)
        thread.start()
        self.addCleanup(self.wire.server_close)
        self.addCleanup(self.wire.shutdown)
        self.addCleanup(self.wire.may_answer.set)
        self.daemon = Daemon(plain=True)
        self.addCleanup(self.daemon.close)
        chosen = {
            "auth": ["oidc", "token"],
            "oidc_issuer": self.wire.issuer,
            "oidc_client_id": "gotwist",
            "oidc_client_secret": "secret",
        }
        self.daemon.write_settings("60oidc.conf", {"*": {"gotwist": chosen}})
        self.daemon.start()
        self.provider = self.wire.provider

    def begin(self) -> tuple[Browser, str]:
        """Sign in at the provider; the browser, and where it is sent back to."""
        self.provider.now = time.time()
        browser = Browser()
        _, headers, _ = browser.ask(f"{self.daemon.base}auth/oidc")
        fields = self.provider.authorize(headers["location"])
        return browser, f"{self.daemon.base}auth/oidc?{urlencode(fields)}"

    def status(self) -> int:
        """What becomes of a sign-in."""
        browser, back = self.begin()
        status, headers, _ = browser.ask(back)
        cookies = headers.get_all("set-cookie") or []
        self.assertEqual(status == 303, any(each.startswith("gotwist=") for each in cookies))
        return status

    def sign_with(self, key: Any, algorithm: str, kid: str = "one") -> None:
        self.provider.sign = lambda claims: jwt.PyJWS().encode(
            json.dumps(claims).encode(), key, algorithm=algorithm, headers={"kid": kid}
        )

    def test_tokens(self) -> None:
        """No token that is not ours, fresh and well signed signs anybody in."""
        self.assertEqual(self.status(), 303)
        pem = RSA_KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)

        def public_key_as_secret(claims: Mapping[str, object]) -> str:
            head = b64(json.dumps({"alg": "HS256", "kid": "one"}).encode())
            body = f"{head}.{b64(json.dumps(claims).encode())}"
            return f"{body}.{b64(hmac.new(pem, body.encode(), 'sha256').digest())}"

        bad: list[dict[str, object]] = [
            {"nonce": "A" * 43},
            {"aud": "other"},
            {"aud": ["gotwist", "other"], "azp": "other"},
            {"iss": "https://evil.example.org"},
            {"exp": 1},
            {"iat": 1},
            {"sub": "../root"},
        ]
        for claims in bad:
            self.provider.claims = claims
            self.assertEqual(self.status(), 403, claims)
        self.provider.claims = {}
        self.sign_with("", "none")
        self.assertEqual(self.status(), 403)
        self.provider.sign = public_key_as_secret
        self.assertEqual(self.status(), 403)
        self.sign_with(OTHER_KEY, "RS256")
        self.assertEqual(self.status(), 403)
        self.sign_with(OTHER_KEY, "RS256", "unknown")
        self.assertEqual(self.status(), 403)
        self.provider.sign = self.provider.sign_well
        self.assertEqual(self.status(), 303)

    def test_rotated(self) -> None:
        """A changed key is fetched and believed within the same sign-in."""
        self.assertEqual(self.status(), 303)
        self.provider.keys = [public_jwk(OTHER_KEY, "two")]
        self.sign_with(OTHER_KEY, "RS256", "two")
        self.assertEqual(self.status(), 303)
        self.assertEqual(self.provider.requests.count("keys"), 2)

    def test_answers(self) -> None:
        """Redirects, floods and nonsense are no answers; the daemon goes on."""
        evil = f"Location: http://127.0.0.1:{self.daemon.port}/healthz"
        for raw in (
            b"HTTP/1.0 302 Found\r\n%b\r\n\r\n" % evil.encode(),
            b"HTTP/1.0 200 OK\r\n\r\n" + b" " * 400_000,
            b"HTTP/1.0 200 OK\r\n\r\n" + b"[" * 200_000,
            b"HTTP/1.0 200 OK\r\n\r\n{}",
            b"HTTP/1.0 200 OK\r\nContent-Encoding: gzip\r\n\r\n\x1f\x8b",
            b"nonsense\r\n\r\n",
        ):
            self.wire.raw = raw
            self.assertEqual(self.status(), 503, raw[:60])
        self.wire.raw = None
        self.assertEqual(self.status(), 303)

    def test_nobody_waits(self) -> None:
        """While the provider is silent, everybody else is served."""
        self.wire.may_answer.clear()
        found: list[int] = []
        browser, back = self.begin()
        thread = threading.Thread(target=lambda: found.append(browser.ask(back)[0]))
        thread.start()
        self.assertTrue(self.wire.asked.wait(60))
        self.assertEqual(self.daemon.get("healthz"), b"ok\n")
        self.assertEqual(request(self.daemon, "GET", self.daemon.link())[0], 303)
        self.assertEqual(found, [])
        self.wire.may_answer.set()
        thread.join(60)
        self.assertEqual(found, [303])

    def test_client_that_goes(self) -> None:
        """Who goes away while the provider is silent is not signed in, and nothing is left."""
        self.wire.may_answer.clear()
        browser, back = self.begin()
        connection = http.client.HTTPConnection("127.0.0.1", self.daemon.port, timeout=30)
        cookies = "; ".join(f"{name}={value}" for (_, name), value in browser.cookies.items())
        connection.request(
            "GET", back.removeprefix(self.daemon.base[:-1]), headers={"Cookie": cookies}
        )
        self.assertTrue(self.wire.asked.wait(60))
        connection.close()
        self.wire.may_answer.set()
        # The daemon's log is judged when it ends: no traceback may be in it.
        self.assertEqual(self.status(), 303)
