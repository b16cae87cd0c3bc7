"""The authentication service's socket on a real disk, and its clients at the other end."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import stat
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import cast

from twisted.internet import reactor as installed
from twisted.internet.defer import Deferred
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.threads import deferToThread
from twisted.trial.unittest import TestCase

from gotwist.auth import authenticate, authenticate_async
from gotwist.auth.ask import DEFAULT_SOCKETS, SOCKET_VARIABLE, ask, socket_path
from gotwist.auth.line import Request
from gotwist.auth.unix import client
from gotwist.auth.unix.client import IClientReactor
from gotwist.auth.unix.service import AuthService, DoorSettings, IAuthReactor
from gotwist.errors import Malformed, Unavailable
from tests.auth.support import NOT_ROOT

reactor = cast(IAuthReactor, installed)

ASK_AS = """
import os, socket, sys
path, uid, gid, *groups = sys.argv[1:]
os.setgroups([int(group) for group in groups]); os.setgid(int(gid)); os.setuid(int(uid))
s = socket.socket(socket.AF_UNIX)
try:
    s.connect(path)
    s.sendall(b"alice\\rsesame\\rlogin\\n")
    print(repr(s.recv(1000)))
except OSError as error:
    print(type(error).__name__)
"""


class FakeJudge:
    """Alice's password is sesame; slow is never answered."""

    async def judge(self, request: Request) -> bool:
        if request.user == "slow":
            await Deferred()
        return (request.user, request.password) == ("alice", "sesame")


class SocketTestCase(TestCase):
    timeout = 60

    def setUp(self) -> None:
        directory = tempfile.TemporaryDirectory(prefix="gotwist-")
        self.addCleanup(directory.cleanup)
        self.directory = Path(directory.name)
        self.path = self.directory / "auth" / "socket"

    def service(self, **more: object) -> AuthService:
        settings = DoorSettings(**{"path": str(self.path), **more})  # type: ignore[arg-type]
        return AuthService(reactor, settings, FakeJudge())

    def start(self, **more: object) -> AuthService:
        """A service that listens as long as the test runs."""
        service = self.service(**more)
        service.startService()
        self.addCleanup(service.stopService)
        return service

    def refused(self, fragment: str, **more: object) -> None:
        with self.assertRaises(Unavailable) as caught:
            self.start(**more)
        self.assertIn(fragment, caught.exception.message)

    def ask_as(self, uid: int, gid: int, *groups: int) -> Deferred[str]:
        """What another account is answered."""
        words = [sys.executable, "-I", "-c", ASK_AS, str(self.path), str(uid), str(gid)]
        return deferToThread(
            lambda: subprocess.check_output([*words, *map(str, groups)], text=True).strip()
        )


