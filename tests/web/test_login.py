"""Launch links, sign-out, and the page."""

from __future__ import annotations

import re
from html import unescape

from twisted.trial.unittest import SynchronousTestCase

from gotwist.web.cookies import find_cookie
from gotwist.web.fields import parse_fields, safe_next
from tests.web.support import ALICE, COOKIE, House, settings_with

TLS = settings_with(trusted_proxies=("unix",), url_prefix="/a/b/")


class LaunchLinkTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.house = House()

    def test_signs_in_once(self) -> None:
        """A launch link signs the browser in, leaves no token in the address, and works once."""
        answer = self.house.ask("/auth?token=good-token")
        self.assertEqual((answer.status, answer.header("location")), (303, "/"))
        self.assertEqual(
            answer.header("set-cookie"),
            "gotwist=fresh-cookie; Path=/; HttpOnly; SameSite=Strict; Max-Age=3600",
        )
        self.assertEqual(self.house.ask("/", Cookie="gotwist=fresh-cookie").status, 200)
        again = self.house.ask("/auth?token=good-token")
        self.assertEqual((again.status, again.header("set-cookie")), (403, None))

    def test_cookie_on_tls(self) -> None:
        """On TLS the cookie is one that only this host, on TLS, can set."""
        answer = House(TLS).ask(
            "/a/b/auth?token=good-token", peer="unix", X_Forwarded_Proto="https"
        )
        self.assertEqual(answer.header("location"), "/a/b/")
        self.assertEqual(
            answer.header("set-cookie"),
            "__Host-gotwist=fresh-cookie; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=3600",
        )

    def test_looking_does_not_take(self) -> None:
        """HEAD and fetching ahead leave the token as it is."""
        self.house.ask("/auth?token=good-token", "HEAD")
        for name, value in (("Sec_Purpose", "prefetch;prerender"), ("Purpose", "prefetch")):
            answer = self.house.ask("/auth?token=good-token", more={name: value})
            self.assertEqual(answer.status, 503)
        self.assertEqual(self.house.desk.tokens, {"good-token"})

    def test_link_on_another_page(self) -> None:
        """From another site the link asks first; the button there signs in."""
        answer = self.house.ask("/auth?token=good-token&next=/x", Sec_Fetch_Site="cross-site")
        self.assertEqual((answer.status, self.house.desk.tokens), (200, {"good-token"}))
        fields = dict(re.findall(r'name="(\w+)" value="([^"]*)"', unescape(answer.body.decode())))
        self.assertEqual(fields, {"token": "good-token", "next": "/x"})
        answer = self.house.ask(
            "/auth", "POST", body=b"token=good-token&next=/x", Sec_Fetch_Site="same-origin"
        )
        self.assertEqual((answer.status, answer.header("location")), (303, "/x"))

    def test_markup_in_a_token(self) -> None:
        """A token is text on the page, whatever it holds."""
        answer = self.house.ask('/auth?token="><script>', Sec_Fetch_Site="cross-site")
        self.assertNotIn(b"<script", answer.body)

    def test_peer(self) -> None:
        """The desk hears the client's address."""
        self.house.ask("/auth?token=good-token", peer="192.0.2.7")
        self.assertEqual(self.house.desk.peers, ["192.0.2.7"])


class SafeNextTests(SynchronousTestCase):
    def test_paths_of_this_site(self) -> None:
        """A path of this site is taken."""
        for path in ("/", "/a/b?c=d", "/a//b"):
            self.assertEqual(safe_next(path, "/d"), path)

    def test_everything_else(self) -> None:
        """What could lead elsewhere is replaced."""
        for path in (
            None,
            "",
            "x",
            "//evil.example",
            "/\\evil.example",
            "https://evil.example",
            "/\t/evil.example",
            "/a\r\nSet-Cookie: x",
            "/\u2028",
            "/" + "a" * 3_000,
        ):
            self.assertEqual(safe_next(path, "/d"), "/d", path)
            if path and path.isascii():
                target = f"/auth?token=good-token&next={path}".replace("\r\n", "%0d%0a")
                answer = House().ask(target.replace("\t", "%09").replace(" ", "%20"))
                self.assertEqual(answer.header("location"), "/", path)


class SignOutTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.house = House()

    def out(self, method: str, **headers: str) -> int:
        """Try to sign alice out."""
        self.house.desk.signed_in[COOKIE] = ALICE
        target = "/auth?logout=1" if method == "GET" else "/auth"
        body = b"" if method == "GET" else b"logout=1"
        more = {**headers, "Cookie": f"gotwist={COOKIE}"}
        return self.house.ask(target, method, body=body, more=more).status

    def test_by_our_page(self) -> None:
        """Our page signs out, and so may a link typed by the user."""
        for method, headers in (
            ("POST", {"Sec_Fetch_Site": "same-origin"}),
            ("POST", {"Origin": "http://localhost"}),
            ("GET", {}),
            ("GET", {"Sec_Fetch_Site": "none"}),
            ("GET", {"Sec_Fetch_Site": "same-origin"}),
        ):
            self.assertIn(self.out(method, **headers), (200, 303), headers)
            self.assertNotIn(COOKIE, self.house.desk.signed_in, headers)

    def test_by_others(self) -> None:
        """Another site cannot, nor who tells nothing about where a POST comes from."""
        for method, headers in (
            ("POST", {}),
            ("POST", {"Origin": "null"}),
            ("POST", {"Origin": "https://localhost"}),
            ("POST", {"Origin": "http://localhost:81"}),
            ("POST", {"Origin": "http://evil.example"}),
            ("POST", {"Sec_Fetch_Site": "same-site", "Origin": "http://localhost"}),
            ("POST", {"Sec_Fetch_Site": "cross-site"}),
            ("GET", {"Sec_Fetch_Site": "cross-site"}),
            ("GET", {"Sec_Fetch_Site": "same-site"}),
        ):
            self.assertEqual(self.out(method, **headers), 403, headers)
            self.assertIn(COOKIE, self.house.desk.signed_in, headers)

    def test_cookie_is_removed(self) -> None:
        """The browser is told to forget the cookie, and where to go."""
        answer = self.house.ask("/auth?logout=1&redirect=//evil.example")
        self.assertEqual(answer.body, b"/")
        self.assertIn("Max-Age=0", answer.header("set-cookie") or "")


class CheckTests(SynchronousTestCase):
    def test_check(self) -> None:
        """``?check`` tells whether the cookie is good, and nothing more."""
        ask = House().ask
        self.assertEqual(ask("/auth?check=1").body, b"unauthenticated")
        self.assertEqual(ask("/auth?check=1", Cookie="gotwist=bad").body, b"unauthenticated")
        good = ask("/auth?check=1", Cookie=f"a=b; gotwist={COOKIE}")
        self.assertEqual(good.body, b"authenticated")
        self.assertIsNone(good.header("access-control-allow-origin"))


class CookieTests(SynchronousTestCase):
    def test_names_are_not_mixed(self) -> None:
        """A cookie planted over plain HTTP is never taken on TLS; two values are none."""
        self.assertEqual(find_cookie(["gotwist=a"], secure=False), "a")
        self.assertIsNone(find_cookie(["gotwist=a"], secure=True))
        self.assertEqual(find_cookie(["x=y", "__Host-gotwist=a"], secure=True), "a")
        self.assertIsNone(find_cookie(["gotwist=a; gotwist=b"], secure=False))
        self.assertIsNone(find_cookie(["gotwist=a b"], secure=False))

    def test_fields(self) -> None:
        """Form fields are bounded; odd text gives none."""
        self.assertEqual(parse_fields(b"a=1&a=2&b="), {"a": "1", "b": ""})
        self.assertEqual(parse_fields(b"&".join([b"a=1"] * 17)), {})
        self.assertEqual(parse_fields(b"a=%ff"), {})
        self.assertEqual(parse_fields("ä=1".encode()), {})


class PageTests(SynchronousTestCase):
    def test_stranger(self) -> None:
        """A stranger is told how to get in, and gets nothing of the application."""
        answer = House().ask("/")
        self.assertEqual(answer.status, 401)
        self.assertIn(b"gotwist link", answer.body)
        self.assertNotIn(b"main-", answer.body)

    def test_user(self) -> None:
        """The page names the hashed bundle and carries its settings as escaped JSON."""
        answer = House().ask("/?location=x", Cookie=f"gotwist={COOKIE}")
        page = answer.body.decode()
        self.assertIn('src="/static/main-ABCDEFGH.js"', page)
        self.assertIn('href="/static/main-ABCDEFGH.css"', page)
        match = re.search(r'<meta name="gotwist" content="([^"]*)">', page)
        assert match is not None
        self.assertEqual(unescape(match[1]), '{"user":"alice","x":"</script>\\"\'"}')
        self.assertNotIn("<", match[1])

    def test_open_house(self) -> None:
        """Where everybody is signed in, the page comes with a new sign-in."""
        house = House()
        house.desk.greets = True
        answer = house.ask("/")
        self.assertEqual(answer.status, 200)
        self.assertIn("gotwist=free-cookie;", answer.header("set-cookie") or "")

    def test_prefix(self) -> None:
        """A prefix of any depth works, gets its slash, and nothing is beside it."""
        house = House(TLS)
        for target, status, location in (
            ("/a/b", 301, "/a/b/"),
            ("/a/b?x=1", 301, "/a/b/?x=1"),
            ("/a/b/", 401, None),
            ("/a/b/healthz", 200, None),
            ("/", 404, None),
            ("/a", 404, None),
            ("/a/", 404, None),
            ("/a/b/c", 404, None),
            ("/healthz", 404, None),
        ):
            answer = house.ask(target)
            self.assertEqual((answer.status, answer.header("location")), (status, location))

    def test_options(self) -> None:
        """OPTIONS tells embedding sites what there is, without a sign-in."""
        answer = House().ask("/", "OPTIONS")
        self.assertEqual(answer.body, b'{"applications": ["terminal", "example"]}')
        self.assertEqual(answer.header("allow"), "HEAD,GET,POST,OPTIONS")
        self.assertEqual(answer.header("access-control-allow-origin"), "*")
        self.assertEqual(answer.header("content-type"), "application/json; charset=UTF-8")
