"""Tests of what a daemon at work and its keeper have loaded: each megabyte is there for good."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from tests.integration.daemon import Daemon
from tests.integration.signing_in import connect, cookie_of, request
from tests.integration.websocket import Screen

ROOT = Path(__file__).resolve().parents[2]
#: Where it is on, TLS needs them.
TLS = frozenset(
    {"cryptography.x509.base", "gotwist.web.tls", "service_identity", "twisted.internet._sslverify"}
)
#: Each is the inside of something that is put off, or is not to come back by itself.
NEVER = frozenset(
    {"autobahn.twisted.resource", "autobahn.twisted.wamp", "autobahn.wamp.protocol"}
    | {"cbor2._cbor2", "hyperlink._url", "twisted.python.systemd", "twisted.web._template_util"}
    | {"twisted.web.client", "twisted.web.pages", "xml.sax", "numpy", "sqlite3", "multiprocessing"}
)
NEVER_IN_THE_KEEPER = frozenset(
    {"argparse", "asyncio", "ctypes", "dataclasses", "inspect", "logging", "pathlib", "subprocess"}
    | {"tempfile", "threading", "tokenize", "traceback", "typing"}
)
APPLICATION = """
import sys

from gotwist.gateway.actions import action
from gotwist.gateway.application import Application


class Modules(Application):
    name = "modules"

    @action("modules:list")
    def list(self):
        self.client.send("modules:listed", sorted(sys.modules))


apps = [Modules]
"""


class DaemonImportsTests(SynchronousTestCase):
    def loaded(self, *, plain: bool) -> frozenset[str]:
        """The modules of a daemon that has served a page, a WebSocket and a terminal."""
        daemon = Daemon(plain=plain)
        self.addCleanup(daemon.close)
        folder = daemon.home / "applications" / "modules"
        folder.mkdir(parents=True)
        (folder / "modules.py").write_text(APPLICATION)
        daemon.options.append(f"--applications_dir={folder.parent}")
        daemon.start()
        cookie = cookie_of(daemon, daemon.first_link())
        self.assertEqual(request(daemon, "GET", "/", {"Cookie": cookie})[0], 200)
        self.assertEqual(request(daemon, "GET", "/nothing", {"Cookie": cookie})[0], 404)
        websocket = connect(daemon, cookie)
        screen = Screen(websocket)
        screen.type(b"echo ta''ken\n")
        screen.until_text(b"taken")
        websocket.send("modules:list", None)
        listed = frozenset(map(str, websocket.until_action("modules:listed")))
        websocket.close()
        self.assertIn("autobahn.twisted.websocket", listed)
        return listed

    def test_plain_http(self) -> None:
        """Without TLS nothing of certificates is loaded, and never what nobody has asked for."""
        self.assertEqual(self.loaded(plain=True) & (NEVER | TLS), frozenset())

    def test_tls(self) -> None:
        """With TLS its modules are there before the first connection, but no others."""
        listed = self.loaded(plain=False)
        self.assertEqual(listed & NEVER, frozenset())
        self.assertEqual(TLS - listed, frozenset())


class KeeperImportsTests(SynchronousTestCase):
    def test_keeper(self) -> None:
        """The keeper, started as the daemon does, loads little of the standard library."""
        text = "import sys; sys.path.append(sys.argv[1]); import gotwist.keeper.__main__; "
        text += "print(*sys.modules)"
        found = subprocess.run(
            [sys.executable, "-I", "-S", "-c", text, str(ROOT)],
            env={},
            check=True,
            capture_output=True,
            text=True,
            timeout=60,
        )
        listed = frozenset(found.stdout.split())
        self.assertIn("gotwist.keeper.unix", listed)
        self.assertEqual(listed & NEVER_IN_THE_KEEPER, frozenset())
