"""Signing in at a real OpenID provider, with a real daemon: over HTTP and in a real browser."""

from __future__ import annotations

import atexit
import http.client
import re
from dataclasses import dataclass, field
from html import unescape
from urllib.parse import parse_qs, urlencode, urljoin, urlsplit

from twisted.trial.unittest import SynchronousTestCase

from tests.integration.browser import BrowserTestCase, Tab
from tests.integration.daemon import Daemon
from tests.integration.openid.support import CLIENT, RealProvider
from tests.integration.signing_in import request


@dataclass
class Browser:
    """As much of a browser as redirects, cookies and forms need; follows nothing by itself."""

    cookies: dict[tuple[str, str], str] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)

    def ask(
        self, url: str, form: dict[str, str] | None = None
    ) -> tuple[int, http.client.HTTPMessage, str]:
        """One request; the answer's status, headers and body."""
        parts = urlsplit(url)
        connection = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=30)
        cookies = [
            f"{name}={value}"
            for (host, name), value in self.cookies.items()
            if host == parts.netloc
        ]
        headers = {**self.headers, **({"Cookie": "; ".join(cookies)} if cookies else {})}
        body = None
        if form is not None:
            body = urlencode(form)
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        target = parts.path + (f"?{parts.query}" if parts.query else "")
        try:
            connection.request("GET" if form is None else "POST", target, body, headers)
            answer = connection.getresponse()
            text = answer.read().decode("utf-8", "replace")
        finally:
            connection.close()
        for line in answer.headers.get_all("set-cookie") or []:
            name, _, value = line.partition(";")[0].partition("=")
            self.cookies[parts.netloc, name] = value
        return answer.status, answer.headers, text

    def to_login(self, url: str) -> str:
        """Follow redirects up to the provider's page for signing in; answers its address."""
        for _ in range(5):
            status, headers, _ = self.ask(url)
            if status not in (302, 303):
                return url
            url = urljoin(url, headers["location"])
        raise AssertionError("redirects without end")

    def sign_in(self, url: str, user: str, stop_at: str) -> str:
        """Fill the provider's forms in; answers the address below ``stop_at`` it sends us to."""
        for _ in range(12):
            if url.startswith(stop_at):
                return url
            status, headers, body = self.ask(url)
            if status in (302, 303):
                url = urljoin(url, headers["location"])
                continue
            form = dict(re.findall(r'name="(prompt)" value="([^"]+)"', body))
            action = unescape(re.findall(r'action="([^"]+)"', body)[0])
            form |= {"login": user, "password": "x"} if form.get("prompt") == "login" else {}
            status, headers, _ = self.ask(urljoin(url, action), form)
            url = urljoin(url, headers["location"])
        raise AssertionError("the provider does not come to an end")


def oidc_settings(provider: RealProvider, **more: object) -> dict[str, object]:
    return {
        "*": {
            "gotwist": {
                "auth": ["oidc", "token"],
                "oidc_issuer": provider.issuer,
                "oidc_client_id": CLIENT["id"],
                "oidc_client_secret": CLIENT["secret"],
                "oidc_name": "the tests' provider",
                **more,
            }
        }
    }


class OidcCase(SynchronousTestCase):
    """A daemon and a provider, each in a process of its own."""

    pair: tuple[Daemon, RealProvider] | None = None

    def shared(self) -> tuple[Daemon, RealProvider]:
        """A daemon and a provider for all tests that leave them as they are."""
        if OidcCase.pair is None:
            daemon, provider = OidcCase.pair = self.begun()
            # Trial knows no end of a class, and the tests run in any order.
            atexit.register(daemon.close)
            atexit.register(provider.stop)
        self.addCleanup(OidcCase.pair[0].judge_log)
        return OidcCase.pair

    def both(self, **more: object) -> tuple[Daemon, RealProvider]:
        """A daemon and a provider of this test's own."""
        daemon, provider = self.begun(**more)
        self.addCleanup(daemon.close)
        self.addCleanup(provider.stop)
        return daemon, provider

    @staticmethod
    def begun(**more: object) -> tuple[Daemon, RealProvider]:
        daemon = Daemon(plain=True)
        provider = RealProvider([f"{daemon.base}auth/oidc"])
        try:
            provider.start()
            daemon.write_settings("60oidc.conf", oidc_settings(provider, **more))
            return daemon.start(), provider
        except BaseException:
            provider.stop()
            daemon.close()
            raise

    def come_back(self, daemon: Daemon, browser: Browser, user: str = "alice") -> str:
        """Sign in at the provider; the address with which it sends the browser back."""
        url = browser.to_login(f"{daemon.base}auth/oidc?next=/%3Flocation=x")
        return browser.sign_in(url, user, f"{daemon.base}auth/oidc?")

    def who(self, daemon: Daemon, browser: Browser) -> str:
        """The name on the page that this browser sees, or nothing."""
        _, _, body = browser.ask(daemon.base)
        found = re.search(r'"upn":"([^"]+)"', unescape(body))
        return found[1] if found else ""


