"""kill -9 at any moment, and a keeper among strangers."""

from __future__ import annotations

import contextlib
import os
import random
import re
import signal
import socket
import struct
import subprocess
import sys
import time
from pathlib import Path

from tests.faults.processes import descriptors
from tests.faults.support import FaultTestCase, keeper_of, mint, sign_in
from tests.integration.daemon import Daemon, free_port, until
from tests.integration.websocket import Closed, Screen

KILLS = 20
NUMBER = re.compile(rb"n(\d+)\.")
STREAMS = ("00000000000000a1", "00000000000000a2")
#: Connects as nobody, says something, and prints what comes back.
STRANGER = """
import os, socket, sys
os.setgroups([]); os.setgid(65534); os.setuid(65534)
line = socket.socket(socket.AF_UNIX)
line.settimeout(10)
line.connect(sys.argv[1])
try:
    line.sendall(bytes.fromhex(sys.argv[2]))
    got = line.recv(1000)
except ConnectionError:
    got = b""
print("got", got)
"""


class KillTests(FaultTestCase):
    kind = None

    def test_twenty_times(self) -> None:
        """Twenty kills at random moments of output and typing: every number and every key comes
        exactly once, with one keeper all the while."""
        seed = random.randrange(1 << 30)
        chance = random.Random(seed)
        daemon = self.own_daemon().start()
        cookie = sign_in(daemon)
        counter = Screen(self.client(daemon, cookie), command="shell", viewer=STREAMS[0])
        # Ended by a file: bash ignores an interrupt when the child it waits for just exits.
        stop = daemon.home / "stop"
        loop = f"i=0; while [ ! -e {stop} ]; do i=$((i+1)); echo n$i.; sleep 0.002; done\n"
        counter.type(loop.encode())
        counter.until_text(b"n20.")
        typed = Screen(self.client(daemon, cookie), command="shell", viewer=STREAMS[1])
        # Without echo, which may come in the middle of what the program writes.
        typed.type(b"stty -echo; echo re''ady; exec cat\n")
        typed.until_text(b"ready")
        begun = typed.typed
        screens = [counter, typed]
        output = [b"", b""]
        keys = b""
        keeper = keeper_of(daemon)
        for round_ in range(KILLS):
            more = b"".join(b"k%d-%d;\n" % (round_, key) for key in range(chance.randrange(1, 40)))
            at = len(keys)
            keys += more
            with contextlib.suppress(OSError):
                screens[1].typed = begun + at
                screens[1].type(more)
                for _ in range(chance.randrange(0, 12)):
                    screens[0].read_one()
                time.sleep(chance.random() / 50)
            daemon.kill()
            for index, screen in enumerate(screens):
                with contextlib.suppress(OSError, Closed):
                    while True:
                        screen.read_one()
                output[index] += bytes(screen.output)
                screen.websocket.close()
            daemon.start()
            self.assertEqual(keeper, keeper_of(daemon), seed)
            screens = [
                Screen(
                    self.client(daemon, cookie),
                    term=old.term,
                    viewer=stream,
                    have=old.offset,
                    epoch=old.attached["epoch"],
                )
                for old, stream in zip(screens, STREAMS, strict=True)
            ]
            self.assertEqual([False, False], [s.attached["reset"] for s in screens], seed)
            applied = screens[1].typed - begun
            self.assertLessEqual(applied, len(keys), seed)
            if applied < len(keys):
                screens[1].type(keys[applied:])
        stop.touch()
        screens[0].type(b"echo do''ne\n")
        screens[0].until_text(b"done")
        screens[1].type(b"the-end;\n")
        screens[1].until_text(b"the-end;")
        output = [one + bytes(screen.output) for one, screen in zip(output, screens, strict=True)]
        numbers = [int(number) for number in NUMBER.findall(output[0])]
        self.assertEqual(list(range(1, len(numbers) + 1)), numbers, seed)
        self.assertGreater(len(numbers), 1_000)
        printed = output[1].partition(b"ready\r\n")[2].replace(b"\r", b"")
        self.assertEqual(keys + b"the-end;\n", printed, seed)
        self.assertEqual([], daemon.blemishes())

    def test_daemon_and_keeper(self) -> None:
        """Stale sockets and the lock of a keeper that was killed are no obstacle."""
        daemon = self.own_daemon().start()
        cookie = sign_in(daemon)
        keeper = keeper_of(daemon)
        daemon.kill()
        os.kill(keeper, signal.SIGKILL)
        until(lambda: daemon.keeper_pid() is None, "the keeper to be gone")
        names = set(os.listdir(daemon.home / ".gotwist" / "run"))
        self.assertTrue({"keeper.sock", "keeper.sock.lock", "control.sock"} <= names, names)
        started = time.monotonic()
        daemon.start()
        self.assertLess(time.monotonic() - started, 5)
        screen = self.screen(self.client(daemon, cookie), command="cat")
        screen.type(b"again\n")
        screen.until_text(b"again")

    def test_second_daemon(self) -> None:
        """A second daemon in the same places does not take the first one's: it says why."""
        daemon = self.own_daemon().start()
        screen = self.screen(self.client(daemon), command="cat")
        second = subprocess.Popen(
            [sys.executable, "-m", "gotwist", "--disable_ssl", f"--port={free_port()}"],
            env=daemon.environment,
            cwd=daemon.home,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        try:
            said = second.communicate(timeout=15)[0].decode()
        except subprocess.TimeoutExpired:
            second.kill()
            said = second.communicate()[0].decode()
            self.fail(f"it runs:\n{said}")
        self.assertNotEqual(0, second.returncode)
        self.assertNotIn("Traceback", said)
        self.assertIn("control.sock", said)
        screen.type(b"untouched\n")
        screen.until_text(b"untouched")
        self.assertTrue(mint(daemon))


class KeeperTests(FaultTestCase):
    def say(self, name: str, data: bytes) -> None:
        """Send this to a socket of the runtime directory, and hear it out."""
        with socket.socket(socket.AF_UNIX) as line:
            line.settimeout(20)
            line.connect(str(self.path(name)))
            with contextlib.suppress(ConnectionError):
                line.sendall(data)
                line.shutdown(socket.SHUT_WR)
                while line.recv(65_536):
                    pass

    def path(self, name: str, daemon: Daemon | None = None) -> Path:
        return (daemon or self.daemon).home / ".gotwist" / "run" / name

    def test_nonsense(self) -> None:
        """Nonsense on the keeper's and the control socket ends that connection, nothing else."""
        screen = self.screen(command="cat")
        keeper = keeper_of(self.daemon)
        before = len(descriptors(keeper))

        def framed(text: bytes) -> bytes:
            return struct.pack("<I", len(text) + 1) + b"J" + text

        hello = framed(b'{"tag":1,"do":"hello","version":1,"persist":true}')
        for data in (
            b"\x00" * 64,
            b"\xff" * 64,
            b"GET / HTTP/1.1\r\n\r\n",
            struct.pack("<I", 2**31) + b"J",
            struct.pack("<I", 0),
            framed(b"{"),
            framed(b"[" * 5_000),
            framed(b'{"tag":1,"do":"open"}'),
            framed(b'{"tag":1,"do":"hello","version":99,"persist":true}'),
            hello + framed(b'{"tag":2,"do":"nothing"}'),
            hello + framed(b'{"tag":2,"do":"open","argv":"sh"}'),
            hello + framed(b'{"tag":2,"do":"signal","terminal":true,"signal":9}'),
            hello + struct.pack("<I", 3) + b"Nxx",
            hello + os.urandom(4_000),
        ):
            self.say("keeper.sock", data)
        for data in (b"\n", b"{}\n", b'{"do": "nothing"}\n', b"\xff\n", b"x" * 100_000):
            self.say("control.sock", data)
        until(lambda: len(descriptors(keeper)) <= before, "the keeper's descriptors")
        screen.type(b"untouched\n")
        screen.until_text(b"untouched")

    def test_silent_connections(self) -> None:
        """Connections to the keeper that say nothing are bounded, and keep nobody out."""
        lines = []
        for _ in range(100):
            line = socket.socket(socket.AF_UNIX)
            line.settimeout(5)
            with contextlib.suppress(OSError):
                line.connect(str(self.path("keeper.sock")))
            lines.append(line)
        screen = self.screen(command="cat")
        screen.type(b"untouched\n")
        screen.until_text(b"untouched")
        for line in lines:
            line.close()

    def test_another_user(self) -> None:
        """Another user is not heard by keeper and control socket, even where the directories
        would let them through."""
        if os.geteuid() != 0:
            self.skipTest("only root can become another user")
        daemon = self.own_daemon().start()
        keeper_of(daemon)
        run = daemon.home / ".gotwist" / "run"
        for path in (daemon.home, daemon.home / ".gotwist", run):
            path.chmod(0o711)
        text = b'{"tag":1,"do":"hello","version":1,"persist":true}'
        hello = struct.pack("<I", len(text) + 1) + b"J" + text
        for name, data in (("keeper.sock", hello), ("control.sock", b'{"do": "link"}\n')):
            (run / name).chmod(0o666)
            stranger = subprocess.run(
                [sys.executable, "-I", "-c", STRANGER, str(run / name), data.hex()],
                capture_output=True,
                timeout=30,
                cwd="/",
                check=False,
            )
            self.assertEqual(b"got b''\n", stranger.stdout, stranger.stderr)
        self.assertTrue(mint(daemon))

    def test_socket_modes(self) -> None:
        """Sockets and directory are the daemon's own and nobody else's."""
        keeper_of(self.daemon)
        for name, mode in (("keeper.sock", 0o600), ("control.sock", 0o600), (".", 0o700)):
            self.assertEqual(mode, self.path(name).stat().st_mode & 0o777, name)
