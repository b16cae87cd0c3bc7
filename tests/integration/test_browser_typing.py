"""Tests in a real browser: pasting, copying, links, screen readers and touch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.integration.browser import BrowserTestCase, Tab
from tests.integration.daemon import Daemon

PASTE = """(text) => {
  const data = new DataTransfer();
  data.setData("text/plain", text);
  const event = new ClipboardEvent("paste", {clipboardData: data, bubbles: true, cancelable: true});
  document.activeElement.dispatchEvent(event);
}"""


class TypingTestCase(BrowserTestCase):
    def start(self, **options: Any) -> tuple[Daemon, Tab]:
        """A daemon and a tab with a shell."""
        daemon = self.daemon().start()
        return daemon, self.tab(daemon.first_link(), **options)

    def recording(self, tab: Tab) -> None:
        """Let a program write down what it is given, up to a Ctrl-D."""
        tab.type("echo rea''dy; cat > given; echo clo''sed\n")
        tab.until_text("ready")

    def given(self, daemon: Daemon, tab: Tab) -> bytes:
        """What the program was given; ends it."""
        tab.press("Control+d")
        tab.until_text("closed")
        return Path(daemon.home / "given").read_bytes()

    def toast(self, tab: Tab, words: str) -> None:
        """Wait for a short message."""
        toasts = tab.page.locator(".toasts")
        tab.await_(lambda: words in toasts.inner_text(), f"a toast with {words!r}")


class PasteTests(TypingTestCase):
    def test_several_lines_ask_first(self) -> None:
        """Outside a bracketed paste several lines are shown first; Escape pastes nothing."""
        daemon, tab = self.start()
        self.recording(tab)
        tab.page.evaluate(PASTE, "rm one\nrm two\n")
        tab.until_visible("dialog")
        self.assertIn("rm two", tab.page.locator("dialog").inner_text())
        tab.press("Escape")
        tab.await_(lambda: not tab.visible("dialog"), "the question to go")
        tab.type("typed\n")
        tab.page.evaluate(PASTE, "one\ntwo\n")
        tab.page.get_by_role("button", name="Paste", exact=True).click()
        tab.until_text("two")
        self.assertEqual(self.given(daemon, tab), b"typed\none\ntwo\n")

    def test_as_one_line(self) -> None:
        """The question offers to paste the lines as one, which runs nothing."""
        daemon, tab = self.start()
        self.recording(tab)
        tab.page.evaluate(PASTE, "one\ntwo\n")
        tab.page.get_by_role("button", name="Paste as one line").click()
        tab.until_text("one two")
        tab.press("Enter")
        self.assertEqual(self.given(daemon, tab), b"one two\n")

    def test_single_line_is_not_asked_about(self) -> None:
        """One line without anything odd is typed at once."""
        daemon, tab = self.start()
        self.recording(tab)
        tab.page.evaluate(PASTE, "gr\u00fc\u00df dich \U0001f600")
        tab.until_text("dich")
        self.assertFalse(tab.visible("dialog"))
        tab.press("Enter")
        self.assertEqual(self.given(daemon, tab), "gr\u00fc\u00df dich \U0001f600\n".encode())

    def test_bracketed_paste_cannot_be_left(self) -> None:
        """In a bracketed paste nothing is asked, and an end mark inside the text is taken out."""
        daemon, tab = self.start()
        (daemon.home / "raw.py").write_text(
            "import os, termios, tty\n"
            "before = termios.tcgetattr(0)\n"
            "tty.setraw(0)\n"
            "os.write(1, b'\\x1b[?2004hready')\n"
            "data = b''\n"
            "while b'++' not in data: data += os.read(0, 4096)\n"
            "open('given', 'wb').write(data)\n"
            "termios.tcsetattr(0, termios.TCSANOW, before)\n"
            "print('\\x1b[?2004l clo' + 'sed')\n"
        )
        tab.run("python3 raw.py", "ready")
        tab.page.evaluate(PASTE, "one\x1b[201~\ntouch \x1b\x9b201~owned\n")
        tab.type("++")
        tab.until_text("closed")
        given = Path(daemon.home / "given").read_bytes()
        self.assertEqual(given, b"\x1b[200~one\rtouch 201~owned\r\x1b[201~++")

    def test_bracketed_paste_in_the_shell_runs_nothing(self) -> None:
        """Lines pasted into bash, which brackets, wait there for Enter."""
        daemon, tab = self.start()
        tab.page.evaluate(PASTE, "touch one\ntouch two\n")
        tab.until_text("touch two")
        self.assertFalse(tab.visible("dialog"))
        self.assertFalse((daemon.home / "one").exists())
        tab.press("Enter")
        tab.await_((daemon.home / "two").exists, "the second command to run")

    def test_large_paste_arrives_whole(self) -> None:
        """More than the daemon takes at once reaches the program byte for byte."""
        daemon, tab = self.start()
        lines = [f"{n:07d} {'x' * 50}" for n in range(30_000)]
        self.recording(tab)
        tab.page.evaluate(PASTE, "\n".join(lines) + "\n")
        tab.page.get_by_role("button", name="Paste", exact=True).click()
        tab.until_text(lines[-1])
        self.assertEqual(self.given(daemon, tab), ("\n".join(lines) + "\n").encode())


class CopyTests(TypingTestCase):
    def test_program_may_write_the_clipboard(self) -> None:
        """OSC 52 puts text on the clipboard and says so; a reload does not do it again."""
        _, tab = self.start(permissions=["clipboard-read", "clipboard-write"])
        tab.type("printf '\\e]52;c;%s\\a' $(printf hello | base64)\n")
        self.toast(tab, "copied 5 characters")
        self.assertEqual(tab.js("navigator.clipboard.readText()"), "hello")
        tab.js("navigator.clipboard.writeText('mine')")
        tab.reload()
        tab.settle()
        self.assertEqual(tab.js("navigator.clipboard.readText()"), "mine")
        self.assertEqual(tab.page.locator(".toast").count(), 0)

    def test_program_never_reads_the_clipboard(self) -> None:
        """The question of OSC 52 gets no answer, even where the browser would allow it."""
        daemon, tab = self.start(permissions=["clipboard-read", "clipboard-write"])
        tab.js("navigator.clipboard.writeText('secret')")
        tab.type("printf '\\e]52;c;?\\a\\e]52;p;?\\e\\\\'; cat > given; echo clo''sed\n")
        tab.settle()
        tab.type("x\n")
        self.assertEqual(self.given(daemon, tab), b"x\n")

    def test_too_much_is_refused(self) -> None:
        """More than 100 kB is not copied, and the user hears of it."""
        _, tab = self.start(permissions=["clipboard-read", "clipboard-write"])
        tab.js("navigator.clipboard.writeText('mine')")
        tab.type("printf '\\e]52;c;%s\\a' $(head -c 120000 /dev/zero | base64 -w0)\n")
        self.toast(tab, "more than 100 kB")
        self.assertEqual(tab.js("navigator.clipboard.readText()"), "mine")


class LinkTests(TypingTestCase):
    def hover(self, tab: Tab, text: str) -> None:
        """Put the pointer on a text on the screen."""
        screen = tab.screen()
        rows = [line["text"] for line in screen["lines"][screen["base"] :]]
        row = max(at for at, line in enumerate(rows) if line.startswith(text))
        box = tab.page.locator(".xterm-screen").first.bounding_box()
        assert box is not None
        x = box["x"] + box["width"] * 2.5 / screen["columns"]
        y = box["y"] + box["height"] * (row + 0.5) / screen["rows"]
        tab.page.mouse.move(x, y - 40)
        tab.page.mouse.move(x, y, steps=3)
        tab.await_(lambda: tab.visible(".link-hint"), f"a hint for {text}")

    def test_only_known_schemes_open(self) -> None:
        """http opens with Ctrl in a page of its own; others are shown and do nothing."""
        daemon, tab = self.start()
        opened: list[str] = []
        tab.page.context.on("page", lambda page: opened.append(page.url))
        tab.type(
            "clear; for l in javascript:alert(1) file:///etc/passwd ssh://x/ data:text/html,x; do "
            "printf '\\e]8;;%s\\e\\\\%s\\e]8;;\\e\\\\\\n' $l $l; done; "
            f"echo {daemon.base}healthz\n".replace("(1)", "\\(1\\)")
        )
        tab.until_text("healthz")
        tab.settle()
        hint = tab.page.locator(".link-hint").first
        for text in ("javascript:", "file:", "ssh:", "data:"):
            self.hover(tab, text)
            self.assertIn("not opened", hint.inner_text())
            tab.page.keyboard.down("Control")
            tab.page.mouse.down()
            tab.page.mouse.up()
            tab.page.keyboard.up("Control")
        self.hover(tab, daemon.base)
        self.assertIn("click opens", hint.inner_text())
        tab.page.mouse.down()
        tab.page.mouse.up()
        self.assertEqual(opened, [])
        with tab.page.expect_popup() as popup:
            tab.page.keyboard.down("Control")
            tab.page.mouse.down()
            tab.page.mouse.up()
            tab.page.keyboard.up("Control")
        self.assertTrue(popup.value.evaluate("opener === null"))
        self.assertEqual(len(opened), 1)


class TouchTests(TypingTestCase):
    def test_key_bar(self) -> None:
        """On a touch screen the extra keys are there, and Ctrl holds for the next key."""
        size = {"width": 390, "height": 720}
        _, tab = self.start(viewport=size, has_touch=True, is_mobile=True)
        self.assertTrue(tab.visible(".keybar"))
        tab.type("echo rea''dy; cat\n")
        tab.until_text("ready")
        control = tab.page.get_by_role("button", name="Control")
        control.tap()
        self.assertEqual(control.get_attribute("aria-pressed"), "true")
        tab.type("c")
        tab.until_text("^C")
        tab.run("echo $?-int''errupted", "130-interrupted")
        self.assertEqual(control.get_attribute("aria-pressed"), "false")
        for name in ("Up", "Up", "Left", "Left", "Left"):
            tab.page.get_by_role("button", name=name, exact=True).tap()
        tab.type("sort | ")
        tab.await_(lambda: tab.text().endswith("$ echo rea''dy; sort | cat"), "the line changed")
        overflow = tab.js("document.documentElement.scrollWidth - innerWidth")
        self.assertLessEqual(overflow, 0)
        self.assert_clean(tab)

    def test_no_key_bar_with_a_mouse(self) -> None:
        """Without a touch screen there is none, unless the settings want it."""
        _, tab = self.start()
        self.assertFalse(tab.visible(".keybar"))
        tab.press("Control+Shift+,")
        tab.page.locator("select[name=keyBar]").select_option("always")
        tab.page.get_by_role("button", name="Done").click()
        tab.until_visible(".keybar")
        tab.page.get_by_role("button", name="Pipe").click()
        tab.until_text("$ |")


class ScreenReaderTests(TypingTestCase):
    def test_output_is_read_out(self) -> None:
        """With screen reader support the output is in a live region, and the rows are text."""
        _, tab = self.start()
        self.assertFalse(tab.visible(".xterm-accessibility"))
        tab.press("Control+Shift+,")
        tab.page.locator("input[name=screenReader]").check()
        tab.page.get_by_role("button", name="Done").click()
        tab.run("echo spo''ken", "spoken")
        rows = tab.page.locator(".xterm-accessibility-tree [role=listitem]")
        tab.await_(lambda: "spoken" in " ".join(rows.all_inner_texts()), "the row as text")
        self.assertGreater(tab.page.locator(".xterm-accessibility [aria-live]").count(), 0)
