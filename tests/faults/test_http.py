"""Attacks on HTTP itself: smuggling, splitting, sizes, slowness, and ends that do not end."""

from __future__ import annotations

import contextlib
import socket
import ssl
import time

from tests.faults.processes import memory_kib
from tests.faults.raw import dial, drain, exchange, get, parse_answers
from tests.faults.support import TLS, FaultTestCase, sign_in
from tests.integration.daemon import until


class SmugglingTests(FaultTestCase):
    def head(self, *lines: str, first: str = "POST /auth HTTP/1.1") -> bytes:
        host = f"Host: 127.0.0.1:{self.daemon.port}"
        return "\r\n".join([first, host, *lines, "", ""]).encode("latin-1")

    def test_two_readings_of_one_length(self) -> None:
        """A message whose end two servers could see differently is refused, and nothing after
        it is read as a request."""
        hidden = self.head(first="GET /healthz HTTP/1.1")
        for lines in (
            ("Content-Length: 5", "Content-Length: 6"),
            ("Content-Length: 5", "Transfer-Encoding: chunked"),
            ("Transfer-Encoding: chunked", "Content-Length: 5"),
            ("Transfer-Encoding: chunked", "Transfer-Encoding: identity"),
            ("Transfer-Encoding: chunked, identity",),
            ("Transfer-Encoding: identity",),
            ("Transfer-Encoding: xchunked",),
            ("Transfer-Encoding: gzip, chunked",),
            ("Transfer-Encoding: chunked;q=1",),
            ("Transfer-Encoding: \x0bchunked",),
            ("Transfer-Encoding : chunked",),
            (" Transfer-Encoding: chunked",),
            ("X: y", "\tTransfer-Encoding: chunked"),
            ("Content-Length: +5",),
            ("Content-Length: -5",),
            ("Content-Length: 5,5",),
            ("Content-Length: 5 5",),
            ("Content-Length: 0x5",),
            ("Content-Length: 5_0",),
            ("Content-Length: \xb2",),
            ("Content-Length: " + "9" * 5_000,),
            ("Content-Length : 5",),
            ("no colon here",),
            (": no name",),
            ("X\x00: y",),
            ("X: y\x00z",),
            ("X(y): z",),
        ):
            answers = exchange(self.daemon, self.head(*lines) + b"0\r\n\r\n" + hidden)
            self.assertEqual(1, len(answers), (lines, answers))
            self.assertIn(answers[0].status, (400, 413), lines)
            self.assertEqual("close", answers[0].header("connection"), lines)

    def test_bad_first_lines(self) -> None:
        """A first line that is not method, target and version is refused."""
        for first in (
            "GET /",
            "GET  / HTTP/1.1",
            "GET / HTTP/1.1 x",
            "GET / HTTP/2.0",
            "GET / HTTP/1.12",
            "GET / http/1.1",
            "GET\t/\tHTTP/1.1",
            " GET / HTTP/1.1",
            "GET / /x HTTP/1.1",
            "G(T / HTTP/1.1",
            "PRI * HTTP/2.0",
            "CONNECT evil.example:443 HTTP/1.1",
            "GET /\xff HTTP/1.1",
            "\x16\x03\x01",
        ):
            answers = exchange(self.daemon, self.head("Connection: close", first=first))
            self.assertTrue(answers, first)
            self.assertIn(answers[0].status, (400, 405, 505), first)
            self.assertEqual(1, len(answers), first)

    def test_bad_chunks(self) -> None:
        """A chunk that is not what it says ends the connection; its rest is no request."""
        hidden = self.head(first="GET /healthz HTTP/1.1")
        for body in (
            b"xyz\r\n",
            b"-1\r\n",
            b"0x5\r\nhello\r\n0\r\n\r\n",
            b"5\nhello\r\n0\r\n\r\n",
            b"5\r\nhelloXX0\r\n\r\n",
            b"5;" + b"x" * 20_000 + b"\r\nhello\r\n0\r\n\r\n",
            b"f" * 17 + b"\r\n",
            b"5 \r\nhello\r\n0\r\n\r\n",
        ):
            data = self.head("Transfer-Encoding: chunked") + body + hidden
            answers = exchange(self.daemon, data, is_all=True)
            self.assertTrue({a.status for a in answers} <= {400, 403, 413}, (body[:40], answers))

    def test_pipelined_in_order(self) -> None:
        """Requests sent at once are answered in their order, a slow one first."""
        token = b"GET /auth?token=no HTTP/1.1"
        data = b"".join(
            self.head("Connection: keep-alive", first=first)
            for first in ("GET /healthz HTTP/1.1", token.decode(), "GET /nothing HTTP/1.1")
        ) + self.head("Connection: close", first="GET /healthz HTTP/1.1")
        statuses = [answer.status for answer in exchange(self.daemon, data)]
        self.assertEqual([200, 403, 404, 200], statuses)

    def test_splitting(self) -> None:
        """Line ends in addresses and fields never become header lines of an answer."""
        for target in (
            "/%0d%0aX-Evil:%201",
            "/x%0aX-Evil:1",
            "/?%0d%0aX-Evil:%201",
            "/auth?logout=1&redirect=/%0d%0aX-Evil:%201",
            "/%E5%98%8A%E5%98%8DX-Evil:1",
        ):
            answer = get(self.daemon, target)
            self.assertNotIn("x-evil", dict(answer.headers), target)
            self.assertLess(answer.status, 500, target)

    def test_odd_paths(self) -> None:
        """No address leads out of the tree or to a fault of ours."""
        cookie = f"Cookie: {sign_in(self.daemon)}"
        dots = ("..", "%2e%2e", "%252e%252e", "..%2f..", "..%5c..", "%c0%ae%c0%ae", ".%00.")
        for root in ("/", "/static/", "/downloads/"):
            for name in dots:
                target = root + "/".join([name] * 6) + "/etc/passwd"
                answer = get(self.daemon, target, cookie)
                self.assertIn(answer.status, (400, 401, 403, 404), target)
                self.assertNotIn(b"root:", answer.body)
        for target in ("/;x", "/%", "/%zz", "/" + "a/" * 2_000, "/%ff%fe", "/?" + "&" * 4_000):
            self.assertLess(get(self.daemon, target, cookie).status, 500, target)

    def test_ranges(self) -> None:
        """Odd ranges give the whole file or a refusal, never more than the file."""
        page = get(self.daemon, "/", f"Cookie: {sign_in(self.daemon)}").body.decode()
        path = "/static/" + page.partition("static/main-")[2].partition('"')[0]
        path = path.replace("/static/", "/static/main-")
        whole = len(get(self.daemon, path).body)
        for value in (
            "bytes=" + ",".join(["0-"] * 900),
            "bytes=-99999999999",
            "bytes=9-1",
            "bytes=x",
            "lines=1-2",
            "bytes=0-0," * 100,
        ):
            answer = get(self.daemon, path, f"Range: {value}")
            self.assertIn(answer.status, (200, 206, 416), value[:40])
            self.assertLessEqual(len(answer.body), whole, value[:40])


