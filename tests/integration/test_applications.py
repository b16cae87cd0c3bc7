"""Tests of applications of third parties, by directory and by entry point, in a real daemon."""

from __future__ import annotations

import json

from twisted.trial.unittest import SynchronousTestCase

from tests.integration.daemon import Daemon
from tests.integration.signing_in import connect, cookie_of, request
from tests.integration.websocket import WebSocket

FROM_A_FILE = """
from twisted.web.resource import Resource

from gotwist.gateway.actions import action, require, is_user
from gotwist.gateway.application import Application


class Page(Resource):
    isLeaf = True

    def __init__(self, text):
        super().__init__()
        self.text = text

    def render_GET(self, request):
        return self.text


class Shop(Application):
    name = "shop"
    version = "2.1"
    description = "Things to have."

    @classmethod
    def make_shared(cls, house):
        house.add_handler("shop/early", Page(b"early"))
        return {"opened": 0}

    def initialize(self):
        self.shared["opened"] += 1
        self.add_handler("shop/client", Page(b"client %d" % self.shared["opened"]))

    def open(self):
        self.client.send("shop:open", self.shared["opened"])

    async def authenticate(self):
        self.client.send("shop:welcome", self.client.user.upn)
        self.on("shop:news", self.news)
        self.once("shop:news", lambda text: self.client.send("shop:first", text))

    def news(self, text):
        self.client.send("shop:heard", text)

    @action("shop:tell", str)
    def tell(self, text):
        self.trigger("shop:news", text)

    @action("shop:silence")
    def silence(self):
        self.off("shop:news", self.news)

    @action("shop:later")
    def later(self):
        self.add_timeout("10ms", lambda: self.client.send("shop:now", True))

    @action("shop:late_page", str)
    def late_page(self, text):
        self.add_handler("shop/late", Page(text.encode()))
        self.client.send("shop:made", True)

    @require(is_user("somebody else"))
    @action("shop:rob")
    def rob(self):
        self.client.send("shop:robbed", True)

    def on_close(self):
        self.trigger("shop:news", "somebody left")


apps = [Shop]
"""
FROM_A_PACKAGE = """
from gotwist.gateway.actions import action
from gotwist.gateway.application import Application


class Clock(Application):
    name = "clock"

    @action("clock:ask", int)
    def ask(self, number):
        self.client.send("clock:answer", number + 1)
"""
BROKEN = 'raise RuntimeError("this file is broken")\n'
ENTRY_POINTS = """[gotwist.applications]
clock = a_clock_for_gotwist:Clock
lost = a_clock_for_gotwist:NoSuchName
"""


class ApplicationsTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.daemon = Daemon(plain=True, tolerated=[r"^\s*Traceback"])
        self.addCleanup(self.daemon.close)
        self.install_files()
        self.install_package()
        self.daemon.options.append(f"--applications_dir={self.applications}")
        self.daemon.start()
        self.cookie = cookie_of(self.daemon, self.daemon.first_link())

    def install_files(self) -> None:
        self.applications = self.daemon.home / "applications"
        for name, text in {"shop": FROM_A_FILE, "broken": BROKEN, "open": FROM_A_PACKAGE}.items():
            folder = self.applications / name
            folder.mkdir(parents=True)
            (folder / f"{name}.py").write_text(text)
        (self.applications / "open" / "open.py").chmod(0o666)

    def install_package(self) -> None:
        """What pip would leave behind for a package with entry points."""
        site = self.daemon.home / "site"
        metadata = site / "a_clock_for_gotwist-1.0.dist-info"
        metadata.mkdir(parents=True)
        (site / "a_clock_for_gotwist.py").write_text(FROM_A_PACKAGE)
        (metadata / "METADATA").write_text(
            "Metadata-Version: 2.1\nName: a-clock-for-gotwist\nVersion: 1.0\n"
        )
        (metadata / "entry_points.txt").write_text(ENTRY_POINTS)
        self.daemon.python_path.append(site)

    def page(self, path: str, cookie: str | None = None) -> tuple[int, bytes]:
        headers = {"Cookie": self.cookie if cookie is None else cookie}
        status, _, body = request(self.daemon, "GET", path, headers)
        return status, body

    def heard_until(self, websocket: WebSocket, wanted: str) -> list[str]:
        """The names of the actions heard, up to the one wanted."""
        heard: list[str] = []
        while wanted not in heard:
            heard.extend(json.loads(websocket.receive()[1]))
        return heard

    def test_found(self) -> None:
        """Both kinds are listed and served; what fails is skipped and named in the log."""
        websocket = connect(self.daemon, self.cookie)
        websocket.send("go:list_applications", None)
        listed = {entry["name"]: entry for entry in websocket.until_action("go:applications")}
        self.assertEqual(list(listed), ["terminal", "example", "clock", "shop"])
        self.assertEqual(
            (listed["shop"]["version"], listed["shop"]["description"]), ("2.1", "Things to have.")
        )
        websocket.send("clock:ask", 41)
        self.assertEqual(websocket.until_action("clock:answer"), 42)
        log = self.daemon.log.read_text()
        for named in ("broken.py", "this file is broken", "entry point lost", "open.py"):
            self.assertIn(named, log)

    def test_life(self) -> None:
        """An application hears of opening, signing in, events, time and the end."""
        websocket = connect(self.daemon, self.cookie)
        other = connect(self.daemon, self.cookie)
        websocket.send("shop:tell", "one")
        self.assertEqual(websocket.until_action("shop:heard"), "one")
        self.assertEqual(self.heard_until(other, "shop:first"), ["shop:heard", "shop:first"])
        websocket.send("shop:silence", None)
        websocket.send("shop:tell", "two")
        websocket.send("shop:later", None)
        self.assertEqual(self.heard_until(websocket, "shop:now"), ["shop:first", "shop:now"])
        self.assertEqual(other.until_action("shop:heard"), "two")
        websocket.close()
        self.assertEqual(other.until_action("shop:heard"), "somebody left")

    def test_refused_action(self) -> None:
        """What an application requires is asked before anything of the action runs."""
        websocket = connect(self.daemon, self.cookie)
        websocket.send("shop:rob", None)
        self.assertEqual(self.heard_until(websocket, "go:error"), ["go:error"])
        websocket.send("shop:tell", 7)
        self.assertEqual(websocket.until_action("go:error")["code"], "malformed")

    def test_handlers(self) -> None:
        """Pages answer that were added at the start, with a client, and at any time later."""
        self.assertEqual(self.page("/shop/early"), (200, b"early"))
        self.assertEqual(self.page("/shop/late")[0], 404)
        websocket = connect(self.daemon, self.cookie)
        self.assertEqual(self.page("/shop/client"), (200, b"client 1"))
        connect(self.daemon, self.cookie)
        self.assertEqual(self.page("/shop/client"), (200, b"client 2"))
        for text in ("old", "new"):
            websocket.send("shop:late_page", text)
            websocket.until_action("shop:made")
            self.assertEqual(self.page("/shop/late"), (200, text.encode()))
        self.assertEqual(self.page("/shop/late", cookie="")[0], 401)
