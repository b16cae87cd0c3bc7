"""Attacks on pages and sign-in: framing, forged requests, redirects, cookies, tokens."""

from __future__ import annotations

import re
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import quote

from tests.faults.raw import Answer, exchange, get
from tests.faults.support import PLAIN, TLS, FaultTestCase, cookie_from, mint, sign_in
from tests.integration.daemon import LINK, Daemon, until
from tests.integration.websocket import WebSocket

REQUIRED = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "strict-transport-security": "max-age=63072000; includeSubDomains",
    "permissions-policy": "camera=(), microphone=(), geolocation=(), "
    "clipboard-read=(self), clipboard-write=(self)",
    "server": "gotwist",
}


class HeaderTests(FaultTestCase):
    kind = TLS

    def assert_guarded(self, answer: Answer, where: str) -> None:
        for name, value in REQUIRED.items():
            self.assertEqual(value, answer.header(name), f"{name} of {where}: {answer}")
        policy = answer.header("content-security-policy")
        directives = dict(part.strip().partition(" ")[::2] for part in policy.split(";"))
        self.assertEqual("'none'", directives["default-src"], where)
        self.assertEqual("'none'", directives["frame-ancestors"], where)
        self.assertEqual("'none'", directives["base-uri"], where)
        self.assertNotIn("unsafe", directives.get("script-src", ""), where)
        self.assertTrue(answer.header("cache-control"), where)
        self.assertNotRegex(answer.body.decode("utf-8", "replace"), r"(?i)twisted|autobahn|python")
        if answer.body:
            self.assertRegex(answer.header("content-type"), r"charset=utf-8|javascript|octet|image")

    def test_every_route(self) -> None:
        """No answer, error or redirect goes without the whole set of headers."""
        cookie = f"Cookie: {sign_in(self.daemon)}"
        page = get(self.daemon, "/", cookie)
        script = re.search(rb"static/main-[^\"]+\.js", page.body)
        assert script, page
        for target, status in (
            ("/", 401),
            ("/auth", 303),
            ("/auth?check=1", 200),
            ("/auth?token=no", 403),
            ("/auth?logout=1", 200),
            ("/healthz", 200),
            ("/static/nothing.js", 404),
            ("/" + script[0].decode(), 200),
            ("/nothing", 404),
            ("/downloads/nothing", 401),
            ("/ws", 426),
            ("/%00", 400),
            ("/%0d%0a", 400),
            ("/" + "x" * 9_000, 414),
        ):
            answer = get(self.daemon, target)
            self.assertEqual(status, answer.status, target)
            self.assert_guarded(answer, target)
        self.assert_guarded(page, "main page")

    def test_every_refusal(self) -> None:
        """Refused methods, bodies, heads and handshakes carry them too."""
        for method, status in (("POST", 405), ("DELETE", 405), ("TRACE", 405), ("PUT", 405)):
            answer = get(self.daemon, "/", method=method)
            self.assertEqual(status, answer.status, method)
            self.assert_guarded(answer, method)
        host = f"Host: 127.0.0.1:{self.daemon.port}\r\n"
        upgrade = (
            f"GET /ws HTTP/1.1\r\n{host}Upgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
        )
        for head, status in (
            (f"POST /auth HTTP/1.1\r\n{host}Content-Length: 99999999\r\n\r\n", 413),
            (f"GET / HTTP/1.1\r\n{host}X: {'x' * 9_000}\r\n\r\n", 431),
            ("GET / HTTP/1.1\r\n\r\n", 400),
            ("nonsense\r\n\r\n", 400),
            (upgrade + "Origin: https://evil.example\r\n\r\n", 403),
            (upgrade + "Origin: null\r\n\r\n", 403),
            (upgrade.replace("Version: 13", "Version: 99") + "\r\n", 426),
            (upgrade.replace("AAAAAAAAAAAAAAAAAAAAAA==", "short") + "\r\n", 400),
            (upgrade.replace(host, "Host: evil.example\r\n") + "\r\n", 400),
        ):
            (answer,) = exchange(self.daemon, head.encode())
            self.assertEqual(status, answer.status, head)
            self.assert_guarded(answer, head)

    def test_nothing_is_reflected(self) -> None:
        """Markup in an address or a field comes back as text, if at all."""
        evil = "<script>alert(1)</script>"
        cross = "Sec-Fetch-Site: cross-site"
        for target in (
            f"/{quote(evil)}",
            f"/{evil.replace(' ', '')}",
            f"/auth?token={quote(evil)}",
            f"/auth?token={quote(chr(34) + '>' + evil)}&next={quote(chr(34) + evil)}",
            f"/auth?logout=1&redirect={quote(evil)}",
            f"/static/{quote(evil)}",
        ):
            for headers in ((), (cross,), (f"User-Agent: {evil}",)):
                self.assertNotIn(b"<script>alert", get(self.daemon, target, *headers).body, target)


