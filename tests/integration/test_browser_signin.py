"""Tests in a real browser: signing in by a password and a code, and out everywhere."""

from __future__ import annotations

import re
import time

from playwright.sync_api import BrowserContext

from gotwist.auth.totp import STEP_S, parse_secrets
from gotwist.tap.second_factor import make_code
from tests.integration.browser import BrowserTestCase, Tab
from tests.integration.daemon import Daemon

PASSWORD = "correct horse ü"
REFUSAL = "do not belong together"


class PasswordTests(BrowserTestCase):
    def setUp(self) -> None:
        self.at = self.daemon("--auth=file;token")
        self.add("anna", PASSWORD)

    def add(self, name: str, password: str) -> None:
        done = self.at.run("passwd", name, given=f"{password}\n".encode())
        self.assertEqual(done.returncode, 0, done.stderr)

    def stranger(self, context: BrowserContext | None = None) -> Tab:
        """A tab that shows the sign-in page."""
        tab = Tab(context or self.context())
        tab.page.goto(self.at.base)
        return tab

    def fill(self, tab: Tab, name: str, password: str) -> None:
        tab.page.get_by_label("User").fill(name)
        tab.page.get_by_label("Password").fill(password)
        tab.page.get_by_role("button", name="Sign in").click()

    def enter(self, context: BrowserContext | None = None) -> Tab:
        tab = self.stranger(context)
        self.fill(tab, "anna", PASSWORD)
        return tab.ready()

    def secret(self) -> bytes:
        """Give anna a second factor."""
        self.assertEqual(self.at.run("totp", "anna").returncode, 0)
        return parse_secrets((self.at.home / ".gotwist/conf.d/totp.json").read_text())["anna"]

    def forget_refusals(self, tab: Tab) -> None:
        # A page that refuses says so with its status, and the browser in its console.
        tab.errors[:] = [line for line in tab.errors if "status of 401" not in line]

    def test_password(self) -> None:
        """A wrong password gets a clear refusal; the right one a shell, whose user is known."""
        self.at.start()
        tab = self.stranger()
        for name, password in (("anna", "wrong"), ("nobody", PASSWORD)):
            began = time.monotonic()
            self.fill(tab, name, password)
            tab.await_(lambda: REFUSAL in tab.page.content(), "the refusal")
            self.assertGreater(time.monotonic() - began, 1.0)
            self.assertEqual(tab.page.get_by_label("Password").input_value(), "")
        self.fill(tab, "anna", PASSWORD)
        tab.ready()
        self.assertEqual(tab.page.url, self.at.base)
        tab.run("echo $GO_USER-''is here", "anna-is here")
        self.forget_refusals(tab)
        self.assert_clean(tab)
        self.assertNotIn(PASSWORD, self.at.log.read_text())

    def test_without_scripts(self) -> None:
        """The form works in a browser that runs no scripts."""
        self.at.start()
        context = self.context(java_script_enabled=False)
        tab = self.stranger(context)
        self.fill(tab, "anna", PASSWORD)
        tab.page.wait_for_url(self.at.base)
        self.assertEqual([cookie["sameSite"] for cookie in context.cookies()], ["Strict"])

    def test_second_step(self) -> None:
        """Who has a second factor is asked for its code; a wrong or used one is refused."""
        secret = self.secret()
        self.at.start()
        tab = self.stranger()
        self.fill(tab, "anna", PASSWORD)
        self.answer(tab, "000000")
        tab.await_(lambda: "begin anew" in tab.page.content(), "the refusal")
        self.fill(tab, "anna", PASSWORD)
        code = make_code(secret, int(time.time()) // STEP_S * STEP_S)
        self.answer(tab, code)
        tab.ready()
        self.forget_refusals(tab)
        self.assert_clean(tab)
        other = self.stranger()
        self.fill(other, "anna", PASSWORD)
        self.answer(other, code)
        other.await_(lambda: "begin anew" in other.page.content(), "the refusal")

    def answer(self, tab: Tab, code: str) -> None:
        tab.page.get_by_label("Code of your authenticator app").fill(code)
        tab.page.get_by_role("button", name="Go on").click()

    def test_link_asks_for_the_second_factor(self) -> None:
        """A launch link is a first factor as well."""
        self.at.start()
        link = self.at.first_link()
        account = self.account(link)
        self.assertEqual(self.at.run("totp", account).returncode, 0)
        tab = Tab(self.context())
        tab.page.goto(self.at.link())
        self.assertTrue(tab.page.get_by_label("Code of your authenticator app").is_visible())

    def account(self, link: str) -> str:
        tab = self.tab(link)
        return str(self.told(tab, "upn"))

    def told(self, tab: Tab, name: str) -> object:
        """What the daemon has told the page."""
        content = "JSON.parse(document.querySelector('meta[name=gotwist]').content)"
        return tab.js(f"{content}.{name}")

    def sign_ins(self, tab: Tab) -> list[str]:
        """What the dialog of sign-ins lists."""
        tab.page.get_by_role("button", name="User").click()
        tab.page.get_by_role("menuitem", name="Where you are signed in").click()
        tab.await_(lambda: tab.visible(".sign-ins button"), "the list of sign-ins")
        return list(tab.page.locator(".sign-ins .setting-name").all_inner_texts())

    def test_everywhere(self) -> None:
        """From a second browser the first is signed out, one by one or all at once."""
        self.at.start()
        first, second, third = (self.enter() for _ in range(3))
        listed = self.sign_ins(third)
        self.assertEqual(len(listed), 3)
        self.assertRegex(listed[0], r"\A127\.0\.0\.1, by file \(here\)")
        self.assertFalse([line for line in listed[1:] if "(here)" in line])
        third.page.locator(".sign-ins button").nth(1).click()
        third.await_(lambda: third.page.locator(".sign-ins button").count() == 2, "one to be gone")
        out = "gotwist.state().connection === 'signed-out'"
        self.assertEqual([first.js(out), second.js(out)].count(True), 1)
        third.page.get_by_role("button", name="Sign out everywhere").click()
        began = time.monotonic()
        for tab in (first, second, third):
            tab.until(out)
        self.assertLess(time.monotonic() - began, 1.0)
        second.page.reload()
        self.assertTrue(second.page.get_by_label("Password").is_visible())

    def test_restart(self) -> None:
        """A sign-in outlives the daemon, with its groups; one that was ended does not come back."""
        self.assertEqual(self.at.run("passwd", "anna", "--groups=staff").returncode, 0)
        staff = {"group=staff": {"terminal": {"scrollback": 1234}}}
        self.at.write_settings("70staff.conf", staff)
        self.at.start()
        kept, ended = self.enter(), self.enter()
        ended.page.get_by_role("button", name="User").click()
        ended.page.get_by_role("menuitem", name="Sign out", exact=True).click()
        ended.until("gotwist.state().connection === 'signed-out'")
        self.at.kill()
        self.at.start()
        kept.reload()
        self.assertEqual(self.told(kept, "scrollback"), 1234)
        ended.page.goto(self.at.base)
        self.assertTrue(ended.page.get_by_label("Password").is_visible())


class CommandTests(BrowserTestCase):
    def test_nothing_in_arguments(self) -> None:
        """A password is read from the terminal or from standard input, never from the line."""
        daemon = Daemon()
        self.addCleanup(daemon.close)
        self.assertNotEqual(daemon.run("passwd", "anna", "secret").returncode, 0)
        self.assertNotEqual(daemon.run("passwd", "anna").returncode, 0)
        self.assertNotEqual(daemon.run("passwd", "an na", given=b"secret\n").returncode, 0)
        self.assertEqual(daemon.run("passwd", "anna", given=b"secret\n").returncode, 0)
        path = daemon.home / ".gotwist/conf.d/passwords.json"
        self.assertEqual(path.stat().st_mode & 0o777, 0o600)
        self.assertTrue(re.search(r'"scrypt\$', path.read_text()))
        self.assertNotIn("secret", path.read_text())
        for words in (["--lock"], ["--unlock"], ["--groups=a,b"], ["--delete"]):
            self.assertEqual(daemon.run("passwd", *words, "anna").returncode, 0, words)
        self.assertNotIn("anna", path.read_text())
        for words in (["--delete"], ["--lock"], ["--groups=a b"]):
            self.assertNotEqual(daemon.run("passwd", *words, "anna").returncode, 0, words)
