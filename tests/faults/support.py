"""What the fault tests share: daemons that many tests use, and clients that tidy up."""

from __future__ import annotations

import atexit
import os
import socket
import struct
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from twisted.trial.unittest import SynchronousTestCase

from gotwist.control.ask import ask
from tests.faults.raw import Answer, get
from tests.integration.daemon import Daemon, until
from tests.integration.signing_in import connect
from tests.integration.websocket import Closed, Screen, WebSocket

#: Generous enough for hundreds of tests in a row; each fault is provoked at its own limit.
SETTINGS = {
    "*": {
        "terminal": {
            "commands": {
                "shell": "/bin/sh",
                "deaf": "/bin/sleep 1000",
                "flood": "/usr/bin/yes 0123456789abcdef",
                "cat": "/bin/cat",
            },
            "max_terms": 64,
        }
    }
}


@dataclass(frozen=True)
class Kind:
    """One sort of daemon that tests share."""

    options: tuple[str, ...] = ()
    plain: bool = True
    settings: object = field(default_factory=lambda: SETTINGS, hash=False)


PLAIN = Kind()
TLS = Kind(plain=False)

_running: dict[Kind, Daemon] = {}


def shared_daemon(kind: Kind) -> Daemon:
    """The one daemon of a kind, started when it is first asked for; ends with the tests."""
    daemon = _running.get(kind)
    if daemon is None:
        daemon = Daemon(*kind.options, plain=kind.plain)
        atexit.register(daemon.close)
        daemon.write_settings("60faults.conf", kind.settings)
        daemon.start()
        _running[kind] = daemon
    return daemon


def keeper_of(daemon: Daemon) -> int:
    """The process that serves the keeper's socket, told by the kernel; waits for it."""

    def ask_kernel() -> int:
        path = os.path.join(daemon.home, ".gotwist", "run", "keeper.sock")
        with suppress(OSError), socket.socket(socket.AF_UNIX) as line:
            line.connect(path)
            found = line.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
            return int(struct.unpack("3i", found)[0])
        return 0

    found = until(ask_kernel, "the keeper")
    assert isinstance(found, int)
    return found


def mint(daemon: Daemon) -> str:
    """A fresh launch token."""
    path = os.path.join(daemon.home, ".gotwist", "run", "control.sock")
    return str(ask(path, "link")["link"]).partition("token=")[2]


def cookie_from(answer: Answer) -> str:
    """The cookie that an answer sets, as a browser sends it back; ``""`` for none."""
    return answer.header("set-cookie").partition(";")[0]


def sign_in(daemon: Daemon) -> str:
    """The cookie of a new sign-in."""
    answer = get(daemon, f"/auth?token={mint(daemon)}")
    cookie = cookie_from(answer)
    assert answer.status == 303 and cookie, answer
    return cookie


class FaultTestCase(SynchronousTestCase):
    """A test against a daemon, whose log is judged afterwards."""

    kind: Kind | None = PLAIN

    def setUp(self) -> None:
        if self.kind is not None:
            self.daemon = shared_daemon(self.kind)
            self.daemon.judge_log()
            self.addCleanup(self.daemon.judge_log)
            self.addCleanup(self.assert_serves)

    def assert_serves(self) -> None:
        """The daemon lives and answers."""
        self.assertTrue(self.daemon.is_healthy())

    def own_daemon(
        self,
        *options: str,
        plain: bool = True,
        settings: object = SETTINGS,
        tolerated: Sequence[str] = (),
    ) -> Daemon:
        """A daemon for this test alone, not started yet."""
        daemon = Daemon(*options, plain=plain, tolerated=tolerated)
        self.addCleanup(daemon.close)
        daemon.write_settings("60faults.conf", settings)
        return daemon

    def client(self, daemon: Daemon | None = None, cookie: str = "") -> WebSocket:
        """A signed-in WebSocket, closed at the end."""
        daemon = daemon or self.daemon
        websocket = connect(daemon, cookie or sign_in(daemon))
        self.addCleanup(websocket.close)
        return websocket

    def stranger(self, daemon: Daemon | None = None, **how: object) -> WebSocket:
        """A WebSocket that has not signed in."""
        websocket = WebSocket((daemon or self.daemon).base, **how)  # type: ignore[arg-type]
        self.addCleanup(websocket.close)
        return websocket

    def screen(
        self, websocket: WebSocket | None = None, command: str = "shell", **wanted: object
    ) -> Screen:
        """A terminal with a program of its own, ended at the end."""
        websocket = websocket or self.client()
        screen = Screen(websocket, command=command, **wanted)
        if self.kind is not None:
            # A daemon of the test's own takes its terminals along.
            self.addCleanup(self._end, self.daemon, screen)
        return screen

    def _end(self, daemon: Daemon, screen: Screen) -> None:
        for websocket in (lambda: screen.websocket, lambda: self.client(daemon)):
            # The test's own connection may be what was attacked.
            with suppress(OSError, Closed):
                self._kill(websocket(), screen.term)
                return

    def _kill(self, websocket: WebSocket, term: int) -> None:
        websocket.send("terminal:kill_terminal", term)
        websocket.until(lambda found: {"terminal:term_ended", "go:error"} & found.keys())

    def assert_closed(self, websocket: WebSocket, *codes: int | None) -> None:
        """The connection ends, with one of these codes (None: without a word)."""
        try:
            while True:
                websocket.receive()
        except Closed as closed:
            self.assertIn(closed.code, codes)
        except ConnectionError:
            self.assertIn(None, codes)

    def assert_still_talks(self, websocket: WebSocket, mark: object = "still here") -> None:
        """The connection has survived."""
        websocket.send("go:ping", mark)
        websocket.until(lambda message: message.get("go:pong") == mark)

    def push(self, websocket: WebSocket, data: bytes) -> None:
        """Send what the other side may refuse to listen to."""
        with suppress(OSError):
            websocket.socket.sendall(data)
