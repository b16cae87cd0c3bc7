"""Downloads of the signed-in user's own files."""

from __future__ import annotations

import base64
import os
import socket
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import treq
from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater
from twisted.web.iweb import IResponse

from gotwist.web.channel import Channel
from gotwist.web.service import WebDoor
from gotwist.web.signin import SignInView
from gotwist.web.ways import Ways
from tests.web.live import LiveTestCase, reactor
from tests.web.support import COOKIE

CONTENT = bytes(range(250)) * 4
BIG = (
    b"GET /downloads/big HTTP/1.1\r\nHost: localhost\r\nCookie: gotwist="
    + COOKIE.encode()
    + b"\r\n\r\n"
)


class DownloadTests(LiveTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.own = self.directory / "sessions" / "session-alice" / "downloads"
        other = self.directory / "sessions" / "session-bob" / "downloads"
        for path in (self.own, other):
            path.mkdir(parents=True)
        (self.own / "data.txt").write_bytes(CONTENT)
        (self.own / "empty").write_bytes(b"")
        (self.own / 'na\u00efve "x".html').write_bytes(b"<script>")
        (other / "bobs.txt").write_bytes(b"bob's")
        (self.directory / "secret").write_bytes(b"secret")
        os.symlink(other / "bobs.txt", self.own / "link")
        os.mkfifo(self.own / "fifo")
        (self.own / "sub").mkdir()
        self.door = self.open_door()

    async def ask(self, name: str, **headers: str) -> tuple[IResponse, bytes]:
        """Ask as alice."""
        response = await self.get(
            self.door, f"/downloads/{name}", Cookie=f"gotwist={COOKIE}", **headers
        )
        return response, await treq.content(response)

    def header(self, response: IResponse, name: str) -> str | None:
        """Give one response header."""
        values = response.headers.getRawHeaders(name)
        return str(values[0]) if values else None

    async def test_whole_file(self) -> None:
        """The owner gets the file, as something to keep, never as something to run."""
        response, body = await self.ask("data.txt")
        self.assertEqual((response.code, body), (200, CONTENT))
        self.assertEqual(self.header(response, "cache-control"), "private")
        self.assertEqual(self.header(response, "x-content-type-options"), "nosniff")
        self.assertEqual(
            self.header(response, "content-disposition"), "attachment; filename*=UTF-8''data.txt"
        )
        self.assertIn("sandbox", self.header(response, "content-security-policy") or "")
        self.assertIsNone(self.header(response, "access-control-allow-origin"))
        response, body = await self.ask("na%C3%AFve%20%22x%22.html")
        self.assertEqual(
            self.header(response, "content-disposition"),
            "attachment; filename*=UTF-8''na%C3%AFve%20%22x%22.html",
        )
        response, body = await self.ask("empty")
        self.assertEqual((response.code, body), (200, b""))

    async def test_strangers(self) -> None:
        """Without a sign-in there is nothing, whether the file exists or not."""
        for name in ("data.txt", "none"):
            response = await self.get(self.door, f"/downloads/{name}")
            await treq.content(response)
            self.assertEqual(response.code, 401)

    async def test_basic(self) -> None:
        """A script gets its user's file by name and password, where passwords are taken."""
        right = "Basic " + base64.b64encode(b"alice:right").decode()
        wrong = "Basic " + base64.b64encode(b"alice:wrong").decode()
        refused = await self.get(self.door, "/downloads/data.txt", Authorization=right)
        await treq.content(refused)
        self.assertEqual((refused.code, self.desk.offered), (401, []))
        self.parts = replace(self.parts, ways=Ways(has_form=True, basic_realm="the box"))
        door = self.open_door()
        answer = await self.get(door, "/downloads/data.txt", Authorization=right)
        self.assertEqual((answer.code, await treq.content(answer)), (200, CONTENT))
        self.assertIsNone(self.header(answer, "set-cookie"))
        for headers in ({"Authorization": wrong}, {}):
            refused = await self.get(door, "/downloads/data.txt", **headers)
            await treq.content(refused)
            self.assertEqual(refused.code, 401)
            self.assertIn("the box", self.header(refused, "www-authenticate") or "")

    async def test_told(self) -> None:
        """Each file that is sent is told, with who has it; what is not sent is not told."""
        told: list[tuple[str, str, str, int]] = []
        self.parts = replace(self.parts, on_file=lambda *what: told.append(what))
        self.door = self.open_door()
        for name in ("data.txt", "nothing", "link", "..%2fsecret"):
            await self.ask(name)
        await treq.content(await self.get(self.door, "/downloads/data.txt"))
        await self.ask("data.txt", Range="bytes=0-9")
        self.assertEqual(
            told,
            [("alice", "127.0.0.1", "data.txt", 1000), ("alice", "127.0.0.1", "data.txt", 10)],
        )

    async def test_other_session_names(self) -> None:
        """A session name that is no single path component opens nothing."""
        self.desk.signed_in[COOKIE] = SignInView("alice", "../sessions/session-bob")
        response, _ = await self.ask("bobs.txt")
        self.assertEqual(response.code, 404)

    async def test_hostile_names(self) -> None:
        """No name leads out of the directory or to what is no plain file; none blocks."""
        for name, status in (
            ("link", 403),
            ("fifo", 403),
            ("sub", 403),
            ("none", 404),
            ("", 404),
            ("%2e%2e/%2e%2e/session-bob/downloads/bobs.txt", 404),
            ("..%2f..%2fsession-bob%2fdownloads%2fbobs.txt", 404),
            ("%252e%252e%252fsecret", 404),
            ("..%5c..%5csecret", 404),
            ("%c0%ae%c0%ae/%c0%ae%c0%ae/secret", 404),
            ("%2fetc%2fpasswd", 404),
            ("/etc/passwd", 404),
            ("data.txt%00.png", 400),
            ("a" * 300, 404),
        ):
            response, body = await self.ask(name)
            self.assertEqual(response.code, status, name)
            self.assertNotIn(b"bob's", body)

    async def test_ranges(self) -> None:
        """One range is answered with 206; several get the whole file, once."""
        for asked, status, body in (
            ("bytes=10-19", 206, CONTENT[10:20]),
            ("bytes=-5", 206, CONTENT[-5:]),
            ("bytes=-5000", 206, CONTENT),
            ("bytes=990-", 206, CONTENT[990:]),
            ("bytes=" + ",".join(["0-999"] * 300), 200, CONTENT),
            ("bytes=9-1", 200, CONTENT),
            ("bytes=2000-", 416, b""),
        ):
            response, got = await self.ask("data.txt", Range=asked)
            self.assertEqual((response.code, got), (status, body), asked[:40])
        response, _ = await self.ask("data.txt", Range="bytes=10-19")
        self.assertEqual(self.header(response, "content-range"), "bytes 10-19/1000")

    async def test_conditions(self) -> None:
        """A client that has the file gets 304, by tag or by date; after a change the file."""
        response, _ = await self.ask("data.txt")
        tag = self.header(response, "etag") or ""
        date = self.header(response, "last-modified") or ""
        for headers in ({"If_None_Match": tag}, {"If_Modified_Since": date}):
            response, body = await self.ask("data.txt", **headers)
            self.assertEqual((response.code, body), (304, b""))
        (self.own / "data.txt").write_bytes(b"changed")
        response, body = await self.ask("data.txt", If_None_Match=tag)
        self.assertEqual((response.code, body), (200, b"changed"))
        response, body = await self.ask("data.txt", If_Range=tag, Range="bytes=0-1")
        self.assertEqual((response.code, body), (200, b"changed"))

    async def test_reader_that_stops(self) -> None:
        """A big file waits in the file, not in memory, and its descriptor is closed at the end."""
        size = 64 * 1_048_576
        with open(self.own / "big", "wb") as file:
            file.truncate(size)
        client = socket.create_connection(("127.0.0.1", self.door.port))
        self.addCleanup(client.close)
        client.sendall(BIG)
        await self.until(lambda: _open_files(self.own / "big") == 1)
        received = 0
        while received < size:
            received += len(await self.in_thread(lambda: client.recv(1_048_576)))
            if received < 5_000_000:
                self.assertLess(_buffered(self.door), 1_048_576)
        await self.until(lambda: _open_files(self.own / "big") == 0)

    async def test_reader_that_leaves(self) -> None:
        """A client that goes away in the middle leaves no open file behind."""
        with open(self.own / "big", "wb") as file:
            file.truncate(64 * 1_048_576)
        client = socket.create_connection(("127.0.0.1", self.door.port))
        client.sendall(BIG)
        await self.until(lambda: _open_files(self.own / "big") == 1)
        client.close()
        await self.until(lambda: _open_files(self.own / "big") == 0)

    async def until(self, is_so: Callable[[], bool]) -> None:
        """Let the reactor turn until something is so; trial's time-out is the limit."""
        while not is_so():
            await _turn()


def _turn() -> Deferred[None]:
    return deferLater(reactor, 0.001, lambda: None)


def _open_files(path: Path) -> int:
    count = 0
    for number in os.listdir("/proc/self/fd"):
        try:
            count += os.readlink(f"/proc/self/fd/{number}") == str(path)
        except OSError:
            continue
    return count


def _buffered(door: WebDoor) -> int:
    """Give how much of an answer waits in memory (of a plain connection)."""
    return sum(
        len(channel.transport.dataBuffer) + channel.transport._tempDataLen
        for channel in door.connections
        if isinstance(channel, Channel)
    )