class SizeTests(FaultTestCase):
    def test_announced_body(self) -> None:
        """A body too long is refused before it is read."""
        line = dial(self.daemon)
        line.sendall(
            b"POST /auth HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 2000000000\r\n\r\n"
        )
        (answer,) = parse_answers(drain(line))
        self.assertEqual(413, answer.status)

    def test_endless_chunks(self) -> None:
        """Chunks beyond the limit are refused, closed within a second or two, not gathered."""
        assert self.daemon.process is not None
        before = memory_kib(self.daemon.process.pid)
        line = dial(self.daemon)
        line.sendall(
            b"POST /auth HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n"
        )
        self.pour(line, b"10000\r\n" + b"x" * 65_536 + b"\r\n")
        after = memory_kib(self.daemon.process.pid)
        self.assertLess(after - before, 4_096)

    def pour(self, line: socket.socket, piece: bytes) -> None:
        """Go on sending what nobody wants until the daemon has had enough."""
        started = time.monotonic()
        sent = 0
        with contextlib.suppress(OSError):
            while True:
                line.settimeout(3)
                line.sendall(piece)
                sent += len(piece)
                self.assertLess(time.monotonic() - started, 5, "still open")
        self.assertLess(sent, 32 * 1_048_576)

    def test_long_heads(self) -> None:
        """Lines, header counts and whole heads have their limits."""
        for head, status in (
            (b"GET /" + b"x" * 9_000 + b" HTTP/1.1\r\n", 414),
            (b"GET / HTTP/1.1\r\nX: " + b"y" * 9_000 + b"\r\n", 431),
            (b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 200, 431),
            (b"GET / HTTP/1.1\r\n" + b"X: " + b"y" * 900 + b"\r\n" * 1, None),
            (b"GET / HTTP/1.1\r\n" + (b"X: " + b"y" * 900 + b"\r\n") * 30, 431),
        ):
            answers = exchange(self.daemon, head + b"\r\n")
            self.assertEqual([status or 400], [answer.status for answer in answers], head[:40])

    def test_endless_line(self) -> None:
        """A line without an end is not gathered."""
        line = dial(self.daemon)
        self.pour(line, b"x" * 65_536)