class DoorTests(SocketTestCase):
    def test_modes(self) -> None:
        """The socket has the mode that was set, in a directory that is not for everybody."""
        mask = os.umask(0o077)
        self.addCleanup(os.umask, mask)
        for mode in (0o660, 0o600, 0o666):
            self.path = self.directory / f"{mode:o}" / "socket"
            self.start(mode=mode)
            self.assertEqual(stat.S_IMODE(self.path.stat().st_mode), mode)
            self.assertEqual(stat.S_IMODE(self.path.parent.stat().st_mode), 0o750)

    def test_stale(self) -> None:
        """The socket of a service that was killed is replaced."""
        self.path.parent.mkdir(0o750)
        with socket.socket(socket.AF_UNIX) as dead:
            dead.bind(str(self.path))
        self.start()

    def test_alive(self) -> None:
        """Where a service answers, even one too busy to, a second one does not start."""
        self.path.parent.mkdir(0o750)
        with socket.socket(socket.AF_UNIX) as other:
            other.bind(str(self.path))
            other.listen(0)
            # The second finds the queue full, as the first waits in it.
            self.refused("answers there already")
            self.refused("answers there already")
        self.assertTrue(self.path.exists())

    def test_not_a_socket(self) -> None:
        """A file that is no socket is nobody's to remove."""
        self.path.parent.mkdir(0o750)
        self.path.write_text("precious")
        self.refused("not a socket")
        self.assertEqual(self.path.read_text(), "precious")

    def test_directory(self) -> None:
        """A directory in which others can write, or a link to one, is refused."""
        self.path.parent.mkdir()
        self.path.parent.chmod(0o777)
        self.refused("other users can write there")
        self.path.parent.rename(self.directory / "real")
        self.path.parent.symlink_to(self.directory / "real")
        self.refused("is not a directory")

    def test_names(self) -> None:
        """Owner, group and peers must exist."""
        self.refused('no user "no-such-user"', owner="no-such-user")
        self.refused('no group "no-such-group"', group="no-such-group")
        self.refused('no user "no-such-user"', peers=("no-such-user",))
        self.refused('no group "no-such-group"', peers=("@no-such-group",))

    def test_long_path(self) -> None:
        """A path that no socket can have is refused by its length."""
        self.refused("too long", path=str(self.directory / ("x" * 120)))

    def test_somebody_removes_it(self) -> None:
        """A socket that somebody has removed does not keep the service from ending."""
        service = self.service()
        service.startService()
        self.path.unlink()
        self.addCleanup(service.stopService)

    async def test_owner_and_group(self) -> None:
        """The socket belongs to whom it was given, and these may ask; others may not."""
        os.chmod(self.directory, 0o755)
        self.start(owner="1234", group="4321")
        found = self.path.stat()
        self.assertEqual((found.st_uid, found.st_gid), (1234, 4321))
        self.assertEqual((self.path.parent.stat().st_gid), 4321)
        self.assertEqual(await self.ask_as(1234, 1), r"b'ok\n'")
        self.assertEqual(await self.ask_as(1235, 4321), r"b'ok\n'")
        self.assertEqual(await self.ask_as(1235, 1, 2, 4321), r"b'ok\n'")
        self.assertEqual(await self.ask_as(1235, 1), "PermissionError")

    test_owner_and_group.skip = NOT_ROOT  # type: ignore[attr-defined]

    async def test_peers(self) -> None:
        """Whom the mode lets connect is asked for all the same, by the kernel's word."""
        os.chmod(self.directory, 0o755)
        self.path.parent.mkdir()
        self.start(mode=0o666, group="4321", peers=("1300", "@1400"))
        for uid, gid in ((1300, 1), (1, 1400), (1, 4321), (0, 0)):
            self.assertEqual(await self.ask_as(uid, gid), r"b'ok\n'", (uid, gid))
        for uid, gid in ((1301, 1), (1400, 1300)):
            self.assertIn(await self.ask_as(uid, gid), ("b''", "ConnectionResetError",
                          "BrokenPipeError"), (uid, gid))  # fmt: skip

    test_peers.skip = NOT_ROOT  # type: ignore[attr-defined]

    async def test_half_closed(self) -> None:
        """A client that closes its sending side after the line is answered."""
        self.start()

        def talk() -> bytes:
            with socket.socket(socket.AF_UNIX) as connection:
                connection.settimeout(20)
                connection.connect(str(self.path))
                connection.sendall(b"alice\rsesame\rlogin\nx\nbob\r")
                connection.shutdown(socket.SHUT_WR)
                with connection.makefile("rb") as stream:
                    return stream.read()

        self.assertEqual(await deferToThread(talk), b"ok\nbad\nbad\n")

    async def test_burst(self) -> None:
        """A hundred clients that connect at once are all answered."""
        self.start()

        def talk() -> set[bytes]:
            clients = [socket.socket(socket.AF_UNIX) for _ in range(100)]
            for one in clients:
                one.settimeout(20)
                one.connect(str(self.path))
                one.sendall(b"alice\rsesame\rlogin\n")
            answers = {one.recv(100) for one in clients}
            for one in clients:
                one.close()
            return answers

        self.assertEqual(await deferToThread(talk), {b"ok\n"})


class Saying(Protocol):
    """A service that says what it was made with, and hangs up."""

    def connectionMade(self) -> None:
        """Say it."""
        assert self.transport is not None
        self.transport.write(cast(SayingFactory, self.factory).text)
        if cast(SayingFactory, self.factory).hangs_up:
            self.transport.loseConnection()


class SayingFactory(Factory):
    protocol = Saying
    noisy = False

    def __init__(self, text: bytes, *, hangs_up: bool) -> None:
        self.text = text
        self.hangs_up = hangs_up