class HttpTests(OidcCase):
    def test_sign_in(self) -> None:
        """Who has signed in at the provider is signed in here, and goes where he wanted to."""
        daemon, _ = self.both(oidc_upn_claim="preferred_username", oidc_groups_claim="groups")
        browser = Browser()
        _, _, page = browser.ask(daemon.base)
        self.assertIn("Sign in with the tests&#x27; provider", page)
        back = self.come_back(daemon, browser)
        self.assertIn("iss", parse_qs(urlsplit(back).query))
        status, headers, _ = browser.ask(back)
        self.assertEqual((status, headers["location"]), (303, "/?location=x"))
        self.assertEqual(self.who(daemon, browser), "alice")

    def test_replay(self) -> None:
        """The address with which the provider sent somebody back works once."""
        daemon, _ = self.shared()
        browser = Browser()
        back = self.come_back(daemon, browser)
        browser.ask(back)
        again = Browser(cookies=dict(browser.cookies))
        status, _, body = again.ask(back)
        self.assertEqual(status, 403)
        self.assertIn("begin again", body)

    def test_replayed_code(self) -> None:
        """A used code with a fresh state comes to nothing: the provider refuses it."""
        daemon, _ = self.shared()
        browser = Browser()
        back = self.come_back(daemon, browser)
        browser.ask(back)
        code = parse_qs(urlsplit(back).query)["code"][0]
        thief = Browser()
        _, headers, _ = thief.ask(f"{daemon.base}auth/oidc")
        asked = parse_qs(urlsplit(headers["location"]).query)
        fields = {"code": code, "state": asked["state"][0], "iss": asked.get("iss", [""])[0]}
        fields["iss"] = parse_qs(urlsplit(back).query)["iss"][0]
        status, _, _ = thief.ask(f"{daemon.base}auth/oidc?{urlencode(fields)}")
        self.assertEqual(status, 403)
        self.assertEqual(self.who(daemon, thief), "")

    def test_login_csrf(self) -> None:
        """A victim's browser does not finish what an attacker began in his own."""
        daemon, _ = self.shared()
        back = self.come_back(daemon, Browser(), "mallory")
        victim = Browser()
        status, _, _ = victim.ask(back)
        self.assertEqual(status, 403)
        self.assertEqual(self.who(daemon, victim), "")

    def test_mixed_up(self) -> None:
        """An answer in another provider's name is refused, and one that names none."""
        daemon, _ = self.shared()
        for change in ("iss=https%3A%2F%2Fevil.example.org&", ""):
            browser = Browser()
            back = self.come_back(daemon, browser)
            status, _, _ = browser.ask(re.sub(r"iss=[^&]+&?", change, back).rstrip("&"))
            self.assertEqual(status, 403)

    def test_open_redirect(self) -> None:
        """The way on leads to this site only."""
        daemon, _ = self.shared()
        for next in ("https://evil.example.org/", "//evil.example.org", "/\\evil.example.org"):
            browser = Browser()
            url = browser.to_login(f"{daemon.base}auth/oidc?{urlencode({'next': next})}")
            back = browser.sign_in(url, "alice", f"{daemon.base}auth/oidc?")
            _, headers, _ = browser.ask(back)
            self.assertEqual(headers["location"], "/")

    def test_declined(self) -> None:
        """Who declines at the provider gets a sentence and a way back."""
        daemon, _ = self.shared()
        browser = Browser()
        _, headers, _ = browser.ask(f"{daemon.base}auth/oidc")
        state = parse_qs(urlsplit(headers["location"]).query)["state"][0]
        issuer = "http://" + urlsplit(headers["location"]).netloc
        fields = urlencode({"error": "access_denied", "state": state, "iss": issuer})
        status, _, body = browser.ask(f"{daemon.base}auth/oidc?{fields}")
        self.assertEqual(status, 403)
        self.assertIn("You have not allowed the sign-in", body)
        self.assertIn('href="/"', body)

    def test_not_allowed(self) -> None:
        """Only people of the named domains and addresses are let in."""
        daemon, _ = self.both(oidc_allowed_emails=["alice@example.org"])
        for user, wanted in (("alice", "alice"), ("bob", "")):
            browser = Browser()
            status, _, body = browser.ask(self.come_back(daemon, browser, user))
            self.assertEqual(self.who(daemon, browser), wanted)
        self.assertEqual(status, 403)
        self.assertIn("may not sign in here", body)

    def test_unverified(self) -> None:
        """An address that the provider has not verified names nobody."""
        daemon, _ = self.both(oidc_upn_claim="email")
        browser = Browser()
        browser.ask(self.come_back(daemon, browser, "unverified"))
        self.assertEqual(self.who(daemon, browser), "")
        browser = Browser()
        browser.ask(self.come_back(daemon, browser, "alice"))
        self.assertEqual(self.who(daemon, browser), "alice@example.org")

    def test_userinfo(self) -> None:
        """The userinfo endpoint is asked where the operator wants that."""
        daemon, _ = self.both(oidc_userinfo=True, oidc_upn_claim="email")
        browser = Browser()
        browser.ask(self.come_back(daemon, browser))
        self.assertEqual(self.who(daemon, browser), "alice@example.org")

    def test_keys_rotated(self) -> None:
        """A provider that comes back with another key is believed at the next sign-in."""
        daemon, provider = self.both()
        browser = Browser()
        browser.ask(self.come_back(daemon, browser))
        provider.stop()
        provider.start(kid="two")
        browser = Browser()
        browser.ask(self.come_back(daemon, browser))
        self.assertEqual(self.who(daemon, browser), "alice")

    def test_provider_down(self) -> None:
        """Without the provider there is a clear page, and other ways of signing in go on."""
        daemon, provider = self.both()
        provider.stop()
        status, _, body = Browser().ask(f"{daemon.base}auth/oidc")
        self.assertEqual(status, 503)
        self.assertIn("try again later", body)
        self.assertIn(request(daemon, "GET", daemon.link())[0], (302, 303))

    def test_foreign_page(self) -> None:
        """A page of another site sends nobody to the provider; neither does fetching ahead."""
        daemon, _ = self.shared()
        browser = Browser(headers={"Sec-Fetch-Site": "cross-site"})
        status, _, body = browser.ask(f"{daemon.base}auth/oidc?next=/x")
        self.assertEqual(status, 200)
        self.assertIn('href="/auth/oidc?next=/x"', body)
        self.assertEqual(browser.cookies, {})
        browser = Browser(headers={"Sec-Purpose": "prefetch"})
        self.assertEqual(browser.ask(f"{daemon.base}auth/oidc")[0], 503)

    def test_no_secret_in_the_log(self) -> None:
        """The log names neither code, state nor secret, and tells why somebody was refused."""
        daemon, _ = self.shared()
        browser = Browser()
        back = self.come_back(daemon, browser)
        Browser().ask(back)
        text = daemon.log.read_text()
        self.assertIn("no sign-in by oidc for 127.0.0.1: the sign-in was begun in another", text)
        for name, values in parse_qs(urlsplit(back).query).items():
            if name != "iss":
                self.assertNotIn(values[0], text)
        self.assertNotIn(CLIENT["secret"], text)

    def test_refuses_to_start(self) -> None:
        """Without a provider, or with one by plain http elsewhere, the daemon does not start."""
        for settings, word in (
            ({"oidc_client_id": "x"}, "oidc_issuer"),
            ({"oidc_issuer": "https://op.example.org"}, "oidc_client_id"),
            ({"oidc_issuer": "http://op.example.org", "oidc_client_id": "x"}, "plain http"),
            ({"auth": "google"}, "google_oauth"),
            ({"auth": "google", "google_oauth": {"key": "a", "secret": "b"}}, "everybody who has"),
        ):
            daemon = Daemon(plain=True)
            self.addCleanup(daemon.close)
            chosen = {"auth": "oidc", **settings}
            daemon.write_settings("60oidc.conf", {"*": {"gotwist": chosen}})
            ended = daemon.run(f"--port={daemon.port}")
            self.assertNotEqual(ended.returncode, 0)
            self.assertIn(word, (ended.stdout + ended.stderr).decode())


