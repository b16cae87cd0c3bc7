"""Tests in a real browser: a flood in one terminal does not hold up another."""

from __future__ import annotations

import statistics
import time

from tests.integration.browser import BrowserTestCase, Tab
from tests.integration.daemon import PATIENCE_S

KEYS = 15
#: How much longer an echo may take beside a flood than without one.  The page itself draws
#: the flood meanwhile, on one core with everything else, so this is only a bound of
#: robustness: without flow control it is passed by far.
RATIO = 40


class FloodTests(BrowserTestCase):
    def echo_s(self, tab: Tab, term: int) -> float:
        """Median seconds from a key to its echo in the page's buffer."""
        taken = []
        for _ in range(KEYS):
            before = tab.js(f"gotwist.serialize({term}).cursor.x")
            start = time.perf_counter()
            tab.press("x")
            while tab.js(f"gotwist.serialize({term}).cursor.x") == before:
                self.assertLess(time.perf_counter() - start, PATIENCE_S, "no echo at all")
            taken.append(time.perf_counter() - start)
        return statistics.median(taken)

    def test_keys_beside_a_flood(self) -> None:
        """Keys in one tab are echoed while `yes` runs in another, and Ctrl-C ends that."""
        daemon = self.daemon().start()
        tab = self.tab(daemon.first_link())
        tab.press("Control+Shift+T")
        tab.until("gotwist.state().active === 2 && gotwist.terminals()[1].drawn > 0")
        idle = self.echo_s(tab, 2)
        tab.press("Control+Alt+1")
        tab.type("yes\n")
        tab.await_(lambda: tab.drawn(1) > 4_000_000, "a flood")
        tab.press("Control+Alt+2")
        beside = self.echo_s(tab, 2)
        print(f"\necho {idle * 1e3:.1f} ms idle, {beside * 1e3:.1f} ms beside a flood")
        self.assertLess(beside / idle, RATIO)
        tab.press("Control+Alt+1")
        tab.press("Control+c")
        tab.settle()
        tab.run("echo ca''lm", "calm")
        self.assert_clean(tab)

    def test_interrupt_in_the_flood(self) -> None:
        """Ctrl-C stops a flood that is being looked at; what comes after it is readable."""
        daemon = self.daemon().start()
        tab = self.tab(daemon.first_link())
        tab.type("yes\n")
        tab.await_(lambda: tab.drawn() > 2_000_000, "a flood")
        tab.press("Control+c")
        tab.run("echo ca''lm", "calm")
        self.assertIn("^C", tab.text())
