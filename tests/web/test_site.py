"""What is true for every request."""

from __future__ import annotations

from urllib.parse import quote

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.logger import ILogObserver, LogEvent, formatEvent, globalLogPublisher
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import provider

from gotwist.web.leaf import Leaf
from gotwist.web.options import Limits
from gotwist.web.request import Request
from tests.web.support import COOKIE, House, settings_with

ROUTES = (
    ("GET", "/", 401),
    ("OPTIONS", "/", 200),
    ("GET", "/healthz", 200),
    ("GET", "/healthz/deeper", 404),
    ("GET", "/nothing", 404),
    ("GET", "/auth?check=1", 200),
    ("GET", "/auth", 303),
    ("GET", "/auth?token=bad", 403),
    ("POST", "/auth", 403),
    ("GET", "/static/", 404),
    ("GET", "/static/main-ABCDEFGH.js", 200),
    ("OPTIONS", "/static/main-ABCDEFGH.js", 200),
    ("GET", "/static/none.js", 404),
    ("PUT", "/", 405),
    ("TRACE", "/healthz", 405),
    ("POST", "/healthz", 405),
    ("GET", "/%00", 400),
    ("GET", "/" + "a" * 9_000, 414),
    ("HEAD", "/", 401),
    ("HEAD", "/nothing", 404),
)
EVERYWHERE = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "server": "gotwist",
}


class HeaderTests(SynchronousTestCase):
    def test_every_route(self) -> None:
        """Every answer, errors and redirects included, carries the security headers."""
        for method, target, status in ROUTES:
            answer = House().ask(target, method)
            self.assertEqual(answer.status, status, (method, target))
            for name, value in EVERYWHERE.items():
                self.assertEqual(answer.header(name), value, (method, target))
            policy = answer.header("content-security-policy") or ""
            self.assertIn("default-src 'none'", policy)
            self.assertIn("script-src 'self';", policy)
            self.assertIn("frame-ancestors 'none'", policy)
            self.assertIsNotNone(answer.header("permissions-policy"))
            self.assertIsNotNone(answer.header("cache-control"))
            self.assertIsNone(answer.header("strict-transport-security"))
            kind = answer.header("content-type")
            if kind is not None:
                self.assertIn("charset=utf-8", kind.lower(), (method, target))
            self.assertNotIn(b"Twisted", answer.body)
            self.assertNotIn(b"Traceback", answer.body)

    def test_transport_security(self) -> None:
        """Where the client speaks TLS, browsers are told never to come without it."""
        house = House(settings_with(trusted_proxies=("127.0.0.1",)))
        answer = house.ask("/healthz", X_Forwarded_Proto="https")
        self.assertEqual(
            answer.header("strict-transport-security"), "max-age=63072000; includeSubDomains"
        )
        self.assertIn("wss://localhost;", answer.header("content-security-policy") or "")

    def test_server_header(self) -> None:
        """The Server header is a setting; empty means none."""
        self.assertEqual(
            House(settings_with(server_header="box")).ask("/healthz").header("server"), "box"
        )
        self.assertIsNone(House(settings_with(server_header="")).ask("/healthz").header("server"))

    def test_405_says_what_is_allowed(self) -> None:
        """A refused method is answered with those that would do."""
        self.assertEqual(House().ask("/healthz", "POST").header("allow"), "GET, HEAD")
        self.assertEqual(House().ask("/auth", "DELETE").header("allow"), "GET, HEAD, POST, OPTIONS")


class TextTests(SynchronousTestCase):
    def test_headers_are_text(self) -> None:
        """A header that is no UTF-8 is refused, whatever it is; one that is does no harm."""
        for name in ("Cookie", "Authorization", "Sec-Fetch-Site", "Accept", "Purpose", "Host", "X"):
            for value, refused in ((b"\xff", True), (b"x\xc3\xa4", False)):
                for target in (b"/", b"/auth", b"/auth?token=x", b"/static/x", b"/downloads/x"):
                    connection = House().connect()
                    host = b"" if name == "Host" else b"Host: localhost\r\n"
                    connection.send(
                        b"GET %b HTTP/1.1\r\n%b%b: %b\r\n\r\n"
                        % (target, host, name.encode(), value)
                    )
                    status = int(bytes(connection.transport.value()).split()[1])
                    self.assertLess(status, 500, (name, target))
                    if refused:
                        self.assertEqual(status, 400, (name, target))


