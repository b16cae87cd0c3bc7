"""Tests in a real browser: a program's questions are answered once, and never when replayed."""

from __future__ import annotations

from pathlib import Path

from tests.integration.browser import BrowserTestCase, Tab
from tests.integration.daemon import Daemon

#: Everything a program can ask a terminal: attributes, status, cursor, modes, settings,
#: colours, sizes, titles and the clipboard.
ASKED = (
    rb"\x1b[c\x1b[>c\x1b[=c\x1b[>q\x1bZ\x1b[5n\x1b[6n\x1b[?6n\x1b[?2004$p\x1b[4$p"
    rb"\x1bP$qm\x1b\\\x1bP$qr\x1b\\\x1bP$q q\x1b\\\x1bP+q544e\x1b\\"
    rb"\x1b]4;1;?\x07\x1b]10;?\x07\x1b]11;?\x1b\\\x1b]12;?\x07\x1b]52;c;?\x07"
    rb"\x1b[14t\x1b[16t\x1b[18t\x1b[20t\x1b[21t\x05"
)
#: Asks at every "!" that is typed; writes all it is given to a file; ends at a "~".
PROGRAM = f"""
import os, termios, tty
asked = b"{ASKED.decode()}"
before = termios.tcgetattr(0)
tty.setraw(0)
with open("given", "wb", buffering=0) as given:
    os.write(1, b"ready ")
    while True:
        data = os.read(0, 65536)
        given.write(data)
        for _ in range(data.count(b"!")):
            os.write(1, asked)
        if b"~" in data:
            break
termios.tcsetattr(0, termios.TCSANOW, before)
os.write(1, b"\\r\\nended\\r\\n")
"""


class QueryTests(BrowserTestCase):
    def asking(self) -> tuple[Daemon, Tab]:
        """A daemon and a tab in which the program above runs."""
        daemon = self.daemon()
        (daemon.home / "ask.py").write_text(PROGRAM)
        daemon.start()
        tab = self.tab(daemon.first_link())
        tab.type("python3 ask.py\n")
        tab.until_text("ready")
        return daemon, tab

    def given(self, daemon: Daemon) -> bytes:
        """What has reached the program."""
        return Path(daemon.home / "given").read_bytes()

    def ask(self, tab: Tab, daemon: Daemon) -> bytes:
        """Let the program ask; answers what was answered, when no more comes."""
        before = self.given(daemon)
        tab.type("!")
        tab.await_(lambda: len(self.given(daemon)) > len(before) + 1, "an answer")
        tab.settle()
        tab.type(".")
        tab.await_(lambda: self.given(daemon).endswith(b"."), "what was typed after it")
        after = self.given(daemon)[len(before) :]
        self.assertEqual(after[:1] + after[-1:], b"!.")
        return after[1:-1]

    def test_replay_answers_nothing(self) -> None:
        """After a reload, and in a second browser, old questions bring no byte to the program."""
        daemon, tab = self.asking()
        answers = self.ask(tab, daemon)
        self.assertIn(b"\x1b[0n", answers)
        self.assertNotIn(b"]52", answers)
        before = self.given(daemon)
        tab.reload()
        tab.settle()
        other = self.tab(daemon.link())
        other.settle()
        other.type("o")
        tab.type("~")
        tab.until_text("ended")
        self.assertEqual(self.given(daemon), before + b"o~")

    def test_answers_again_after_a_reload(self) -> None:
        """The page that was reloaded answers new questions as it did before."""
        daemon, tab = self.asking()
        first = self.ask(tab, daemon)
        tab.reload()
        tab.settle()
        self.assertEqual(self.ask(tab, daemon), first)

    def test_one_of_two_viewers_answers(self) -> None:
        """Two browsers: each question is answered once; when one leaves the other answers."""
        daemon, tab = self.asking()
        alone = self.ask(tab, daemon)
        other = self.tab(daemon.link())
        other.settle()
        self.assertEqual(self.ask(tab, daemon), alone)
        self.assertEqual(self.ask(other, daemon), alone)
        tab.page.close()
        other.settle()
        self.assertEqual(self.ask(other, daemon), alone)

    def test_restored_state_asks_nothing(self) -> None:
        """When the ring has moved past the questions, restoring the screen answers none."""
        daemon, tab = self.asking()
        self.ask(tab, daemon)
        before = self.given(daemon)
        tab.type("~")
        tab.until_text("ended")
        tab.run("seq 300000; echo 'ov''er'; cat > typed", "over")
        tab.reload()
        tab.settle()
        tab.press("Control+d")
        tab.run("wc -c typed", "0 typed")
        self.assertEqual(self.given(daemon), before + b"~")
