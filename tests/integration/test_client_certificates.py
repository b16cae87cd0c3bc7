"""A real daemon that asks for certificates: curl, WebSockets and Chromium with and without."""

from __future__ import annotations

import json
import os
import shutil
import ssl
import subprocess
import tempfile
from pathlib import Path

from cryptography.hazmat.primitives.serialization import BestAvailableEncryption
from cryptography.hazmat.primitives.serialization.pkcs12 import serialize_key_and_certificates
from playwright.sync_api import Error
from twisted.trial.unittest import SkipTest, SynchronousTestCase

from tests.integration.browser import FLAGS, BrowserTestCase, Tab, chromium
from tests.integration.daemon import Daemon, trusting, until
from tests.integration.signing_in import cookie_of, request
from tests.integration.websocket import Refused, Screen, WebSocket
from tests.web.authority import Issued, authority, issue, person, revocation_list

POLICIES = Path("/etc/chromium/policies/managed")


class Site:
    """A CA with two people, and a daemon that knows it."""

    def __init__(self, test: SynchronousTestCase, *options: str) -> None:
        self.directory = Path(tempfile.mkdtemp(prefix="gotwist-"))
        test.addCleanup(shutil.rmtree, self.directory)
        self.ca = authority("Example Corp")
        self.ca_path = self.directory / "ca.pem"
        self.ca_path.write_bytes(self.ca.pem)
        self.crl_path = self.directory / "crl.pem"
        self.crl_path.write_bytes(revocation_list(self.ca))
        self.anna, self.anna_files = self.person("anna")
        self.bob, self.bob_files = self.person("bob")
        self.daemon = Daemon(
            f"--ca_certs={self.ca_path}",
            f"--ca_crl={self.crl_path}",
            "--file_check_interval=500",
            *options,
        )
        test.addCleanup(self.daemon.close)
        self.daemon.client = self.anna_files

    def person(self, name: str, ca: Issued | None = None) -> tuple[Issued, tuple[str, str]]:
        """Issue a certificate and write it down."""
        issued = issue(person(name), ca or self.ca)
        return issued, issued.write(self.directory, name)

    def curl(self, *client: str) -> tuple[int, str]:
        """Exit status of curl, and the status of the answer to a request for the main page."""
        certificate = next((self.daemon.home / ".gotwist").rglob("certificate.pem"))
        words = ["-sS", "--cacert", str(certificate), "-o", os.devnull, "-w", "%{http_code}"]
        words += ["--cert", client[0], "--key", client[1]] if client else []
        done = subprocess.run(
            ["curl", *words, self.daemon.base],
            capture_output=True,
            timeout=60,
            check=False,
        )
        return done.returncode, done.stdout.decode()

    def websocket(self, client: tuple[str, str] | None, cookie: str = "") -> WebSocket:
        """Open a WebSocket with a certificate or without."""
        return WebSocket(self.daemon.base, tls=trusting(client), cookie=cookie)


class CurlTests(SynchronousTestCase):
    def test_required(self) -> None:
        """With auth=ssl a certificate is all it takes; without a good one there is no TLS."""
        site = Site(self, "--auth=ssl", "--ssl_auth=required")
        site.daemon.start()
        self.assertEqual(site.curl(*site.anna_files), (0, "200"))
        strangers = site.person("eve", authority("Other"))[1]
        for client in ((), strangers):
            status, code = site.curl(*client)
            self.assertNotEqual(status, 0)
            self.assertEqual(code, "000")
        self.assertRaises((ssl.SSLError, ConnectionError), site.websocket, None)
        self.assertRaises((ssl.SSLError, ConnectionError), site.websocket, strangers)
        websocket = site.websocket(site.anna_files)
        self.addCleanup(websocket.close)
        websocket.send("go:authenticate", {"auth": None})
        self.assertEqual(websocket.until_action("go:set_username"), "anna@Example.Corp")
        screen = Screen(websocket)
        screen.type(b"echo wel''come\n")
        screen.until_text(b"welcome")
        self.assertIn("its issuer is unknown", site.daemon.log.read_text())
        self.assertIn("client certificates required", site.daemon.log.read_text())

    def test_revoked(self) -> None:
        """Who is revoked while the daemon runs cannot connect any more; others still can."""
        site = Site(self, "--auth=ssl", "--ssl_auth=required")
        site.daemon.start()
        self.assertEqual(site.curl(*site.bob_files), (0, "200"))
        site.crl_path.write_bytes(revocation_list(site.ca, [site.bob]))
        until(lambda: site.curl(*site.bob_files)[0] != 0, "the revocation to count")
        self.assertEqual(site.curl(*site.anna_files), (0, "200"))
        self.assertIn("it is revoked", site.daemon.log.read_text())

    def test_optional(self) -> None:
        """Where it is optional, who has none is asked to sign in some other way."""
        site = Site(self, "--auth=ssl;token", "--ssl_auth=optional")
        site.daemon.start()
        self.assertEqual(site.curl(), (0, "401"))
        self.assertEqual(site.curl(*site.anna_files), (0, "200"))
        websocket = site.websocket(None)
        self.addCleanup(websocket.close)
        websocket.send("go:authenticate", {"auth": None})
        websocket.until_action("go:reauthenticate")
        headers = {"X-SSL-Client-S-DN": "CN=anna", "X-Client-Verify": "SUCCESS"}
        site.daemon.client = None
        self.assertEqual(request(site.daemon, "GET", "/", headers)[0], 401)

    def test_further_factor(self) -> None:
        """With another method the certificate opens the door, and says nothing of who enters."""
        site = Site(self, "--auth=token", "--ssl_auth=required")
        site.daemon.start()
        self.assertEqual(site.curl(*site.anna_files), (0, "401"))
        self.assertNotEqual(site.curl()[0], 0)
        cookie = cookie_of(site.daemon, site.daemon.link())
        self.assertEqual(request(site.daemon, "GET", "/", {"Cookie": cookie})[0], 200)
        self.assertRaises((ssl.SSLError, ConnectionError), site.websocket, None, cookie)
        websocket = site.websocket(site.bob_files, cookie)
        self.addCleanup(websocket.close)
        websocket.send("go:authenticate", {"auth": None})
        self.assertNotIn("bob", str(websocket.until_action("go:set_username")))

    def test_origin(self) -> None:
        """A foreign page cannot use the certificate of whoever opens it."""
        site = Site(self, "--auth=ssl", "--ssl_auth=required")
        site.daemon.start()
        with self.assertRaises(Refused) as refused:
            WebSocket(
                site.daemon.base, tls=trusting(site.anna_files), origin="https://evil.example"
            )
        self.assertEqual(refused.exception.status, 403)