class HostTests(SynchronousTestCase):
    ALLOWED = (
        "localhost",
        "LOCALHOST:10443",
        "127.0.0.1:8000",
        "[::1]",
        "[0:0:0:0:0:0:0:1]:10443",
        "box.example",
        "box.example:8443",
        "[2001:db8::1]:9000",
    )
    REFUSED = (
        "evil.example",
        "localhost.evil.example",
        "localhost.",
        "box.example@evil.example",
        "localhost:0",
        "localhost:99999",
        "localhost:",
        "[::1",
        "::1",
        "[::2]",
        "localhost, evil.example",
        "localhost evil",
        "",
        "a" * 300,
        "l\u00f6calhost",
    )

    def test_allowed(self) -> None:
        """Loopback names, own addresses and the configured origins' hosts are answered."""
        house = House(settings_with(origins=("https://box.example:8443", "[2001:db8::1]")))
        for host in self.ALLOWED:
            self.assertEqual(house.ask("/healthz", host=host).status, 200, host)

    def test_refused(self) -> None:
        """Any other Host, a malformed one, none and two of them are 400."""
        house = House(settings_with(origins=("https://box.example",)))
        for host in self.REFUSED:
            self.assertEqual(house.ask("/healthz", host=host).status, 400, host)
        self.assertEqual(house.ask("/healthz", host=None).status, 400)
        self.assertEqual(house.ask("/healthz", HOST="localhost").status, 400)

    def test_forwarded_host(self) -> None:
        """A listed proxy's X-Forwarded-Host counts, and is checked; a stranger's does not."""
        house = House(settings_with(trusted_proxies=("unix",), origins=("box.example",)))
        for peer, host, status in (
            ("unix", "box.example", 200),
            ("unix", "evil.example", 400),
            ("192.0.2.1", "evil.example", 200),
        ):
            answer = house.ask("/healthz", peer=peer, X_Forwarded_Host=host)
            self.assertEqual(answer.status, status, (peer, host))


class Echo(Leaf):
    def render_POST(self, request: Request) -> bytes:
        return request.body()

    def render_GET(self, request: Request) -> bytes:
        return request.client_address().encode()

    async def render_OPTIONS(self, request: Request) -> bytes:
        raise RuntimeError("secret detail")


class RenderTests(SynchronousTestCase):
    def test_our_fault(self) -> None:
        """A failing resource gives a plain 500 that tells nothing, and a log record."""
        answer = House(root=_root()).ask("/echo", "OPTIONS")
        self.assertEqual(answer.status, 500)
        self.assertNotIn(b"secret", answer.body)
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)

    def test_forwarded_for(self) -> None:
        """The client's address is the right-most one no listed proxy has."""
        house = House(settings_with(trusted_proxies=("10.0.0.0/8",)), root=_root())
        self.assertEqual(
            house.ask(
                "/echo", peer="10.1.1.1", X_Forwarded_For="6.6.6.6, 192.0.2.9, 10.2.2.2"
            ).body,
            b"192.0.2.9",
        )
        self.assertEqual(
            house.ask("/echo", peer="192.0.2.1", X_Forwarded_For="6.6.6.6").body, b"192.0.2.1"
        )

    def test_access_log(self) -> None:
        """The access log, when it is on, has no query: a launch link's token is in there."""
        lines: list[str] = []

        @provider(ILogObserver)
        def observe(event: LogEvent) -> None:
            lines.append(formatEvent(event))

        globalLogPublisher.addObserver(observe)
        self.addCleanup(globalLogPublisher.removeObserver, observe)
        House().ask("/auth?token=good-token")
        self.assertEqual(lines, [])
        House(settings_with(access_log=True)).ask("/auth?token=good-token")
        self.assertEqual(lines, ["GET /auth 303 0 for 127.0.0.1"])

    def test_settings_change(self) -> None:
        """Changed settings count for the next request; bad ones change nothing."""
        house = House()
        house.site.apply(settings_with(server_header="new", origins=("https://box.example",)))
        answer = house.ask("/healthz", host="box.example")
        self.assertEqual((answer.status, answer.header("server")), (200, "new"))
        bad = settings_with(server_header="bad", trusted_proxies=("nonsense",))
        self.assertRaises(ValueError, house.site.apply, bad)
        self.assertEqual(house.ask("/healthz").header("server"), "new")


def _root() -> Leaf:
    root = Leaf()
    root.putChild(b"echo", Echo())
    return root


class BodyTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.house = House(settings_with(limits=Limits(body_bytes=100)), root=_root())

    def test_up_to_the_limit(self) -> None:
        """A body of just the allowed size is taken, by length and in chunks."""
        self.assertEqual(self.house.ask("/echo", "POST", body=b"x" * 100).body, b"x" * 100)
        connection = self.house.connect()
        connection.send(b"POST /echo HTTP/1.1\r\nHost: localhost\r\n")
        connection.send(b"Transfer-Encoding: chunked\r\n\r\n64\r\n" + b"x" * 100 + b"\r\n0\r\n\r\n")
        self.assertEqual(connection.answers()[0].body, b"x" * 100)

    def test_length_over_the_limit(self) -> None:
        """Too long a body is refused before it is read, and the connection ends in a second."""
        connection = self.house.connect()
        connection.send(
            b"POST /echo HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\n"
            b"Content-Length: 101\r\n\r\n"
        )
        (answer,) = connection.answers()
        self.assertEqual((answer.status, answer.header("connection")), (413, "close"))
        self.assertTrue(connection.is_closing)
        connection.send(b"x" * 3_000_000)
        self.assertEqual(connection.transport.producerState, "paused")
        self.house.clock.advance(1)
        self.assertTrue(connection.is_aborted)

    def test_chunks_over_the_limit(self) -> None:
        """A body in chunks is refused at the byte that is too many."""
        connection = self.house.connect()
        connection.send(
            b"POST /echo HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
            b"64\r\n" + b"x" * 100 + b"\r\n"
        )
        self.assertEqual(connection.answers(), [])
        connection.send(b"1\r\nx\r\n0\r\n\r\nGET /echo HTTP/1.1\r\nHost: localhost\r\n\r\n")
        self.assertEqual([a.status for a in connection.answers()], [413])
        self.house.clock.advance(1)
        self.assertTrue(connection.is_aborted)


