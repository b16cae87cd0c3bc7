"""Tests in a real browser: the network or the daemon goes away, and nothing is lost."""

from __future__ import annotations

import re

from tests.integration.browser import BrowserTestCase, Tab
from tests.integration.daemon import Daemon, free_port
from tests.integration.relay import Relay

LAST = 700
#: Prints every number once, in about four seconds.
COUNT = f"i=0; while [ $i -lt {LAST} ]; do i=$((i+1)); echo n$i.; sleep 0.004; done; echo ov''er\n"
NUMBER = re.compile(r"n(\d+)\.")


class OutageTestCase(BrowserTestCase):
    def count(self, tab: Tab) -> None:
        """Start counting, and wait until it has begun."""
        tab.type(COUNT)
        tab.until_text("n20.")

    def assert_counted(self, tab: Tab) -> None:
        """Every number is on the screen exactly once, in order."""
        tab.until_text("over")
        self.assertEqual([int(n) for n in NUMBER.findall(tab.text())], list(range(1, LAST + 1)))

    def assert_connection(self, tab: Tab, kind: str, words: str = "") -> None:
        """The page comes into a state and says so."""
        tab.until(f"gotwist.state().connection === '{kind}'")
        if words:
            banner = tab.page.locator(".banner")
            tab.await_(lambda: words in banner.inner_text(), f"{words!r} in the banner")


class NetworkTests(OutageTestCase):
    def relayed(self) -> tuple[Relay, Tab]:
        """A tab whose connections all pass a relay."""
        port = free_port()
        relay = Relay(port)
        self.addCleanup(relay.cut)
        daemon = self.daemon(f"--port={port}", f"--origins=http://127.0.0.1:{relay.port}")
        daemon.port = port
        daemon.start()
        link = daemon.first_link().replace(f":{port}/", f":{relay.port}/")
        return relay, self.tab(link)

    def test_cut_and_mended(self) -> None:
        """The banner tells, "Reconnect now" works, and every number is there exactly once."""
        relay, tab = self.relayed()
        self.count(tab)
        relay.cut()
        self.assert_connection(tab, "reconnecting", "Your terminals go on")
        self.assertTrue(tab.js("document.querySelector('.panel').classList.contains('frozen')"))
        relay.mend()
        button = tab.page.get_by_role("button", name="Reconnect now")
        tab.await_(lambda: _pressed(tab, button), "the connection to return")
        self.assert_connection(tab, "open")
        tab.await_(lambda: not tab.visible(".banner"), "the banner to go")
        self.assert_counted(tab)

    def test_comes_back_by_itself(self) -> None:
        """Several cuts, nobody presses anything: every number exactly once."""
        relay, tab = self.relayed()
        self.count(tab)
        for _ in range(3):
            relay.cut()
            self.assert_connection(tab, "reconnecting")
            relay.mend()
            self.assert_connection(tab, "open")
        self.assert_counted(tab)

    def test_silence(self) -> None:
        """A network that goes silent is called slow, and what it held is drawn once."""
        relay, tab = self.relayed()
        self.count(tab)
        relay.freeze()
        # A page that is looked at again asks whether the connection is alive.
        tab.js("document.dispatchEvent(new Event('visibilitychange'))")
        self.assert_connection(tab, "slow", "slow")
        relay.thaw()
        self.assert_connection(tab, "open")
        self.assert_counted(tab)

    def test_silence_that_ends_in_a_cut(self) -> None:
        """What was under way when the network died arrives exactly once afterwards."""
        relay, tab = self.relayed()
        self.count(tab)
        relay.freeze()
        tab.type("echo typed''-once\n")
        relay.cut()
        self.assert_connection(tab, "reconnecting")
        relay.mend()
        self.assert_counted(tab)
        self.assertEqual(tab.until_text("typed-once").count("typed-once"), 1)

    def test_browser_offline(self) -> None:
        """A browser that goes offline and returns reconnects at once."""
        relay, tab = self.relayed()
        tab.page.context.set_offline(True)
        relay.cut()
        self.assert_connection(tab, "reconnecting")
        relay.mend()
        tab.page.context.set_offline(False)
        self.assert_connection(tab, "open")
        tab.run("echo ba''ck", "back")


class DaemonKilledTests(OutageTestCase):
    def counting(self) -> tuple[Daemon, Tab]:
        """A daemon and a tab in which a program counts."""
        daemon = self.daemon().start()
        tab = self.tab(daemon.first_link())
        self.count(tab)
        return daemon, tab

    def test_every_number_exactly_once(self) -> None:
        """kill -9 and a restart while a program counts: the browser shows each number once."""
        daemon, tab = self.counting()
        daemon.kill()
        self.assert_connection(tab, "reconnecting", "Connection lost")
        daemon.start()
        self.assert_connection(tab, "open")
        self.assert_counted(tab)
        tab.run("echo sti''ll", "still")

    def test_keys_typed_while_away_arrive_once(self) -> None:
        """What is typed during the outage reaches the shell once, in order."""
        daemon, tab = self.counting()
        daemon.kill()
        self.assert_connection(tab, "reconnecting")
        tab.type("echo typed''-away; echo an''d-more\n")
        daemon.start()
        self.assert_connection(tab, "open")
        self.assert_counted(tab)
        text = tab.until_text("and-more")
        self.assertEqual([text.count(word) for word in ("typed-away", "and-more")], [1, 1])

    def test_full_screen_program_lives_on(self) -> None:
        """vim is where it was, and takes keys, after the daemon was killed and restarted."""
        daemon = self.daemon()
        (daemon.home / "text").write_text("".join(f"line {n} of it\n" for n in range(200)))
        daemon.start()
        tab = self.tab(daemon.first_link())
        tab.type("vim --clean -c 'set number' text\n")
        tab.until_text("line 1 of")
        before = tab.settle()
        daemon.kill()
        self.assert_connection(tab, "reconnecting")
        daemon.start()
        self.assert_connection(tab, "open")
        self.assertEqual(tab.settle(), before)
        tab.type("Gothe last line")
        tab.until_text("the last line")
        other = self.tab(daemon.link())
        self.assert_same_screen(tab, other)


def _pressed(tab: Tab, button: object) -> bool:
    """Press the button as long as it is there; tell whether the connection is back."""
    tab.js("[...document.querySelectorAll('.banner button')].forEach((b) => b.hidden || b.click())")
    return bool(tab.js("gotwist.state().signedIn"))
