"""Signing in to a real daemon by a ticket of a real KDC: with curl, and with Chromium."""

from __future__ import annotations

import base64
import os
import re
import secrets
import shutil
import subprocess
from html import unescape
from importlib.util import find_spec

from playwright.sync_api import BrowserContext
from twisted.trial.unittest import SkipTest, SynchronousTestCase

from tests.integration.browser import FLAGS, BrowserTestCase, Tab, chromium
from tests.integration.daemon import PATIENCE_S, Daemon
from tests.integration.kerberos.kdc import ELSEWHERE, REALM, Kdc
from tests.integration.signing_in import request

HAS_GSSAPI = find_spec("gssapi") is not None


class KerberosDaemon(Daemon):
    """A daemon that knows a realm, under the name ``localhost``."""

    def __init__(self, kdc: Kdc, *options: str, **settings: object) -> None:
        super().__init__(*options)
        self.kdc = kdc
        chosen = {
            "auth": ["kerberos", "token"],
            "sso_keytab": str(kdc.keytab("HTTP/localhost", "host/localhost")),
            **settings,
        }
        self.write_settings("60kerberos.conf", {"*": {"gotwist": chosen}})

    @property
    def base(self) -> str:
        return f"https://localhost:{self.port}/"

    @property
    def environment(self) -> dict[str, str]:
        return {**super().environment, "KRB5_CONFIG": self.kdc.environment["KRB5_CONFIG"]}


class Answer:
    """What curl has got, of all its requests."""

    def __init__(self, output: str) -> None:
        self.statuses = [int(code) for code in re.findall(r"^HTTP/1.1 (\d+)", output, re.M)]
        self.headers = output
        self.is_signed_in = "__Host-gotwist=" in output


def curl(environment: dict[str, str], url: str, *options: str) -> Answer:
    """Ask with curl, tickets included."""
    done = subprocess.run(
        ["curl", "-q", "-k", "-s", "-i", "--negotiate", "-u", ":", *options, url],
        env=environment,
        capture_output=True,
        timeout=PATIENCE_S,
    )
    return Answer(done.stdout.decode())


class KerberosCase(SynchronousTestCase):
    def setUp(self) -> None:
        if not HAS_GSSAPI:
            raise SkipTest("the package gssapi is not installed")
        self.kdc = Kdc()
        self.addCleanup(self.kdc.stop)
        self.kdc.start()

    def daemon(self, **settings: object) -> KerberosDaemon:
        daemon = KerberosDaemon(self.kdc, **settings)
        self.addCleanup(daemon.close)
        daemon.start()
        return daemon