class HeadTests(SynchronousTestCase):
    REFUSED = (
        (b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n", 400),
        (b"Transfer-Encoding: identity\r\n", 400),
        (b"Transfer-Encoding: gzip, chunked\r\n", 400),
        (b"Transfer-Encoding: chunked\r\nContent-Length: 3\r\n", 400),
        (b"Content-Length: 3\r\nContent-Length: 4\r\n", 400),
        (b"Content-Length: +3\r\n", 400),
        (b"Content-Length: -1\r\n", 400),
        (b"X: a\r\n b\r\n", 400),
        (b"X : a\r\n", 400),
        (b"no colon\r\n", 400),
        (b"X: a\x00b\r\n", 400),
        (b"X: 1\r\n" * 100, 431),
        (b"X: " + b"a" * 9_000 + b"\r\n", 431),
        (b"".join(b"X%d: " % n + b"a" * 3_000 + b"\r\n" for n in range(6)), 431),
    )
    TARGETS = (
        b"/%00",
        b"/a%0d%0aSet-Cookie:x",
        b"/%7F",
        b"/%1b",
        b"/?x=%00",
        b"healthz",
        b"http://localhost/healthz",
        b"*",
        b"/healthz#x",
        b"/\x80",
    )

    def test_ambiguous_heads(self) -> None:
        """What servers read differently, and what is too much, is refused and ends the line."""
        for lines, status in self.REFUSED:
            connection = House().connect()
            connection.send(b"POST /auth HTTP/1.1\r\nHost: localhost\r\n" + lines + b"\r\n")
            connection.send(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
            self.assertEqual([a.status for a in connection.answers()], [status], lines[:60])
            self.assertTrue(connection.is_closing)

    def test_targets(self) -> None:
        """Control characters and targets that are no path are 400."""
        for target in self.TARGETS:
            connection = House().connect()
            connection.send(b"GET " + target + b" HTTP/1.1\r\nHost: localhost\r\n\r\n")
            self.assertEqual([a.status for a in connection.answers()], [400], target)

    @settings(max_examples=200)
    @given(st.binary(max_size=60), st.sampled_from(["", "static/", "downloads/", "auth?", "ws/"]))
    def test_any_address(self, rest: bytes, where: str) -> None:
        """No address, however odd, is answered with a fault of ours."""
        house = House()
        for target in (quote(rest), rest.decode("latin-1")):
            connection = house.connect()
            connection.send(f"GET /{where}{target} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
            for answer in connection.answers():
                self.assertLess(answer.status, 500)
            connection.lose()
        self.assertEqual(house.clock.getDelayedCalls(), [])

    @settings(max_examples=100)
    @given(st.binary(max_size=200))
    def test_any_bytes(self, data: bytes) -> None:
        """Whatever bytes come, the connection answers below 500 or waits, and leaves nothing."""
        house = House()
        connection = house.connect()
        connection.send(data)
        connection.send(b"\r\n\r\n")
        for answer in connection.answers():
            self.assertLess(answer.status, 500)
        connection.lose()
        self.assertEqual(house.clock.getDelayedCalls(), [])

    def test_old_http_with_chunks(self) -> None:
        """HTTP/1.0 has no chunked coding."""
        connection = House().connect()
        connection.send(
            b"POST /auth HTTP/1.0\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
        )
        self.assertEqual([a.status for a in connection.answers()], [400])

    def test_any_split(self) -> None:
        """Requests one after the other are answered in order, however the bytes arrive."""
        data = (
            b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
            b"GET /nothing HTTP/1.1\r\nHost: localhost\r\n\r\n"
            b"GET / HTTP/1.1\r\nHost: localhost\r\nCookie: gotwist=" + COOKIE.encode() + b"\r\n\r\n"
        )
        for size in (1, 7, len(data)):
            connection = House().connect()
            for at in range(0, len(data), size):
                connection.send(data[at : at + size])
            self.assertEqual([a.status for a in connection.answers()], [200, 404, 200])
            self.assertFalse(connection.is_closing)
