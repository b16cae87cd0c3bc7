"""A real Chromium for tests: one browser for all of them, a context of its own for each."""

from __future__ import annotations

import atexit
import functools
import itertools
import shlex
import shutil
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, sync_playwright
from twisted.trial.unittest import SkipTest, SynchronousTestCase

from tests.integration.daemon import PATIENCE_S, Daemon, until

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
#: Looks at a screen, 20 ms apart, after which it counts as at rest.
STILL = 20
SIZE = {"width": 1000, "height": 640}
#: Collects what the browser refused to do for the page's policy.
VIOLATIONS = """
window.violations = [];
document.addEventListener("securitypolicyviolation", (event) =>
  window.violations.push(`${event.violatedDirective} ${event.blockedURI}`));
"""


@functools.cache
def chromium() -> Browser:
    """The browser, started once and ended with the test run."""
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        raise SkipTest("there is no Chromium on PATH")
    playwright = sync_playwright().start()
    browser = playwright.chromium.launch(executable_path=path, args=FLAGS)

    def end() -> None:
        browser.close()
        playwright.stop()

    atexit.register(end)
    return browser


class Tab:
    """One page of the client, with everything it did that a test should know of."""

    def __init__(self, context: BrowserContext) -> None:
        self.page: Page = context.new_page()
        self.requests: list[str] = []
        self.errors: list[str] = []
        self.page.add_init_script(VIOLATIONS)
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("websocket", lambda socket: self.requests.append(socket.url))
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("console", self._on_console)

    def _on_console(self, line: ConsoleMessage) -> None:
        if line.type in ("error", "warning"):
            self.errors.append(line.text)

    def open(self, url: str) -> Tab:
        """Go to an address and wait for the prompt of the first terminal."""
        self.page.goto(url)
        return self.ready()

    def reload(self) -> Tab:
        """Load the page anew and wait until its active terminal is drawn."""
        self.page.reload()
        return self.ready()

    def ready(self) -> Tab:
        """Wait until the active terminal is attached and has drawn something."""
        self.until("gotwist.state().active && gotwist.terminals().some((t) => t.drawn > 0)")
        return self

    def js(self, expression: str) -> Any:
        """Evaluate an expression in the page."""
        return self.page.evaluate(expression)

    def until(self, expression: str, what: str = "") -> Any:
        """Wait until an expression is true; answers its value."""
        wanted = f"window.gotwist && ({expression})"
        return self.await_(lambda: self.page.evaluate(wanted), what or expression)

    def await_(self, true: Callable[[], Any], what: str) -> Any:
        """Wait until a callable answers something true, while the page lives on."""

        def step() -> Any:
            found = true()
            if not found:
                self.page.wait_for_timeout(20)
            return found

        try:
            return until(step, what, PATIENCE_S)
        except AssertionError as error:
            raise AssertionError(f"{error}; on the screen:\n{self.glance()}") from None

    def glance(self) -> str:
        """What is on the screen now, for messages."""
        try:
            return "\n".join(self.text().splitlines()[-50:])
        except Exception as error:  # a page that is being loaded
            return repr(error)

    def screen(self, term: int | None = None) -> Any:
        """The whole buffer, cursor and modes of a terminal (default: the active one)."""
        number = "gotwist.state().active" if term is None else str(term)
        return self.page.evaluate(f"gotwist.serialize({number})")

    def text(self, term: int | None = None) -> str:
        """All lines of a terminal, wrapped ones joined."""
        screen = self.screen(term)
        parts = itertools.chain.from_iterable(
            (("" if line["wrapped"] else "\n"), line["text"])
            for line in (screen["lines"] if screen else ())
        )
        return "".join(parts).strip("\n")

    def drawn(self, term: int | None = None) -> int:
        """The output offset up to which a terminal has been drawn."""
        number = "gotwist.state().active" if term is None else str(term)
        found = self.js(f"(gotwist.terminals().find((t) => t.term === {number}) || {{}}).drawn")
        return int(found or 0)

    def until_text(self, text: str, term: int | None = None) -> str:
        """Wait until a text is in a terminal's buffer."""
        self.await_(lambda: text in self.text(term), f"{text!r} in the terminal")
        return self.text(term)

    def type(self, text: str) -> None:
        """Type on the keyboard."""
        self.page.keyboard.type(text)

    def press(self, *keys: str) -> None:
        """Press keys by name."""
        for key in keys:
            self.page.keyboard.press(key)

    def settle(self) -> Any:
        """Wait until nothing more is drawn for a while; answers the screen then."""
        looks: list[Any] = []

        def is_still() -> bool:
            looks.append(self.js("JSON.stringify(gotwist.terminals())"))
            return len(looks) > STILL and len(set(looks[-STILL:])) == 1

        self.await_(is_still, "the screen to come to rest")
        return self.screen()

    def run(self, command: str, answer: str) -> None:
        """Type a command line and wait for a text that is not in it."""
        assert answer not in command, "the echo of the command would be taken for its answer"
        self.type(command + "\n")
        self.until_text(answer)

    def until_visible(self, selector: str) -> None:
        """Wait until an element is to be seen."""
        self.await_(lambda: self.visible(selector), f"{selector} to be seen")

    def visible(self, selector: str) -> bool:
        """Tell whether an element is to be seen."""
        return bool(self.page.locator(selector).first.is_visible())