class TlsEndTests(FaultTestCase):
    kind = TLS

    def test_refused_and_still_sending(self) -> None:
        """Who goes on sending after a refusal, over TLS too, is cut off and never gathered."""
        assert self.daemon.process is not None
        port = self.daemon.port
        for head in (
            b"POST /auth HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 2000000000\r\n\r\n",
            b"GET /ws HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nUpgrade: websocket\r\n"
            b"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nOrigin: https://evil.example\r\n"
            b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n" % port,
        ):
            before = memory_kib(self.daemon.process.pid)
            line = dial(self.daemon)
            line.settimeout(3)
            line.sendall(head)
            started = time.monotonic()
            with contextlib.suppress(OSError):
                while time.monotonic() - started < 6:
                    line.sendall(b"x" * 65_536)
            self.assertLess(time.monotonic() - started, 5, "still open")
            self.assertLess(memory_kib(self.daemon.process.pid) - before, 8_192)
            line.close()

    def test_no_tls_at_all(self) -> None:
        """Plain HTTP, nonsense and half a handshake at the TLS door end, and harm nobody."""
        lines = []
        for data in (b"GET / HTTP/1.1\r\n\r\n", b"\x00" * 100, b"\x16\x03\x01\x40\x00" + b"x" * 99):
            line = socket.create_connection(("127.0.0.1", self.daemon.port), 20)
            line.sendall(data)
            lines.append(line)
        for line in lines[:2]:
            drain(line)
        lines[2].close()
        self.assert_serves()

    def test_old_versions(self) -> None:
        """Before TLS 1.2 there is nothing to talk about."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        context.set_ciphers("ALL:@SECLEVEL=0")
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion.TLSv1_1
        line = socket.create_connection(("127.0.0.1", self.daemon.port), 20)
        with self.assertRaises(ssl.SSLError):
            context.wrap_socket(line)
        line.close()


class SlownessTests(FaultTestCase):
    kind = TLS

    def test_heads_that_never_end(self) -> None:
        """Silence, half a handshake, a head byte by byte: all are over after 15 s, however
        busy they keep."""
        plain = [socket.create_connection(("127.0.0.1", self.daemon.port), 40) for _ in range(3)]
        plain[1].sendall(b"\x16\x03\x01\x00\xff")
        silent, dribbling = dial(self.daemon, 40), dial(self.daemon, 40)
        dribbling.sendall(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX: ")
        slow = dial(self.daemon, 40)
        started = time.monotonic()
        ended: dict[str, float] = {}
        for line in (*plain, silent, dribbling, slow):
            line.setblocking(False)

        def look() -> bool:
            now = time.monotonic() - started
            with contextlib.suppress(OSError):
                dribbling.send(b"y")
            with contextlib.suppress(OSError):
                plain[2].send(b"\x16")
            for name, line in (
                ("nothing", plain[0]),
                ("half a handshake", plain[1]),
                ("bytes", plain[2]),
                ("silent", silent),
                ("dribbling", dribbling),
                ("slow", slow),
            ):
                if name not in ended:
                    try:
                        if not line.recv(65_536):
                            ended[name] = now
                    except (BlockingIOError, ssl.SSLWantReadError):
                        pass
                    except OSError:
                        ended[name] = now
            time.sleep(0.05)
            return len(ended) == 6

        until(look, "all slow clients to be dropped", 25)
        self.assertLess(max(ended.values()), 20, ended)
        for line in (*plain, silent, dribbling, slow):
            line.close()

    def test_busy_lines_leave_room(self) -> None:
        """While many dribble, somebody else is answered at once."""
        lines = [dial(self.daemon) for _ in range(60)]
        for line in lines:
            line.sendall(b"GET / HTTP/1.1\r\nX: ")
        started = time.monotonic()
        self.assertEqual(200, get(self.daemon, "/healthz").status)
        self.assertLess(time.monotonic() - started, 2)
        for line in lines:
            line.close()
