"""Crowds: half-open connections by the thousand, and too many of everything else."""

from __future__ import annotations

import contextlib
import resource
import selectors
import socket
import time

from tests.faults.processes import descriptors, memory_kib
from tests.faults.raw import dial, get
from tests.faults.support import FaultTestCase, sign_in
from tests.integration.daemon import Daemon, until
from tests.integration.websocket import Refused, WebSocket

CROWD = 10_000


class HalfOpenTests(FaultTestCase):
    kind = None

    def raise_limit(self, wanted: int) -> None:
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        if hard < wanted:
            try:
                resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, wanted))
            except (ValueError, OSError):
                self.skipTest(f"only {hard} descriptors allowed, {wanted} are needed")
        else:
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, max(hard, wanted)))

    def test_ten_thousand(self) -> None:
        """Ten thousand connections that never finish a request: some are turned away, somebody
        signed in is served all the while, descriptors come back, and the memory kept for the
        first crowd is enough for the next."""
        self.raise_limit(CROWD + 2_000)
        daemon = self.own_daemon().start()
        assert daemon.process is not None
        pid = daemon.process.pid
        websocket = self.client(daemon)
        self.assert_still_talks(websocket)
        before, memory = len(descriptors(pid)), memory_kib(pid)
        self.crowd(daemon, websocket, before)
        kept = memory_kib(pid)
        self.assertLess(kept - memory, 32 * 1_024)
        self.crowd(daemon, websocket, before)
        self.assertLess(memory_kib(pid) - kept, 4 * 1_024)

    def crowd(self, daemon: Daemon, websocket: WebSocket, before: int) -> None:
        assert daemon.process is not None
        pid = daemon.process.pid
        lines: list[socket.socket] = []
        waits = []
        for at in range(CROWD):
            line = socket.socket()
            # From many addresses, or the limit of each would keep nearly all of them out.
            line.bind((f"127.0.1.{1 + at % 50}", 0))
            line.setblocking(False)
            line.connect_ex(("127.0.0.1", daemon.port))
            lines.append(line)
            if at % 500 == 499:
                for waiting in lines[-500:]:
                    with contextlib.suppress(OSError):
                        waiting.send(b"GET / HTTP/1.1\r\nX: ")
                started = time.monotonic()
                self.assert_still_talks(websocket, at)
                waits.append(time.monotonic() - started)
        until(lambda: len(descriptors(pid)) - before <= 4_100, "those too many to be dropped", 10)
        self.assertLess(max(waits), 5, waits)
        self.assertEqual(200, get(daemon, "/healthz").status)
        until(lambda: self.count_open(lines) <= 4_100, "those turned away to hear of it", 20)
        for line in lines:
            line.close()
        until(lambda: len(descriptors(pid)) <= before + 10, "the descriptors to come back")
        self.assert_still_talks(websocket, "after")

    def count_open(self, lines: list[socket.socket]) -> int:
        with selectors.DefaultSelector() as selector:
            for line in lines:
                selector.register(line, selectors.EVENT_READ)
            return len(lines) - len(selector.select(0))


class LimitTests(FaultTestCase):
    def test_http_per_address(self) -> None:
        """One address gets its 256 connections and no more; others are served."""
        cookie = sign_in(self.daemon)
        websocket = self.client(cookie=cookie)
        lines = []
        for _ in range(300):
            with contextlib.suppress(ConnectionError):  # refused while it was being made
                lines.append(dial(self.daemon, source="127.0.0.9"))
        missing = 300 - len(lines)
        for line in lines:
            self.addCleanup(line.close)

        def refused() -> bool:
            count = missing
            for line in lines:
                line.setblocking(False)
                with contextlib.suppress(BlockingIOError):
                    try:
                        count += not line.recv(1)
                    except ConnectionError:
                        count += 1
            return count >= 44

        until(refused, "the connections too many to be refused", 10)
        self.assert_still_talks(websocket)
        self.assertEqual(200, get(self.daemon, "/healthz", f"Cookie: {cookie}").status)

    def test_strangers_per_address(self) -> None:
        """Strangers have few WebSockets at a time; who has signed in is not shut out by them."""
        cookie = sign_in(self.daemon)
        strangers = []
        with self.assertRaises(Refused) as refused:
            for _ in range(17):
                strangers.append(self.stranger(origin=None))
        self.assertEqual(429, refused.exception.status)
        self.assertEqual(16, len(strangers))
        self.assert_still_talks(self.client(cookie=cookie))
        strangers.pop().close()
        until(self.may_connect, "the place of one who left")
        for stranger in strangers:
            stranger.close()

    def may_connect(self) -> bool:
        try:
            WebSocket(self.daemon.base, origin=None).close()
        except Refused:
            return False
        return True

    def test_tabs_per_user(self) -> None:
        """The tab too many is told so with 4429, the others stay."""
        daemon = self.own_daemon().start()
        cookie = sign_in(daemon)
        tabs = [self.client(daemon, cookie) for _ in range(16)]
        extra = self.stranger(daemon, cookie=cookie)
        extra.send("go:authenticate", {"auth": None, "location": "default"})
        self.assert_closed(extra, 4429)
        for tab in tabs:
            self.assert_still_talks(tab)

    def test_websockets_per_address(self) -> None:
        """One address gets 64 WebSockets, the next handshake 429."""
        daemon = self.own_daemon("--max_websockets_per_user=100").start()
        cookie = sign_in(daemon)
        tabs = [self.client(daemon, cookie) for _ in range(64)]
        with self.assertRaises(Refused) as refused:
            self.stranger(daemon, cookie=cookie)
        self.assertEqual(429, refused.exception.status)
        self.assert_still_talks(tabs[0])

    def test_come_and_go(self) -> None:
        """Five hundred clients that come and vanish leave nothing behind."""
        assert self.daemon.process is not None
        pid = self.daemon.process.pid
        cookie = sign_in(self.daemon)
        self.client(cookie=cookie)

        def round_of(count: int) -> None:
            for _ in range(count):
                WebSocket(self.daemon.base, cookie=cookie).close()
                dial(self.daemon).close()

        round_of(100)
        until(lambda: self.may_connect(), "a place")
        before, memory = len(descriptors(pid)), memory_kib(pid)
        round_of(400)
        until(lambda: len(descriptors(pid)) <= before + 10, "the descriptors to come back")
        self.assertLess(memory_kib(pid), memory * 1.2)
