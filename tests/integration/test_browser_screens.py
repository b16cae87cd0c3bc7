"""Tests in a real browser: the same screen after a reload, and in a second browser."""

from __future__ import annotations

import subprocess

from tests.integration.browser import BrowserTestCase, Tab
from tests.integration.daemon import Daemon


class ScreensTestCase(BrowserTestCase):
    def start(self) -> tuple[Daemon, Tab]:
        """A daemon with something to look at, and a tab with a plain shell."""
        daemon = self.daemon()
        (daemon.home / "text").write_text(
            "".join(
                f"line {n} of the text \u2603 \u4f60\u597d {'-' * (n % 70)}\n" for n in range(900)
            )
        )
        (daemon.home / "code.py").write_text('"""Doc."""\n\n\ndef f(x):\n    return "a" + x  # y\n')
        daemon.start()
        return daemon, self.tab(daemon.first_link())

    def assert_kept(self, tab: Tab) -> None:
        """A reload brings the same screen back, scrollback included."""
        before = tab.settle()
        tab.reload()
        tab.await_(lambda: tab.drawn() > 0, "output")
        after = tab.settle()
        self.maxDiff = 4000
        self.assertEqual(after, before)


class ReloadTests(ScreensTestCase):
    def test_vim(self) -> None:
        """vim with colours and a split looks the same after a reload, and takes keys."""
        _, tab = self.start()
        tab.type("vim --clean -c 'syntax on' -c 'set number' -c 'split code.py' text\n")
        tab.until_text("line 1 of")
        tab.type("ihello \u00e9")
        tab.until_text("hello \u00e9")
        self.assert_kept(tab)
        tab.press("Escape")
        tab.type(":qa!\n")
        tab.run("echo le''ft", "left")
        self.assert_kept(tab)

    def test_less(self) -> None:
        """less looks the same after a reload, and back on the main screen as well."""
        _, tab = self.start()
        tab.run("seq 1 300; echo se''en", "seen")
        tab.type("less -N text\n")
        tab.until_text("line 1 of")
        tab.type("  /line 20\n")
        tab.until_text("line 201")
        self.assert_kept(tab)
        tab.type("q")
        tab.run("echo le''ft", "left")
        self.assert_kept(tab)

    def test_htop(self) -> None:
        """htop, stopped so that nothing moves, looks the same after a reload."""
        _, tab = self.start()
        tab.type("exec htop -d 100\n")
        tab.until_text("Load average")
        self.assert_kept(tab)

    def test_tmux(self) -> None:
        """tmux with two panes looks the same after a reload, and takes keys."""
        daemon, tab = self.start()
        socket = str(daemon.home / "tmux")
        kill = ["tmux", "-S", socket, "kill-server"]
        self.addCleanup(subprocess.run, kill, capture_output=True, check=False)
        # Keys that arrive within a millisecond are a paste to tmux, and its prefix no prefix.
        options = "set status-right '' \\; set assume-paste-time 0"
        tab.type(f"tmux -f /dev/null -S {socket} new 'seq 200; exec sh' \\; {options}\n")
        tab.until_text("[0] 0:")
        tab.until_text("200\n")
        tab.press("Control+b")
        tab.type('"')
        tab.settle()
        tab.run("echo pa''ne", "pane")
        self.assert_kept(tab)
        tab.run("echo mo''re", "more")

    def test_hundred_thousand_lines(self) -> None:
        """The last lines and all of the scrollback are the same after a reload."""
        _, tab = self.start()
        tab.run("seq 100000; echo do''ne", "done")
        self.assert_kept(tab)
        numbers = [int(word) for word in tab.text().split() if word.isdigit()]
        self.assertEqual(numbers, list(range(numbers[0], 100001)))
        self.assertGreater(len(numbers), 900)

    def test_more_than_the_ring(self) -> None:
        """When the ring has moved on the visible screen and the modes are the same."""
        _, tab = self.start()
        tab.run("printf '\\e[?1h\\e=\\e[1;35m'; seq 400000; echo do''ne", "done")
        other = self.tab(tab.page.url, tab.page.context)
        self.assert_same_screen(tab, other, scrollback=False)
        numbers = [int(word) for word in other.text().split() if word.isdigit()]
        self.assertEqual(numbers, list(range(numbers[0], 400001)))


class SecondBrowserTests(ScreensTestCase):
    def second(self, daemon: Daemon) -> Tab:
        """Another browser that signs in by a link of its own."""
        return self.tab(daemon.link())

    def test_attaches_to_a_full_screen_program(self) -> None:
        """Its xterm.js buffer equals the first one's, and stays equal while both type."""
        daemon, tab = self.start()
        tab.type("vim --clean -c 'set number' text\n")
        tab.until_text("line 1 of")
        other = self.second(daemon)
        self.assert_same_screen(tab, other)
        other.type("Gohello from the other")
        tab.until_text("hello from the other")
        self.assert_same_screen(tab, other)
        tab.press("Escape")
        tab.type(":2\n")
        self.assert_same_screen(tab, other)

    def test_attaches_when_the_ring_has_passed_the_beginning(self) -> None:
        """A program on the alternate screen for longer than the ring paints for a newcomer."""
        daemon, tab = self.start()
        tab.run("printf '\\e[?1h'; seq 5; echo ma''in", "main")
        tab.type("vim --clean -c 'syntax on' -c 'set number' text\n")
        tab.until_text("line 1 of")
        loop = ':for i in range(700)|exe "normal! G"|redraw|exe "normal! gg"|redraw|endfor'
        tab.type(loop + "|echo 'all' . ' over'\n")
        tab.until_text("all over")
        self.assertGreater(tab.drawn(), 1.2 * (1 << 20))
        other = self.second(daemon)
        self.assert_same_screen(tab, other)
        other.type(":qa!\n")
        for one in (tab, other):
            one.until("gotwist.serialize(1).buffer === 'normal'")
        self.assert_same_screen(tab, other, scrollback=False)

    def test_attaches_in_the_middle_of_a_flood(self) -> None:
        """Both see the same end of it, with nothing missing between."""
        daemon, tab = self.start()
        tab.type("seq 1500000; echo do''ne\n")
        tab.await_(lambda: tab.drawn() > 500_000, "the middle of the flood")
        other = self.second(daemon)
        for one in (tab, other):
            one.until_text("done")
        self.assert_same_screen(tab, other, scrollback=False)
        for one in (tab, other):
            numbers = [int(word) for word in one.text().split() if word.isdigit()]
            self.assertEqual(numbers, list(range(numbers[0], 1500001)))

    def test_smaller_window_rules(self) -> None:
        """The terminal takes the smaller of two windows, and grows again when that leaves."""
        daemon, tab = self.start()
        wide = tab.screen()["columns"]
        other = self.tab(daemon.link(), viewport={"width": 700, "height": 400})
        tab.await_(lambda: tab.screen()["columns"] < wide, "the smaller size")
        other.await_(lambda: other.screen()["columns"] == tab.screen()["columns"], "one size")
        self.assert_same_screen(tab, other)
        other.page.close()
        tab.await_(lambda: tab.screen()["columns"] == wide, "the old size")
        tab.run("echo $COLUMNS-$(tput cols)-co''ls", f"{wide}-cols")
