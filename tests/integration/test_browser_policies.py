"""Tests of what a person sees when settings give and take, and when others write."""

from __future__ import annotations

import os
import pwd

from tests.integration.browser import BrowserTestCase
from tests.integration.signing_in import connect, cookie_of


class PolicyTests(BrowserTestCase):
    def test_taken_away_and_given_back(self) -> None:
        """A page whose user may use no terminals shows none; given back, they are as before."""
        daemon = self.daemon("--file_check_interval=500").start()
        tab = self.tab(daemon.link())
        tab.run("echo here-$((6*7))", "here-42")
        daemon.write_settings("60x.conf", {"*": {"terminal": {"allow": False}}})
        tab.await_(lambda: "No terminal is open." in tab.page.inner_text("body"), "an empty page")
        self.assertNotIn("here-42", tab.page.inner_text("body"))
        (daemon.home / ".gotwist" / "conf.d" / "60x.conf").unlink()
        tab.until_text("here-42")
        tab.run("echo again-$((6*7))", "again-42")
        self.assert_clean(tab)

    def test_message(self) -> None:
        """What another user writes is shown as the text it is."""
        daemon = self.daemon().start()
        tab = self.tab(daemon.link()).ready()
        other = connect(daemon, cookie_of(daemon, daemon.link()))
        upn = pwd.getpwuid(os.geteuid()).pw_name
        text = "<img src=x onerror=alert(1)> at noon"
        other.send("go:send_user_message", {"upn": upn, "message": text})
        tab.await_(lambda: text in tab.page.inner_text("body"), "the message")
        self.assertEqual(0, tab.js("document.querySelectorAll('img[src=x]').length"))
        self.assert_clean(tab)