class ForgeryTests(FaultTestCase):
    def is_signed_in(self, cookie: str) -> bool:
        return get(self.daemon, "/auth?check=1", f"Cookie: {cookie}").body == b"authenticated"

    def post(self, body: str, *headers: str) -> Answer:
        lines = [
            "POST /auth HTTP/1.1",
            f"Host: 127.0.0.1:{self.daemon.port}",
            "Content-Type: application/x-www-form-urlencoded",
            f"Content-Length: {len(body)}",
            "Connection: close",
            *headers,
        ]
        (answer,) = exchange(self.daemon, "\r\n".join([*lines, "", body]).encode())
        return answer

    def test_sign_out(self) -> None:
        """Only a page of ours can sign somebody out."""
        cookie = sign_in(self.daemon)
        own = f"http://127.0.0.1:{self.daemon.port}"
        for headers in (
            (),
            ("Origin: https://evil.example",),
            ("Origin: null",),
            (f"Origin: {own}.evil.example",),
            (f"Origin: {own}0",),
            ("Sec-Fetch-Site: cross-site",),
            ("Sec-Fetch-Site: same-site",),
            ("Sec-Fetch-Site: none",),
            ("Sec-Fetch-Site: cross-site", f"Origin: {own}"),
        ):
            answer = self.post("logout=1", f"Cookie: {cookie}", *headers)
            self.assertEqual(403, answer.status, headers)
        for site in ("cross-site", "same-site"):
            answer = get(
                self.daemon, "/auth?logout=1", f"Cookie: {cookie}", f"Sec-Fetch-Site: {site}"
            )
            self.assertEqual(403, answer.status, site)
        self.assertTrue(self.is_signed_in(cookie))
        self.assertEqual(303, self.post("logout=1", f"Cookie: {cookie}", f"Origin: {own}").status)
        self.assertFalse(self.is_signed_in(cookie))

    def test_redirects(self) -> None:
        """``next`` and ``redirect`` lead to a path of this site, whatever they say."""
        for value in (
            "//evil.example",
            "///evil.example",
            "/\\evil.example",
            "\\\\evil.example",
            "/\t/evil.example",
            "/\n/evil.example",
            "https://evil.example",
            "HTTPS:evil.example",
            "javascript:alert(1)",
            "evil.example",
            "/x\r\nSet-Cookie: a=b",
            "/\x85/evil.example",
            "/" + "x" * 3_000,
            " //evil.example",
        ):
            answer = get(self.daemon, f"/auth?token={mint(self.daemon)}&next={quote(value)}")
            self.assertEqual((303, "/"), (answer.status, answer.header("location")), value)
            self.assertNotIn("a=b", answer.header("set-cookie"))
            answer = get(self.daemon, f"/auth?logout=1&redirect={quote(value)}")
            self.assertEqual(b"/", answer.body, value)
        answer = get(self.daemon, f"/auth?token={mint(self.daemon)}&next=/?a=b")
        self.assertEqual("/?a=b", answer.header("location"))

    def test_fixed_cookie(self) -> None:
        """A cookie that somebody planted does not become a sign-in; a new one is made."""
        planted = "a" * 64 + "." + "b" * 64
        answer = get(self.daemon, f"/auth?token={mint(self.daemon)}", f"Cookie: gotwist={planted}")
        self.assertNotIn(planted, cookie_from(answer))
        self.assertFalse(self.is_signed_in(f"gotwist={planted}"))
        first, second = sign_in(self.daemon), sign_in(self.daemon)
        self.assertNotEqual(first, second)

    def test_tampered_cookie(self) -> None:
        """Any change to a cookie makes it nothing, and so do two cookies or another name."""
        cookie = sign_in(self.daemon)
        other = sign_in(self.daemon)
        name, _, value = cookie.partition("=")
        id_, _, signature = value.partition(".")
        flip = {"0": "1"}
        for bad in (
            *(
                f"{name}={value[:at]}{flip.get(value[at], '0')}{value[at + 1 :]}"
                for at in (0, 31, 63, 65, 100, 128)
            ),
            f"{name}={value}0",
            f"{name}={value[:-1]}",
            f"{name}={value.upper()}",
            f"{name}={id_}.{other.partition('.')[2]}",
            f"{name}={id_}",
            f"{name}={id_}.",
            f"{name}=.{signature}",
            f"{name}={value}; {other}",
            f"__Host-gotwist={value}",
            f"GOTWIST={value}",
            f"{name}=",
            f"{name}={'0' * 3_000}",
        ):
            self.assertFalse(self.is_signed_in(bad), bad)
            websocket = self.stranger(cookie=bad)
            websocket.send("go:authenticate", {"auth": None, "location": "default"})
            message = websocket.until(
                lambda found: "go:reauthenticate" in found or "go:set_username" in found
            )
            self.assertIn("go:reauthenticate", message, bad)
            websocket.close()
        self.assertTrue(self.is_signed_in(cookie))

    def test_signed_out_cookie(self) -> None:
        """A cookie that was copied before the sign-out is worth nothing after it."""
        cookie = sign_in(self.daemon)
        websocket = self.client(cookie=cookie)
        get(self.daemon, "/auth?logout=1", f"Cookie: {cookie}")
        self.assert_closed(websocket, 4401)
        self.assertFalse(self.is_signed_in(cookie))
        self.assertEqual(401, get(self.daemon, "/", f"Cookie: {cookie}").status)