class ChromiumTests(BrowserTestCase):
    def test_certificate(self) -> None:
        """A browser with a certificate has a terminal at once, and one without has none."""
        site = Site(self, "--auth=ssl;token", "--ssl_auth=optional")
        chromium()
        site.daemon.start()
        certificate, key = site.anna_files
        known = {"origin": site.daemon.base.rstrip("/"), "certPath": certificate, "keyPath": key}
        tab = self.tab(site.daemon.base, client_certificates=[known])
        tab.run("echo wel''come", "welcome")
        self.assertIn("anna@Example.Corp", tab.page.content())
        page = self.context().new_page()
        answer = page.goto(site.daemon.base)
        assert answer is not None
        self.assertEqual(answer.status, 401)

    def test_store_of_the_browser(self) -> None:
        """Chromium finds the certificate in its own store, by the names of the CAs it is told."""
        if os.geteuid() != 0 or shutil.which("certutil") is None:
            raise SkipTest("needs root, for a policy of Chromium's, and certutil")
        site = Site(self, "--auth=ssl", "--ssl_auth=required")
        site.daemon.start()
        self.fill_store(site)
        self.choose_silently(site)
        browser = chromium().browser_type.launch(
            executable_path=shutil.which("chromium"),
            args=FLAGS,
            env={**os.environ, "HOME": str(site.directory)},
        )
        self.addCleanup(browser.close)
        tab = Tab(browser.new_context(ignore_https_errors=True))
        tab.open(site.daemon.base)
        tab.run("echo wel''come", "welcome")
        self.assertIn("anna@Example.Corp", tab.page.content())
        with self.assertRaises(Error):
            self.context().new_page().goto(site.daemon.base)

    def fill_store(self, site: Site) -> None:
        """Put two certificates into the store: only one of them is of the daemon's CA."""
        store = site.directory / ".pki" / "nssdb"
        store.mkdir(parents=True)
        database = f"sql:{store}"
        self.call("certutil", "-d", database, "-N", "--empty-password")
        for name, issued in (
            ("stranger", issue(person("stranger"), authority("Other"))),
            ("anna", site.anna),
        ):
            bundle = site.directory / f"{name}.p12"
            bundle.write_bytes(
                serialize_key_and_certificates(
                    name.encode(),
                    issued.key,
                    issued.certificate,
                    None,
                    BestAvailableEncryption(b"p"),
                )
            )
            self.call("pk12util", "-d", database, "-i", str(bundle), "-W", "p", "-K", "")

    def choose_silently(self, site: Site) -> None:
        """Keep Chromium from asking which certificate to show to this one daemon."""
        POLICIES.mkdir(parents=True, exist_ok=True)
        policy = POLICIES / f"gotwist-{site.daemon.port}.json"
        rule = json.dumps({"pattern": site.daemon.base.rstrip("/"), "filter": {}})
        policy.write_text(json.dumps({"AutoSelectCertificateForUrls": [rule]}))
        self.addCleanup(policy.unlink)

    def call(self, *words: str) -> None:
        done = subprocess.run(words, capture_output=True, timeout=60, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