class CurlTests(KerberosCase):
    def test_ticket(self) -> None:
        """A ticket signs in; the service proves itself in the same answer."""
        daemon = self.daemon()
        alice = self.kdc.ticket("alice")
        for address in ("auth/negotiate?next=/%3Flocation=x", "auth?next=/%3Flocation=x"):
            answer = curl(alice, daemon.base + address)
            self.assertEqual(answer.statuses[-1], 303, answer.headers)
            self.assertIn("location: /?location=x", answer.headers.lower())
            self.assertRegex(answer.headers, r"(?i)www-authenticate: negotiate [A-Za-z0-9+/]{40}")
            cookie = re.findall(r"(__Host-gotwist=[^;]+)", answer.headers)[-1]
            _, _, page = request(daemon, "GET", "/", {"Cookie": cookie})
            self.assertIn(f'"upn":"alice@{REALM}"', unescape(page.decode()))

    def test_refused(self) -> None:
        """No ticket, another service's, another realm's and an administrator's are refused."""
        daemon = self.daemon()
        nobody = {**self.kdc.environment, "KRB5CCNAME": f"FILE:{self.kdc.home}/none"}
        url = f"{daemon.base}auth/negotiate"
        answer = curl(nobody, url)
        self.assertEqual(set(answer.statuses), {401})
        self.assertFalse(answer.is_signed_in)
        self.assertIn("Other ways of signing in", answer.headers)
        self.assertNotIn("Basic", answer.headers)
        # With no other way on, the sign-in address asks browsers as well.
        browser = {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Site": "none"}
        status, headers, _ = request(daemon, "GET", "/auth", browser)
        self.assertEqual((status, headers["www-authenticate"]), (401, "Negotiate"))
        for environment, options in (
            (self.kdc.ticket("mallory", ELSEWHERE), ()),
            (self.kdc.ticket("carol/admin"), ()),
            (self.kdc.ticket("alice"), ("--service-name", "host")),
        ):
            answer = curl(environment, url, *options)
            self.assertEqual(answer.statuses[-1], 403, answer.headers)
            self.assertFalse(answer.is_signed_in)
        text = daemon.log.read_text()
        self.assertIn("the principal is of another realm", text)
        self.assertIn("cannot be a user's name", text)
        self.assertIn("does not match", text)

    def test_replay_and_nonsense(self) -> None:
        """A token that was seen on the wire is worth nothing; nor is what is none."""
        daemon = self.daemon()
        url = f"{daemon.base}auth/negotiate"
        answer = curl(self.kdc.ticket("alice"), url, "-v", "--stderr", "-")
        token = re.findall(r"Authorization: Negotiate ([A-Za-z0-9+/=]+)", answer.headers)[0]
        self.assertTrue(answer.is_signed_in)
        for text in (token, "", "!", "AAAA", base64.b64encode(b"NTLMSSP\0" + bytes(30)).decode()):
            status, headers, body = request(
                daemon, "GET", "/auth/negotiate", {"Authorization": f"Negotiate {text}"}
            )
            self.assertEqual(status, 403)
            self.assertNotIn("set-cookie", headers)
        self.assertIn(b"NTLM", body)
        self.assertNotIn(token[:40], daemon.log.read_text())

    def test_long_ticket(self) -> None:
        """A header as long as Windows makes them is read, a longer one refused."""
        daemon = self.daemon()
        for size, wanted in ((48_000, 403), (70_000, 431)):
            text = base64.b64encode(bytes(size)).decode()
            status, _, _ = request(
                daemon, "GET", "/auth/negotiate", {"Authorization": f"Negotiate {text}"}
            )
            self.assertEqual(status, wanted)

    def test_passwords_beside(self) -> None:
        """Where passwords are taken, Basic is offered beside Negotiate, and works."""
        daemon = self.daemon(auth=["kerberos", "file"], sso_realm=REALM)
        self.assertTrue(curl(self.kdc.ticket("alice"), f"{daemon.base}auth").is_signed_in)
        nobody = {**self.kdc.environment, "KRB5CCNAME": f"FILE:{self.kdc.home}/none"}
        answer = curl(nobody, f"{daemon.base}auth/negotiate")
        self.assertIn("WWW-Authenticate: Negotiate", answer.headers)
        self.assertIn(f'WWW-Authenticate: Basic realm="{REALM}"', answer.headers)
        # At the sign-in address programs are asked, and browsers see the page.
        answer = curl(nobody, f"{daemon.base}auth")
        self.assertIn("WWW-Authenticate: Negotiate", answer.headers)
        browser = {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Site": "none"}
        status, headers, body = request(daemon, "GET", "/auth", browser)
        self.assertNotIn("www-authenticate", headers)
        self.assertIn(b"Sign in with Kerberos", body)
        wrong = {"Authorization": "Basic " + base64.b64encode(b"alice:x").decode()}
        status, headers, _ = request(daemon, "GET", "/auth/negotiate", wrong)
        self.assertEqual(status, 401)
        self.assertEqual(headers["www-authenticate"], f'Basic realm="{REALM}", charset="UTF-8"')

    def test_refuses_to_start(self) -> None:
        """Without a keytab the daemon does not start, and says why."""
        daemon = KerberosDaemon(self.kdc, sso_keytab="/nonexistent/keytab")
        self.addCleanup(daemon.close)
        ended = daemon.run(f"--port={daemon.port}")
        self.assertNotEqual(ended.returncode, 0)
        said = (ended.stdout + ended.stderr).decode()
        self.assertIn("the keytab /nonexistent/keytab cannot be read", said)


class ChromiumTests(BrowserTestCase):
    def setUp(self) -> None:
        if not HAS_GSSAPI:
            raise SkipTest("the package gssapi is not installed")
        self.kdc = Kdc()
        self.addCleanup(self.kdc.stop)
        self.kdc.start()

    def browser(self, environment: dict[str, str], *flags: str) -> BrowserContext:
        """A Chromium that finds somebody's ticket."""
        # A profile of its own: without one, as in a private window, no ticket is shown.
        profile = self.kdc.home / f"profile-{secrets.token_hex(4)}"
        context = chromium().browser_type.launch_persistent_context(
            profile,
            executable_path=_path(),
            args=[*FLAGS, *flags],
            env={**os.environ, **environment},
            ignore_https_errors=True,
        )
        self.addCleanup(context.close)
        return context

    def test_chromium(self) -> None:
        """A browser that may show its ticket here signs in by a click, and says nothing."""
        daemon = KerberosDaemon(self.kdc)
        self.addCleanup(daemon.close)
        daemon.start()
        context = self.browser(self.kdc.ticket("alice"), "--auth-server-allowlist=localhost")
        tab = Tab(context)
        tab.page.goto(daemon.base)
        tab.page.get_by_role("link", name="Sign in with Kerberos").click()
        # The first challenge of its life makes a Chromium on Linux load the library.
        tab.page.get_by_role("link", name="Try again").click()
        tab.page.wait_for_url(daemon.base)
        tab.ready()
        tab.run("echo $((6*7))-fold", "42-fold")
        self.assertEqual(
            [it["sameSite"] for it in context.cookies() if it["name"] == "__Host-gotwist"],
            ["Strict"],
        )

    def test_not_set_up(self) -> None:
        """A browser that may not, or has no ticket, gets a page that leads back."""
        daemon = KerberosDaemon(self.kdc)
        self.addCleanup(daemon.close)
        daemon.start()
        empty = {**self.kdc.environment, "KRB5CCNAME": f"FILE:{self.kdc.home}/none"}
        for context in (
            self.browser(self.kdc.ticket("alice")),
            self.browser(empty, "--auth-server-allowlist=localhost"),
        ):
            page = context.new_page()
            page.goto(f"{daemon.base}auth/negotiate")
            self.assertIn("has shown no Kerberos ticket", page.inner_text("body"))
            page.get_by_role("link", name="Other ways of signing in").click()
            page.get_by_role("link", name="Sign in with Kerberos").wait_for()


def _path() -> str:
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    assert path is not None, "chromium() has found one"
    return path
