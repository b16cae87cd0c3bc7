"""The control socket on a real UNIX socket: who is served, and what is refused."""

from __future__ import annotations

import json
import os
import socket
import stat
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import cast

from twisted.internet import reactor as installed
from twisted.internet.defer import maybeDeferred
from twisted.internet.task import Clock
from twisted.internet.threads import deferToThread
from twisted.trial.unittest import TestCase

from gotwist.control import wire
from gotwist.control.ask import ask
from gotwist.control.unix import IDLE_S, ControlDoor, ControlFactory, IControlReactor
from gotwist.errors import Denied, Malformed, Unavailable

ASK_AS = """
import os, socket, sys
s = socket.socket(socket.AF_UNIX)
os.setgroups([]); os.setgid(65534); os.setuid(65534)
s.connect(sys.argv[1])
try:
    s.sendall(b'{"do": "link"}\\n')
    print(repr(s.recv(1000)))
except (BrokenPipeError, ConnectionResetError):
    print("b''")
"""


class ControlTestCase(TestCase):
    def setUp(self) -> None:
        directory = tempfile.TemporaryDirectory(prefix="gotwist-")
        self.addCleanup(directory.cleanup)
        self.directory = Path(directory.name)
        self.path = str(self.directory / "control.sock")
        self.asked = 0

    async def link(self) -> Mapping[str, object]:
        self.asked += 1
        return {"link": f"https://x/{self.asked}"}

    async def deny(self) -> Mapping[str, object]:
        raise Denied("Not now.")

    async def stumble(self) -> Mapping[str, object]:
        raise ZeroDivisionError

    def open(self) -> ControlDoor:
        verbs = {"link": self.link, "deny": self.deny, "fail": self.stumble}
        door = ControlDoor(cast(IControlReactor, installed), self.path, verbs)
        door.startService()
        self.addCleanup(door.stopService)
        return door

    async def exchange(self, *lines: bytes) -> list[dict[str, object]]:
        """Send lines in one go; gives one answer for each, fewer when the door closes."""

        def talk() -> bytes:
            with socket.socket(socket.AF_UNIX) as connection:
                connection.settimeout(20)
                connection.connect(self.path)
                received = b""
                try:
                    connection.sendall(b"".join(lines))
                    while received.count(b"\n") < len(lines):
                        chunk = connection.recv(4096)
                        if not chunk:
                            break
                        received += chunk
                except OSError:
                    pass
                return received

        received = await deferToThread(talk)
        return [json.loads(line) for line in received.splitlines()]


class ServingTests(ControlTestCase):
    async def test_own_account_is_served(self) -> None:
        """The daemon's own account gets what it asks for, on a socket that is private."""
        self.open()
        self.assertEqual(stat.S_IMODE(os.stat(self.path).st_mode), 0o600)
        answer = await deferToThread(ask, self.path, "link")
        self.assertEqual(answer["link"], "https://x/1")

    async def test_wrong_verb(self) -> None:
        """A word that is not known is refused by name, and nothing runs."""
        self.open()
        with self.assertRaises(Malformed) as refused:
            await deferToThread(ask, self.path, "format")
        self.assertIn('"format"', refused.exception.message)
        self.assertEqual(self.asked, 0)

    async def test_answers_keep_their_order(self) -> None:
        """Of several requests each has its own answer, in the order asked."""
        self.open()
        request = wire.render_request("link")
        answers = await self.exchange(request, b"nonsense\n", request)
        self.assertEqual([a["ok"] for a in answers], [True, False, True])

    async def test_refusal_and_fault(self) -> None:
        """A refusal is told in its own words; of a fault only that there was one."""
        self.open()
        denied, failed = await self.exchange(
            wire.render_request("deny"), wire.render_request("fail")
        )
        self.assertEqual(denied["message"], "Not now.")
        self.assertNotIn("Zero", str(failed["message"]))
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

    async def test_too_long_line(self) -> None:
        """A line that does not end is cut off before it fills any memory."""
        self.open()
        self.assertEqual(await self.exchange(b"x" * 100_000), [])
        self.assertEqual((await deferToThread(ask, self.path, "link"))["ok"], True)

    async def test_nobody_listens(self) -> None:
        """Where no daemon is, the sentence names the socket."""
        with self.assertRaises(Unavailable) as refused:
            await deferToThread(ask, self.path, "link")
        self.assertIn(self.path, refused.exception.message)

    async def test_other_account(self) -> None:
        """Another account is closed on without a word, even where it reaches the socket."""
        if os.geteuid() != 0:
            self.skipTest("only root can become somebody else")
        self.open()
        os.chmod(self.directory, 0o755)
        os.chmod(self.path, 0o666)
        answer = await deferToThread(
            subprocess.run,
            [sys.executable, "-c", ASK_AS, self.path],
            capture_output=True,
            text=True,
            timeout=30,
        )
        self.assertEqual(answer.stdout.strip(), "b''", answer.stderr)
        self.assertEqual(self.asked, 0)


class SocketTests(ControlTestCase):
    async def test_stale_socket_is_replaced(self) -> None:
        """What a killed daemon left behind does not keep the next one from listening."""
        with socket.socket(socket.AF_UNIX) as left:
            left.bind(self.path)
        self.open()
        self.assertEqual((await deferToThread(ask, self.path, "link"))["ok"], True)

    async def test_living_socket_is_left_alone(self) -> None:
        """The socket of a daemon that runs is not taken away from it."""
        with socket.socket(socket.AF_UNIX) as living:
            living.bind(self.path)
            living.listen()
            with self.assertRaises(Exception) as refused:
                self.open()
            self.assertIn("control.sock", str(refused.exception))
            self.assertTrue(os.path.exists(self.path))

    async def test_socket_is_removed(self) -> None:
        """A daemon that stops leaves no socket."""
        door = self.open()
        await maybeDeferred(door.stopService)
        self.assertFalse(os.path.exists(self.path))


class IdleTests(ControlTestCase):
    async def test_idle_caller_is_dropped(self) -> None:
        """Who connects and says nothing is let go, on the clock that was handed in."""
        clock = Clock()
        factory = ControlFactory({}, clock)
        reactor = cast(IControlReactor, installed)
        port = reactor.listenUNIX(self.path, factory)
        self.addCleanup(port.stopListening)
        with socket.socket(socket.AF_UNIX) as caller:
            caller.settimeout(20)
            caller.connect(self.path)
            caller.sendall(b"{}\n")
            # Answered: so it is accepted, and its time runs from here.
            self.assertIn(b"false", await deferToThread(caller.recv, 4096))
            clock.advance(IDLE_S - 1)
            caller.sendall(b"{}\n")
            self.assertIn(b"false", await deferToThread(caller.recv, 4096))
            clock.advance(IDLE_S)
            self.assertEqual(await deferToThread(caller.recv, 4096), b"")