class CookieOfTlsTests(FaultTestCase):
    kind = TLS

    def test_attributes(self) -> None:
        """Over TLS the cookie is bound to this host, unreadable for scripts, never sent across."""
        answer = get(self.daemon, f"/auth?token={mint(self.daemon)}")
        value, *attributes = answer.header("set-cookie").split("; ")
        self.assertTrue(value.startswith("__Host-gotwist="))
        self.assertTrue({"Path=/", "Secure", "HttpOnly", "SameSite=Strict"} <= {*attributes})
        self.assertNotIn("Domain", answer.header("set-cookie"))

    def test_name_without_prefix(self) -> None:
        """The name of plain HTTP, which a sister host could plant, counts for nothing on TLS."""
        value = sign_in(self.daemon).partition("=")[2]
        check = get(self.daemon, "/auth?check=1", f"Cookie: gotwist={value}")
        self.assertEqual(b"unauthenticated", check.body)
        websocket = self.stranger(cookie=f"gotwist={value}")
        websocket.send("go:authenticate", {"auth": None, "location": "default"})
        self.assertEqual(True, websocket.until_action("go:reauthenticate"))


class TokenTests(FaultTestCase):
    kind = PLAIN

    def test_race(self) -> None:
        """Of a hundred simultaneous uses of one launch token exactly one signs in."""
        target = f"/auth?token={mint(self.daemon)}"
        with ThreadPoolExecutor(50) as pool:
            answers = list(pool.map(lambda _: get(self.daemon, target), range(100)))
        self.assertEqual({303: 1, 403: 99}, dict(Counter(answer.status for answer in answers)))
        self.assertEqual(1, sum(bool(cookie_from(answer)) for answer in answers))

    def test_race_over_websockets(self) -> None:
        """Over WebSockets a launch token signs nobody in, however many try, and is used up."""
        token = mint(self.daemon)

        def use(_: int) -> bool:
            websocket = WebSocket(self.daemon.base)
            try:
                websocket.send("go:authenticate", {"auth": token, "location": "default"})
                message = websocket.until(
                    lambda found: {"go:reauthenticate", "go:set_username"} & found.keys()
                )
                return "go:set_username" in message
            finally:
                websocket.close()

        with ThreadPoolExecutor(8) as pool:
            used = sum(pool.map(use, range(40)))
        self.assertEqual(0, used)
        self.assertEqual(403, get(self.daemon, f"/auth?token={token}").status)

    def test_forms(self) -> None:
        """What only resembles a token is refused, and leaves the real one usable."""
        token = mint(self.daemon)
        for odd in (
            token.upper(),
            token + "%0a",
            "%20" + token,
            token[:-1],
            token + "0",
            token[7:],
            "wstoken*",
            "wstoken",
            "wstoken" + "%D9%A1" * 64,
            "*",
            "",
            "x" * 7_000,
            token.replace("wstoken", "wstoken:"),
        ):
            answer = get(self.daemon, f"/auth?token={odd}")
            self.assertEqual(403, answer.status, odd)
            self.assertFalse(cookie_from(answer))
        self.assertEqual(403, get(self.daemon, f"/auth?token=no&token={token}").status)
        self.assertEqual(303, get(self.daemon, f"/auth?token={token}").status)
        self.assertEqual(403, get(self.daemon, f"/auth?token={token}").status)

    def test_not_taken_by_accident(self) -> None:
        """HEAD, prefetching and foreign pages take no token."""
        token = mint(self.daemon)
        target = f"/auth?token={token}"
        get(self.daemon, target, method="HEAD")
        self.assertEqual(503, get(self.daemon, target, "Sec-Purpose: prefetch").status)
        answer = get(self.daemon, target, "Sec-Fetch-Site: cross-site")
        self.assertFalse(cookie_from(answer))
        self.assertEqual(303, get(self.daemon, target).status)

    def test_expired(self) -> None:
        """A link too old is refused like one that never was; its lifetime can change live."""
        daemon = self.own_daemon("--file_check_interval=1s").start()
        daemon.write_settings("70ttl.conf", {"*": {"gotwist": {"launch_link_ttl": "10s"}}})
        until(lambda: b"launch_link_ttl" in daemon.log.read_bytes(), "the new lifetime")
        old, minted = mint(daemon), time.monotonic()
        until(lambda: time.monotonic() > minted + 10.1, "ten seconds to pass")
        late = get(daemon, f"/auth?token={old}")
        never = get(daemon, "/auth?token=wstoken" + "0" * 64)
        self.assertEqual((403, never.body), (late.status, late.body))

    def test_greeting_is_the_only_place(self) -> None:
        """The log holds the one link that the start has printed, and no other token ever."""
        daemon = self.own_daemon().start()
        link = daemon.first_link()
        get(daemon, link[link.index("/auth") :])
        get(daemon, f"/auth?token={mint(daemon)}")
        self.stranger(daemon, query=f"?ws_token=wstoken{'0' * 64}")
        self.assertEqual(1, len(LINK.findall(daemon.log.read_bytes())))
        self.assertEqual([], daemon.blemishes())


class OtherUsersTests(FaultTestCase):
    def test_daemon_of_another_secret(self) -> None:
        """A cookie of one daemon is nothing to another."""
        other = Daemon(plain=True)
        self.addCleanup(other.close)
        other.start()
        answer = get(other, "/auth?check=1", f"Cookie: {sign_in(self.daemon)}")
        self.assertEqual(b"unauthenticated", answer.body)
