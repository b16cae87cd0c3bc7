"""Cross-site WebSocket hijacking and DNS rebinding: who may speak in a user's name."""

from __future__ import annotations

from tests.faults.raw import exchange, get
from tests.faults.support import TLS, FaultTestCase, sign_in
from tests.integration.websocket import Refused, WebSocket


class HijackingTests(FaultTestCase):
    kind = TLS

    def setUp(self) -> None:
        super().setUp()
        self.cookie = sign_in(self.daemon)
        self.port = self.daemon.port

    def refused(self, origin: str | None, host: str = "", cookie: bool = True) -> int:
        try:
            self.stranger(origin=origin, host=host, cookie=self.cookie if cookie else "")
        except Refused as refused:
            return refused.status
        return 101

    def test_own_page(self) -> None:
        """Pages of the daemon itself may connect, under each of its names."""
        for host in ("127.0.0.1", "localhost", "LOCALHOST", "[::1]"):
            authority = f"{host}:{self.port}"
            self.assertEqual(101, self.refused(f"https://{authority}", authority), host)

    def test_other_pages(self) -> None:
        """A page of any other origin is refused before the upgrade, cookie or not."""
        port = self.port
        for origin in (
            f"https://127.0.0.1:{port + 1}",
            "https://127.0.0.1",
            f"http://127.0.0.1:{port}",
            f"wss://127.0.0.1:{port}",
            f"https://evil.example:{port}",
            f"https://sub.127.0.0.1:{port}",
            f"https://127.0.0.1.evil.example:{port}",
            f"https://127.0.0.10:{port}",
            f"https://evil127.0.0.1:{port}",
            f"https://127.0.0.1:{port}0",
            f"https://127.0.0.1:{port}.evil.example",
            f"https://127.0.0.1.:{port}",
            f"https://localhost:{port}",
            f"https://[::1]:{port}",
            f"https://[::ffff:127.0.0.1]:{port}",
            f"https://2130706433:{port}",
            f"https://127.1:{port}",
            f"https://0x7f000001:{port}",
            f"https://xn--127-0-0-1:{port}",
            "null",
            "",
            "file://",
            "https://",
            "https://:443",
            "chrome-extension://abcdefghijklmnop",
        ):
            for cookie in (True, False):
                self.assertIn(self.refused(origin, cookie=cookie), (400, 403), origin)

    def test_nearly_own(self) -> None:
        """What only looks like an origin is none: paths, users, lists, blanks, strange letters."""
        own = f"https://127.0.0.1:{self.port}"
        for origin in (
            own + "/",
            own + "/x",
            own + "?",
            own + "#",
            own + "\\",
            own + " https://evil.example",
            own + ",https://evil.example",
            own + "\x01",
            f"https://x@127.0.0.1:{self.port}",
            f"https://evil.example\\@127.0.0.1:{self.port}",
            f"https://127.0.0.1:{self.port}\N{COMBINING ACUTE ACCENT}",
        ):
            self.assertIn(self.refused(origin), (400, 403), origin)

    def test_names_of_the_listener(self) -> None:
        """A subdomain, a dot at the end and letters that look alike are other names."""
        host = f"localhost:{self.port}"
        for name in ("a.localhost", "localhost.", "localhost.localdomain", "xn--lcalhost-54a"):
            self.assertEqual(403, self.refused(f"https://{name}:{self.port}", host), name)
        self.assertIn(self.refused(f"https://l\u043ecalhost:{self.port}", host), (400, 403))

    def test_no_origin(self) -> None:
        """Without an origin a cookie counts for nothing: only native programs are let in."""
        self.assertEqual(403, self.refused(None))
        self.assertEqual(101, self.refused(None, cookie=False))

    def test_two_origins(self) -> None:
        """Two origin lines are none."""
        head = (
            f"GET /ws HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\nUpgrade: websocket\r\n"
            "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
            f"Origin: https://127.0.0.1:{self.port}\r\nOrigin: https://evil.example\r\n\r\n"
        )
        answers = exchange(self.daemon, head.encode())
        self.assertIn(answers[0].status, (400, 403))

    def test_cookie_alone_signs_nobody_in(self) -> None:
        """A connection that is let in without a cookie has to authenticate."""
        websocket = self.stranger(origin=None)
        websocket.send("go:authenticate", {"auth": None, "location": "default"})
        self.assertEqual(websocket.until_action("go:reauthenticate"), True)


class RebindingTests(FaultTestCase):
    kind = TLS

    def test_foreign_names(self) -> None:
        """A name that somebody points at this machine is not answered, page and WebSocket alike."""
        port = self.daemon.port
        cookie = sign_in(self.daemon)
        for host in (
            f"evil.example:{port}",
            f"127.0.0.1.evil.example:{port}",
            f"localhost.:{port}",
            f"localhost.evil.example:{port}",
            f"127.1:{port}",
            f"2130706433:{port}",
            f"[::2]:{port}",
            "0",
        ):
            with self.assertRaises(Refused) as refused:
                WebSocket(self.daemon.base, host=host, origin=f"https://{host}", cookie=cookie)
            self.assertEqual(400, refused.exception.status, host)

    def test_odd_host_lines(self) -> None:
        """Host is there once and is nothing but a name and a port."""
        own = f"127.0.0.1:{self.daemon.port}"
        for lines in (
            "",
            "Host:\r\n",
            f"Host: {own}\r\nHost: {own}\r\n",
            f"Host: {own}\r\nHost: evil.example\r\n",
            f"Host: {own},evil.example\r\n",
            f"Host: {own}/\r\n",
            f"Host: x@{own}\r\n",
            f"Host: {own}@evil.example\r\n",
            f"Host: {own}?\r\n",
            f"Host: {own} \x0bevil\r\n",
            "Host: 127.0.0.1:0\r\n",
            "Host: 127.0.0.1:99999\r\n",
            "Host: 127.0.0.1:https\r\n",
            "Host: [::1\r\n",
            "Host: [127.0.0.1]\r\n",
            "Host: %31%32%37.0.0.1\r\n",
            "Host: \xff\r\n",
        ):
            data = f"GET / HTTP/1.1\r\n{lines}Connection: close\r\n\r\n".encode("latin-1")
            answers = exchange(self.daemon, data)
            self.assertEqual([400], [answer.status for answer in answers], lines)

    def test_absolute_target(self) -> None:
        """A target with a host of its own cannot overrule Host."""
        for target in ("https://evil.example/", "//evil.example/", "evil.example:443", "*"):
            self.assertIn(get(self.daemon, target).status, (400, 404), target)

    def test_forwarded_headers_of_strangers(self) -> None:
        """Nobody but a listed proxy is believed about names and addresses."""
        answer = get(
            self.daemon,
            "/",
            "X-Forwarded-Host: evil.example",
            "X-Forwarded-Proto: http",
            "Forwarded: host=evil.example",
        )
        self.assertEqual(401, answer.status)
        self.assertNotIn("evil", answer.header("content-security-policy"))
        self.assertIn("wss://127.0.0.1", answer.header("content-security-policy"))