class BrowserTests(BrowserTestCase):
    def test_chromium(self) -> None:
        """A person signs in at the provider and has a shell; the cookie is the strict one."""
        daemon = self.daemon("--auth=oidc")
        # Another site than the provider's, as it is in life.
        base = f"http://localhost:{daemon.port}/"
        provider = RealProvider([f"{base}auth/oidc"])
        self.addCleanup(provider.stop)
        provider.start()
        daemon.write_settings(
            "61oidc.conf", oidc_settings(provider, oidc_upn_claim="preferred_username")
        )
        daemon.start()
        context = self.context()
        tab = Tab(context)
        page = tab.page
        page.goto(base)
        page.get_by_role("link", name="Sign in with the tests' provider").click()
        page.fill("input[name=login]", "alice")
        page.fill("input[name=password]", "anything")
        page.get_by_role("button", name="Sign-in").click()
        page.get_by_role("button", name="Continue").click()
        page.wait_for_url(base)
        tab.ready()
        self.assertEqual(tab.js("location.href"), base)
        tab.run("echo $((6*7))-fold", "42-fold")
        [cookie] = [item for item in context.cookies() if item["name"] == "gotwist"]
        self.assertEqual((cookie["sameSite"], cookie["httpOnly"]), ("Strict", True))
        # Signed out here, one click signs in again: the provider still knows who it is.
        context.clear_cookies(name="gotwist")
        page.goto(base)
        page.get_by_role("link", name="Sign in with the tests' provider").click()
        page.wait_for_url(base)
        tab.ready()
