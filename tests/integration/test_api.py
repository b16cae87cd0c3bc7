"""A real daemon that believes another site: keys made, used, rotated and taken away."""

from __future__ import annotations

import json
import re
import stat
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from twisted.trial.unittest import SynchronousTestCase

from gotwist.auth.apikey import sign
from tests.integration.browser import chromium
from tests.integration.daemon import Daemon, until
from tests.integration.signing_in import request
from tests.integration.websocket import Closed, Screen, WebSocket
from tests.quality.test_recipes import blocks, run

FILE = "30api_keys.conf"


class ApiCase(SynchronousTestCase):
    """A daemon that believes the holders of API keys."""

    def setUp(self) -> None:
        self.daemon = Daemon("--auth=api", "--file_check_interval=500", plain=True)
        self.addCleanup(self.daemon.close)
        self.secrets: list[str] = []

    def new_key(self) -> str:
        """Make a key as an operator does."""
        done = self.daemon.run("--new_api_key")
        self.assertEqual(done.returncode, 0, done.stderr)
        key = done.stdout.decode().strip()
        secret = self.keys()[key]
        self.secrets.append(secret)
        self.assertNotIn(secret.encode(), done.stdout + done.stderr)
        return key

    def keys(self) -> dict[str, str]:
        """The keys that the settings file holds."""
        path = self.daemon.home / ".gotwist" / "conf.d" / FILE
        self.assertEqual(stat.S_IMODE(path.stat().st_mode), 0o600)
        text = re.sub(r"^//.*$", "", path.read_text(), flags=re.MULTILINE)
        found: dict[str, str] = json.loads(text)["*"]["gotwist"]["api_keys"]
        return found

    def signed(
        self, key: str, upn: str = "joe@company.com", *, age_s: float = 0, **more: object
    ) -> dict[str, object]:
        """An object as the other site makes it now."""
        timestamp = str(round((time.time() - age_s) * 1000))
        return {
            "api_key": key,
            "upn": upn,
            "timestamp": timestamp,
            "signature": sign(self.keys()[key], key, upn, timestamp, "HMAC-SHA256"),
            "signature_method": "HMAC-SHA256",
            "api_version": "1.0",
            **more,
        }

    def connect(self) -> WebSocket:
        websocket = WebSocket(self.daemon.base)
        self.addCleanup(websocket.close)
        return websocket

    def answer(self, websocket: WebSocket, auth: object) -> str | None:
        """Offer something; answers the user's name, or None when it was refused."""
        websocket.send("go:authenticate", {"auth": auth})
        message = websocket.until(
            lambda message: message.keys() & {"go:set_username", "go:reauthenticate"}
        )
        name = message.get("go:set_username")
        return None if name is None else str(name)

    @contextmanager
    def reloaded(self) -> Iterator[None]:
        """Change settings, and go on when the daemon has taken them into use."""

        def count() -> int:
            return self.daemon.log.read_text().count("new settings in force")

        before = count()
        yield
        until(lambda: count() > before, "the settings to be read")


