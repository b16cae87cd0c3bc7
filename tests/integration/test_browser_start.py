"""Tests in a real browser: the launch link, the first prompt, and the way out."""

from __future__ import annotations

from typing import Any

from tests.integration.browser import BrowserTestCase, Tab


class StartTests(BrowserTestCase):
    def test_launch_link_gives_a_shell(self) -> None:
        """The link signs in, leaves the address bar, and a shell takes keys and answers."""
        daemon = self.daemon(plain=False, own_shell=False).start()
        context = self.context()
        tab = self.tab(daemon.first_link(), context)
        self.assertEqual(tab.page.url, daemon.base)
        self.assertNotIn("token", str(tab.js("JSON.stringify(history.state) + location.href")))
        cookies: list[Any] = list(context.cookies())
        self.assertTrue(cookies)
        for cookie in cookies:
            flags = [cookie["httpOnly"], cookie["secure"], cookie["sameSite"]]
            self.assertEqual(flags, [True, True, "Strict"], cookie["name"])
        self.assertEqual(tab.js("document.cookie"), "")
        tab.run("echo $((6*7))-fold", "42-fold")
        self.assert_clean(tab)

    def test_exit_code_is_shown(self) -> None:
        """A program that ends leaves its screen, its exit code and a way to start again."""
        daemon = self.daemon().start()
        tab = self.tab(daemon.first_link())
        tab.run("echo la''st words", "last words")
        tab.type("exit 3\n")
        tab.until_visible(".ended")
        self.assertIn("exit code 3", tab.page.locator(".ended").inner_text())
        self.assertIn("last words", tab.text())
        tab.page.get_by_role("button", name="Restart").click()
        tab.await_(lambda: not tab.visible(".ended"), "a new program")
        tab.run("echo ag''ain", "again")
        self.assertEqual(len(tab.js("gotwist.terminals()")), 1)
        self.assert_clean(tab)

    def test_first_paint_to_prompt_is_measured_by_the_page(self) -> None:
        """The page marks its first prompt, after its first paint."""
        daemon = self.daemon().start()
        tab = self.tab(daemon.first_link())
        tab.until("performance.getEntriesByName('first-paint').length > 0")
        paint, prompt = tab.js(
            "['first-paint', 'gotwist-prompt']"
            ".map((name) => performance.getEntriesByName(name)[0].startTime)"
        )
        print(f"\nfirst paint at {paint:.0f} ms, prompt at {prompt:.0f} ms after navigation")
        self.assertGreater(prompt, 0)

    def test_sign_out_closes_every_tab(self) -> None:
        """Signing out ends the sign-in everywhere; a reload shows no terminal."""
        daemon = self.daemon().start()
        context = self.context()
        one = self.tab(daemon.first_link(), context)
        other = self.tab(daemon.base, context)
        one.page.get_by_role("button", name="User").click()
        one.page.get_by_role("menuitem", name="Sign out").click()
        for tab in (one, other):
            tab.until("gotwist.state().connection === 'signed-out'")
            tab.until_visible("dialog")
            self.assertIn("signed out", tab.page.locator(".banner").inner_text())
        one.page.reload()
        one.await_(lambda: "launch link" in one.page.content().lower(), "the sign-in page")
        self.assertFalse(one.js("'gotwist' in window"))

    def test_signing_in_elsewhere_brings_a_page_back(self) -> None:
        """A signed-out page goes on where it was after a sign-in in another window."""
        daemon = self.daemon().start()
        context = self.context()
        tab = self.tab(daemon.first_link(), context)
        tab.type("KEPT=here\n")
        tab.page.get_by_role("button", name="User").click()
        tab.page.get_by_role("menuitem", name="Sign out").click()
        tab.until("gotwist.state().connection === 'signed-out'")
        Tab(context).open(daemon.link())
        tab.page.locator("dialog").get_by_role("button", name="Try again").click()
        tab.until("gotwist.state().signedIn")
        tab.await_(lambda: not tab.visible("dialog"), "the question to go")
        tab.page.locator(".terminal-host").first.click()
        tab.run("echo $KEPT-still", "here-still")