class ClientTests(SocketTestCase):
    """The three clients give the same answers."""

    async def each(
        self, user: str, password: str, service: str = "login", timeout: float = 20
    ) -> list[bool]:
        """What each client says."""
        path = str(self.path)
        return [
            await deferToThread(
                lambda: authenticate(user, password, service, socket=path, timeout=timeout)
            ),
            await deferToThread(
                lambda: asyncio.run(
                    authenticate_async(user, password, service, socket=path, timeout=timeout)
                )
            ),
            await client.authenticate(
                cast(IClientReactor, installed),
                user,
                password,
                service,
                socket=path,
                timeout=timeout,
            ),
        ]

    def listen(self, text: bytes, *, hangs_up: bool = False) -> None:
        self.path.parent.mkdir(exist_ok=True)
        port = reactor.listenUNIX(str(self.path), SayingFactory(text, hangs_up=hangs_up))
        self.addCleanup(port.stopListening)

    async def test_answers(self) -> None:
        """The right password is a yes, a wrong one a no."""
        self.start()
        self.assertEqual(await self.each("alice", "sesame"), [True] * 3)
        self.assertEqual(await self.each("alice", "wrong"), [False] * 3)

    async def test_never_sent(self) -> None:
        """What a line cannot carry is a no that nobody is asked for."""
        with self.assertLogs("gotwist.auth", logging.ERROR) as logged:
            for user in ("alice\rsesame\rlogin\nx", "", "a\0"):
                self.assertEqual(await self.each(user, "s3cret"), [False] * 3)
        self.assertNotIn("s3cret", "".join(logged.output))
        self.assertRaises(Malformed, ask, "", "x", socket=str(self.path))

    async def test_nobody_there(self) -> None:
        """Without a service the answer is no, and the log says why."""
        with self.assertLogs("gotwist.auth", logging.ERROR) as logged:
            self.assertEqual(await self.each("alice", "s3cret"), [False] * 3)
        self.assertEqual(len(logged.output), 2)
        self.assertIn("cannot be reached", logged.output[0])
        self.assertNotIn("s3cret", "".join(logged.output))
        self.assertRaises(Unavailable, ask, "alice", "x", socket=str(self.path))

    async def test_too_slow(self) -> None:
        """A service that does not answer in time, or half an answer, is a no."""
        self.start()
        with self.assertLogs("gotwist.auth", logging.ERROR):
            self.assertEqual(await self.each("slow", "x", timeout=0.2), [False] * 3)
            self.path = self.directory / "auth" / "half"
            self.listen(b"ok")
            self.assertEqual(await self.each("alice", "x", timeout=0.2), [False] * 3)

    async def test_nonsense(self) -> None:
        """Anything but ok is a no, also an ok that does not end."""
        for number, (text, hangs_up) in enumerate(
            ((b"okay\n", False), (b"\n", False), (b"x" * 5000, False), (b"", True), (b"ok", True))
        ):
            self.path = self.directory / "auth" / str(number)
            self.listen(text, hangs_up=hangs_up)
            with self.assertLogs("gotwist.auth", logging.ERROR):
                logging.getLogger("gotwist.auth").error("there is at least this")
                self.assertEqual(await self.each("alice", "x"), [False] * 3, text)

    def test_where(self) -> None:
        """Without a path the variable decides, and then where root's services listen."""
        before = os.environ.pop(SOCKET_VARIABLE, None)
        self.addCleanup(lambda: before and os.environ.update({SOCKET_VARIABLE: before}))
        self.addCleanup(os.environ.pop, SOCKET_VARIABLE, None)
        self.assertIn(socket_path(None), DEFAULT_SOCKETS)
        os.environ[SOCKET_VARIABLE] = "/elsewhere"
        self.assertEqual(socket_path(None), "/elsewhere")
        self.assertEqual(socket_path("/here"), "/here")

    def test_imports(self) -> None:
        """A program that only asks loads neither Twisted nor anything else that is big."""
        code = (
            "import sys; from gotwist.auth import authenticate, authenticate_async; "
            "print([name for name in ('twisted', 'autobahn', 'asyncio', 'msgspec', 'zope') "
            "if name in sys.modules])"
        )
        root = str(Path(__file__).resolve().parents[2])
        found = subprocess.check_output(
            [sys.executable, "-c", code], text=True, env={"PYTHONPATH": root}
        )
        self.assertEqual(found.strip(), "[]")