class ApiTests(ApiCase):
    def test_life_of_keys(self) -> None:
        """A key is made, opens a terminal, lives beside a second one, and ends, all without a
        restart; nothing of it comes into the log."""
        first = self.new_key()
        self.daemon.start()
        websocket = self.connect()
        self.assertIsNone(self.answer(websocket, self.signed(first, api_version="2.0")))
        good = self.signed(first, mail="joe@company.com", session="x", uid=0)
        self.assertEqual(self.answer(websocket, good), "joe@company.com")
        screen = Screen(websocket)
        screen.type(b"echo wel''come\n")
        screen.until_text(b"welcome")

        # Used, on any connection, and after a crash; as text as well.
        self.assertIsNone(self.answer(self.connect(), good))
        other = self.signed(first, "ann@company.com")
        self.assertEqual(self.answer(self.connect(), json.dumps(other)), "ann@company.com")
        self.assertIsNone(self.answer(self.connect(), json.dumps(other)))
        self.assertIsNone(self.answer(self.connect(), self.signed(first, age_s=31)))
        self.assertIsNone(self.answer(self.connect(), self.signed(first, age_s=-31)))

        last = self.signed(first, "last@company.com")
        self.assertEqual(self.answer(self.connect(), last), "last@company.com")
        self.daemon.kill()
        self.daemon.start()
        self.assertIsNone(self.answer(self.connect(), last))
        websocket = self.connect()
        self.assertEqual(self.answer(websocket, self.signed(first)), "joe@company.com")
        screen = Screen(websocket)

        with self.reloaded():
            second = self.new_key()
        self.assertEqual(self.answer(self.connect(), self.signed(second, "b@c")), "b@c")
        self.assertEqual(self.answer(self.connect(), self.signed(first, "d@c")), "d@c")
        ended = self.signed(first, "e@c")
        fewer = {"*": {"gotwist": {"api_keys": {second: self.keys()[second]}}}}
        with self.reloaded():
            self.daemon.write_settings(FILE, fewer)
        self.assertIsNone(self.answer(self.connect(), ended))
        self.assertEqual(self.answer(self.connect(), self.signed(second, "e@c")), "e@c")
        # Who is in stays in.
        screen.type(b"echo st''ill\n")
        screen.until_text(b"still")

        log = self.daemon.log.read_text()
        for secret in (*self.secrets, str(good["signature"]), str(ended["signature"])):
            self.assertNotIn(secret, log)
        for reason in ("used before", "too old", "from the future", "unknown key", "api_version"):
            self.assertIn(reason, log)

    def test_race(self) -> None:
        """Of many that offer the same object at the same time, one comes in."""
        key = self.new_key()
        self.daemon.start()
        sockets = [self.connect() for _ in range(15)]
        message = {"auth": self.signed(key)}
        for websocket in sockets:
            websocket.send("go:authenticate", message)
        answers = [
            websocket.until(lambda m: m.keys() & {"go:set_username", "go:reauthenticate"})
            for websocket in sockets
        ]
        self.assertEqual(["go:set_username" in answer for answer in answers].count(True), 1)

    def test_options_document(self) -> None:
        """Embedding sites are told how to sign, and no longer that SHA-1 will do."""
        self.new_key()
        self.daemon.start()
        recipe = f'address="{self.daemon.base}"\n{blocks("api-authentication.md", "sh")[1]}'
        document = json.loads(run("sh", "-ec", recipe, directory=str(self.daemon.home)))
        self.assertEqual(
            document["auth_api"],
            {
                "hmacs": ["HMAC-SHA1", "HMAC-SHA256", "HMAC-SHA384", "HMAC-SHA512"],
                "versions": ["1.0"],
            },
        )
        with self.reloaded():
            self.daemon.write_settings("40api.conf", {"*": {"gotwist": {"api_allow_sha1": False}}})
        document = json.loads(request(self.daemon, "OPTIONS", "/")[2])
        self.assertNotIn("HMAC-SHA1", document["auth_api"]["hmacs"])

    def test_deadline(self) -> None:
        """Refusals do not move the deadline: who has not signed in by then is cut off."""
        key = self.new_key()
        self.daemon.options.append("--authentication_timeout=2s")
        self.daemon.start()
        websocket = self.connect()
        with self.assertRaises(Closed) as closed:
            for _ in range(3):
                self.assertIsNone(self.answer(websocket, self.signed(key, age_s=60)))
            websocket.until_action("never")
        self.assertEqual(closed.exception.code, 4408)

    def test_readable_secrets(self) -> None:
        """The daemon does not start while others can read the secrets."""
        self.new_key()
        path = self.daemon.home / ".gotwist" / "conf.d" / FILE
        path.chmod(0o644)
        with self.assertRaises(AssertionError) as refused:
            self.daemon.start()
        self.assertIn("chmod o-r", str(refused.exception))
        self.daemon.process = None

    def test_command_line(self) -> None:
        """Keys may stand on the command line, and no other process is given them."""
        secret = "s" * 40
        self.daemon.options += [f"--api_keys=one:{secret},two:{'t' * 40}"]
        self.daemon.start()
        timestamp = str(round(time.time() * 1000))
        fields = {
            "api_key": "one",
            "upn": "joe",
            "timestamp": timestamp,
            "signature": sign(secret, "one", "joe", timestamp, "HMAC-SHA1"),
            "signature_method": "HMAC-SHA1",
            "api_version": "1.0",
        }
        self.assertEqual(self.answer(self.connect(), fields), "joe")
        keeper = self.daemon.keeper_pid()
        assert keeper is not None
        for name in ("cmdline", "environ"):
            with open(f"/proc/{keeper}/{name}", "rb") as file:
                self.assertNotIn(secret.encode(), file.read())
        for path in (self.daemon.home / ".gotwist").rglob("*"):
            if path.is_file():
                self.assertNotIn(secret.encode(), path.read_bytes(), str(path))


class EmptyPage(BaseHTTPRequestHandler):
    """Another site, as far as browsers care."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<!doctype html><title>Intranet</title>")

    def log_message(self, format: str, *values: object) -> None:
        """Say nothing."""


class EmbeddingTests(ApiCase):
    def site(self) -> str:
        """Start another site on loopback (elsewhere, browsers keep pages away from it)."""
        server = ThreadingHTTPServer(("127.0.0.1", 0), EmptyPage)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        self.addCleanup(thread.join)
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        return f"http://127.0.0.1:{server.server_port}"

    def test_page_elsewhere(self) -> None:
        """A page of another site signs its user in with the script of the documentation; a page
        that is not named in the settings does not even connect."""
        key = self.new_key()
        site, stranger = self.site(), self.site()
        self.daemon.options.append(f"--origins={site};{self.daemon.base.rstrip('/')}")
        self.daemon.start()
        (script,) = blocks("api-authentication.md", "js")
        address = self.daemon.base.replace("http:", "ws:")
        context = chromium().new_context()
        self.addCleanup(context.close)

        def told(origin: str, signed: dict[str, object], last: str) -> str:
            page = context.new_page()
            lines: list[str] = []
            page.on("console", lambda line: lines.append(line.text))
            page.goto(f"{origin}/")
            page.evaluate(f"([address, object]) => {{ {script} }}", [address, signed])

            def step() -> str:
                page.wait_for_timeout(20)
                return next((line for line in lines if last in line), "")

            return str(until(step, f"{last} among {lines}"))

        good = self.signed(key)
        self.assertEqual(told(site, good, "signed in"), "signed in as joe@company.com")
        self.assertIn("fresh", told(site, good, "refused"))
        self.assertIn("403", told(stranger, self.signed(key, "ann"), "WebSocket"))