class BrowserTestCase(SynchronousTestCase):
    """Starts daemons and opens tabs; each is closed with its test."""

    def daemon(self, *options: str, plain: bool = True, own_shell: bool = True) -> Daemon:
        """A daemon of this test's own, by plain HTTP on loopback unless told.

        :param own_shell: a shell whose home is the daemon's, which reads and keeps nothing
        """
        chromium()
        daemon = Daemon(*options, plain=plain)
        self.addCleanup(daemon.close)
        if own_shell:
            home = shlex.quote(str(daemon.home))
            shell = f"/usr/bin/env -C {home} HOME={home} HISTFILE= PS1='$ ' /bin/bash --norc"
            commands = {"*": {"terminal": {"commands": {"shell": shell}}}}
            daemon.write_settings("60shell.conf", commands)
        return daemon

    def context(self, **options: Any) -> BrowserContext:
        """A browser of its own, as far as cookies and storage go."""
        wanted: dict[str, Any] = {"ignore_https_errors": True, "viewport": SIZE, **options}
        context = chromium().new_context(**wanted)
        self.addCleanup(context.close)
        return context

    def tab(self, url: str, context: BrowserContext | None = None, **options: Any) -> Tab:
        """A tab in which a link was opened, ready for typing."""
        tab = Tab(context or self.context(**options))
        return tab.open(url)

    def assert_same_screen(self, one: Tab, other: Tab, *, scrollback: bool = True) -> None:
        """Two tabs come to show the same: text, looks, cursor, modes, and lines above.

        :param scrollback: compare also what has scrolled off the screen
        """

        def differences() -> list[str]:
            screens = one.screen(), other.screen()
            for screen in () if scrollback else screens:
                screen["lines"] = screen["lines"][screen["base"] :]
                screen["base"] = 0
            found = [
                f"{name}: {screens[0][name]} != {screens[1][name]}"
                for name in screens[0]
                if name != "lines" and screens[0][name] != screens[1][name]
            ]
            lines = [screen["lines"] for screen in screens]
            if len(lines[0]) != len(lines[1]):
                found.append(f"{len(lines[0])} lines != {len(lines[1])}")
            for at, (left, right) in enumerate(zip(*lines, strict=False)):
                if left != right:
                    found.append(f"line {at}: {left} != {right}")
            return found

        last: list[str] = []

        def same() -> bool:
            last[:] = differences()
            return not last

        try:
            other.await_(same, "the two screens to be equal")
        except AssertionError:
            self.fail("the screens differ:\n" + "\n".join(last[:20]))

    def assert_clean(self, tab: Tab) -> None:
        """Nothing left the origin, nothing failed, nothing was forbidden."""
        here = urlsplit(tab.page.url).netloc
        elsewhere = [
            url
            for url in tab.requests
            if urlsplit(url).scheme not in ("data", "blob") and urlsplit(url).netloc != here
        ]
        self.assertEqual(elsewhere, [])
        self.assertEqual(tab.errors, [])
        self.assertEqual(tab.js("window.violations"), [])
