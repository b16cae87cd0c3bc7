"""The authentication service as a process of its own, with real PAM and x2gobroker beside it."""

from __future__ import annotations

import os
import random
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from gotwist.auth import authenticate
from tests.auth.support import (
    NO_BROKER,
    NO_BROKER_SERVICE,
    NO_MATRIX,
    NOT_ROOT,
    PASSWORD,
    Machine,
    PamDirectory,
    run,
)
from tests.integration.daemon import Daemon, until

#: Debian's own Python, for Debian's own modules.
DEBIAN_PYTHON = "/usr/bin/python3"
BROKER_CLIENT = """
import sys
import x2gobroker.defaults
x2gobroker.defaults.X2GOBROKER_AUTHSERVICE_SOCKET = sys.argv[1]
from x2gobroker.authservice import authenticate
for password in sys.argv[3:]:
    print(authenticate(sys.argv[2], password, service="x2gobroker"))
"""


class AuthDaemon(Daemon):
    """``twistd -n gotwist --services=authservice``; no page tells that it is there."""

    def __init__(self, *options: str) -> None:
        super().__init__()
        self.starts = 0
        self.path = self.home / "auth" / "socket"
        self.options = ["--services=authservice", f"--authservice_path={self.path}", *options]

    def start(self) -> Daemon:
        """Start it and wait until it says that it listens."""
        self.starts += 1
        return super().start()

    def is_healthy(self) -> bool:
        """Tell whether the socket is there."""
        assert self.process is not None
        if self.process.poll() is not None:
            raise AssertionError(f"it ended:\n{self.log.read_text()}")
        return self.log.read_bytes().count(b"service: UNIX socket") == self.starts

    def ask(self, user: str, password: str, service: str = "x2gobroker") -> bool:
        """Ask with the client."""
        return authenticate(user, password, service, socket=str(self.path), timeout=60)

    def children(self) -> list[int]:
        """Processes that it has started."""
        assert self.process is not None
        path = f"/proc/{self.process.pid}/task/{self.process.pid}/children"
        return [int(word) for word in Path(path).read_text().split()]


class ServiceTestCase(SynchronousTestCase):
    timeout = 120

    def start(self, *options: str) -> AuthDaemon:
        """A service that ends with the test, and whose log is judged then."""
        daemon = AuthDaemon(*options)
        self.addCleanup(daemon.close)
        daemon.start()
        return daemon


class AloneTests(ServiceTestCase):
    """With users that a directory knows, and without any rights."""

    skip = NO_MATRIX

    def setUp(self) -> None:
        self.pam = PamDirectory(self)
        self.pam.write_matrix("x2gobroker", {"alice": "sesame", "bob": "b" * 1024})

    def test_alone(self) -> None:
        """A process of its own checks passwords, writes no settings, and ends cleanly."""
        daemon = self.start(f"--pam_service_dir={self.pam.path}")
        self.assertTrue(daemon.ask("alice", "sesame"))
        self.assertTrue(daemon.ask("bob", "b" * 1024))
        self.assertFalse(daemon.ask("alice", "wrong"))
        self.assertFalse(daemon.ask("alice", "sesame", service="other"))
        (worker,) = daemon.children()
        self.assertEqual(daemon.terminate(), 0)
        self.assertFalse(Path(f"/proc/{worker}").exists())
        self.assertFalse(daemon.path.exists())
        self.assertFalse((daemon.home / ".gotwist").exists(), "it wrote settings")
        log = daemon.log.read_text()
        self.assertIn("alice is right for x2gobroker", log)
        for word in ("sesame", "wrong", "b" * 20):
            self.assertNotIn(word, log)

    def test_no_web(self) -> None:
        """That process loads nothing of the web and of terminals."""
        daemon = AuthDaemon()
        self.addCleanup(daemon.close)
        code = (
            "import sys; from gotwist.tap import Options, makeService; options = Options(); "
            "options.parseOptions(sys.argv[1:]); makeService(options); "
            "print(*sorted(sys.modules), sep='\\n')"
        )
        loaded = subprocess.check_output(
            [sys.executable, "-c", code, *daemon.options], env=daemon.environment, text=True
        ).splitlines()
        self.assertIn("gotwist.auth.unix.service", loaded)
        for package in (
            "twisted.web.server",
            "autobahn.websocket",
            "gotwist.web",
            "gotwist.gateway",
        ):
            self.assertNotIn(package, loaded)
        self.assertEqual([name for name in loaded if name.startswith("gotwist.app")], [])

    def test_in_the_daemon(self) -> None:
        """The daemon has the same door, in its runtime directory."""
        daemon = Daemon(f"--pam_service_dir={self.pam.path}")
        self.addCleanup(daemon.close)
        daemon.start()
        path = str(daemon.home / ".gotwist" / "run" / "authservice.sock")
        self.assertTrue(authenticate("alice", "sesame", socket=path))
        self.assertFalse(authenticate("alice", "wrong", socket=path))
        log = daemon.home / ".gotwist" / "log" / "audit.log"
        uid = os.getuid()
        for told in (
            f'"password_judged","uid":{uid},"accepted":true,"service":"x2gobroker","user":"alice"',
            f'"password_judged","uid":{uid},"accepted":false,"service":null,"user":null',
        ):
            until(lambda told=told: told in log.read_text(), told)
        self.assertNotIn("sesame", log.read_text())

    def test_killed(self) -> None:
        """A service that was killed is followed by the next; its workers do not outlive it."""
        daemon = self.start(f"--pam_service_dir={self.pam.path}")
        self.assertTrue(daemon.ask("alice", "sesame"))
        (worker,) = daemon.children()
        daemon.kill()
        until(lambda: not Path(f"/proc/{worker}").exists(), "the worker to end")
        self.assertTrue(daemon.path.exists())
        daemon.start()
        self.assertTrue(daemon.ask("alice", "sesame"))

    def test_worker_killed(self) -> None:
        """A worker that is killed is replaced, and nobody notices."""
        daemon = self.start(f"--pam_service_dir={self.pam.path}")
        for _ in range(3):
            self.assertTrue(daemon.ask("alice", "sesame"))
            (worker,) = daemon.children()
            os.kill(worker, signal.SIGKILL)
            until(lambda: not daemon.children(), "the worker to be collected")

    def test_already_there(self) -> None:
        """A second service on the same path is told so in one sentence, and the first goes on."""
        daemon = self.start(f"--pam_service_dir={self.pam.path}")
        second = subprocess.run(
            daemon.command,
            env=daemon.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=60,
            cwd=daemon.home,
        )
        self.assertNotEqual(second.returncode, 0)
        self.assertIn("answers there already", second.stdout)
        self.assertNotIn("Traceback", second.stdout)
        self.assertTrue(daemon.ask("alice", "sesame"))

    def test_hostile(self) -> None:
        """100 random and hostile lines a second for ten seconds, and every login is answered."""
        daemon = self.start(f"--pam_service_dir={self.pam.path}")
        deadline = time.monotonic() + 10
        with ThreadPoolExecutor(2) as pool:
            noise = [pool.submit(make_noise, str(daemon.path), seed, deadline) for seed in (1, 2)]
            slowest, logins = 0.0, 0
            while time.monotonic() < deadline:
                begun = time.monotonic()
                self.assertTrue(daemon.ask("alice", "sesame"), f"login {logins}")
                slowest = max(slowest, time.monotonic() - begun)
                logins += 1
                time.sleep(0.1)
            sent = sum(one.result() for one in noise)
        self.assertGreaterEqual(sent, 900)
        self.assertGreaterEqual(logins, 20)
        self.assertLess(slowest, 5.0)
        self.assertNotIn("Traceback", daemon.log.read_text())

    def test_x2gobroker_asks_us(self) -> None:
        """Debian's x2gobroker, unchanged, has its passwords checked here."""
        daemon = self.start(f"--pam_service_dir={self.pam.path}")
        answers = subprocess.check_output(
            [DEBIAN_PYTHON, "-c", BROKER_CLIENT, str(daemon.path), "alice", "sesame", "wrong"],
            text=True,
            timeout=60,
            env={"HOME": str(daemon.home), "PATH": os.environ["PATH"], "USER": "gotwist"},
        )
        self.assertEqual(answers.split(), ["True", "False"])

    test_x2gobroker_asks_us.skip = NO_BROKER or NO_MATRIX  # type: ignore[attr-defined]


def make_noise(path: str, seed: int, deadline: float) -> int:
    """Send 50 lines a second, one connection each; how many that were."""
    rng = random.Random(seed)
    sent = 0
    begun = time.monotonic()
    clients: list[socket.socket] = []
    while time.monotonic() < deadline:
        client = socket.socket(socket.AF_UNIX)
        client.setblocking(False)
        try:
            client.connect(path)
            client.send(hostile_line(rng))
            if rng.random() < 0.3:
                client.shutdown(socket.SHUT_WR)
        except OSError:
            pass
        clients.append(client)
        if len(clients) > 100:
            clients.pop(rng.randrange(len(clients))).close()
        sent += 1
        time.sleep(max(0.0, begun + sent / 50 - time.monotonic()))
    for client in clients:
        client.close()
    return sent


def hostile_line(rng: random.Random) -> bytes:
    """One line of those that a service meets and should not."""
    word = rng.randbytes(rng.randrange(1, 40)).replace(b"\n", b"")
    return rng.choice(
        (
            word,
            word + b"\n",
            b"alice\r" + word + b"\rx2gobroker\n",
            word + b"\rx\rx2gobroker\n",
            b"alice\rsesame\rother\n",
            b"alice\rsesame\r../x2gobroker\n",
            b"alice\rsesame\rx2gobroker\rx\n",
            b"alice\0\rsesame\rx2gobroker\n",
            b"alice\r\rx2gobroker\n",
            b"alice\rsesame\rx2gobroker",
            b"x" * 20_000,
            b"\n" * 2_000,
            b"bob\rx\rx2gobroker\n" * 20,
        )
    )


class RootTests(ServiceTestCase):
    """With accounts of this machine."""

    skip = NOT_ROOT
    options = ("--pam_services=x2gobroker", "--settings_dir=/nowhere")

    def setUp(self) -> None:
        self.machine = Machine(self)

    def serve(self, *lines: str) -> tuple[AuthDaemon, str]:
        service = self.machine.add_service(*lines)
        return self.start(f"--pam_services={service}"), service

    def test_accounts(self) -> None:
        """Right and wrong; locked, expired, without a password: only the right one enters."""
        daemon, service = self.serve(
            "auth required pam_echo.so module that speaks",
            "auth required pam_unix.so nodelay nullok",
            "account required pam_echo.so another one",
            "account required pam_unix.so",
            "session required pam_motd.so motd=/etc/hostname",
        )
        alice, locked, expired, changing, bare = (self.machine.add_user() for _ in range(5))
        run("usermod", "--lock", locked)
        run("chage", "--expiredate", "0", expired)
        run("chage", "--lastday", "0", changing)
        run("passwd", "--delete", bare)
        self.assertTrue(daemon.ask(alice, PASSWORD, service))
        for user, password in (
            (alice, "wrong"),
            (locked, PASSWORD),
            (expired, PASSWORD),
            (changing, PASSWORD),
            (bare, PASSWORD),
            ("nosuchuser", PASSWORD),
        ):
            self.assertFalse(daemon.ask(user, password, service), (user, password))

    def test_nobody_waits(self) -> None:
        """One right password behind thirty wrong ones is answered within a second, by stock PAM."""
        daemon, service = self.serve("auth required pam_unix.so", "account required pam_unix.so")
        alice, bob = self.machine.add_user(), self.machine.add_user()
        self.assertTrue(daemon.ask(alice, PASSWORD, service))
        wrong = []
        for number in range(30):
            client = socket.socket(socket.AF_UNIX)
            self.addCleanup(client.close)
            client.connect(str(daemon.path))
            user = bob if number % 2 else f"nobody{number}"
            client.sendall(f"{user}\rwrong\r{service}\n".encode())
            wrong.append(client)
        begun = time.monotonic()
        self.assertTrue(daemon.ask(alice, PASSWORD, service))
        self.assertLess(time.monotonic() - begun, 1.0)
        for client in wrong:
            client.settimeout(30)
            self.assertEqual(client.recv(100), b"fail\n")

    def test_same_time(self) -> None:
        """A refusal takes between one and two seconds, known or unknown, with stock PAM's delay."""
        daemon, service = self.serve("auth required pam_unix.so", "account required pam_unix.so")
        alice = self.machine.add_user()
        daemon.ask(alice, PASSWORD, service)
        for user in (alice, "nosuchuser", "root", "no/such"):
            begun = time.monotonic()
            self.assertFalse(daemon.ask(user, "wrong", service))
            took_s = time.monotonic() - begun
            # To the hundredth it is tested with a clock of the test's own.
            self.assertTrue(0.99 < took_s < 4.0, f"{user}: {took_s}")

    def test_we_ask_x2gobroker(self) -> None:
        """Our client has passwords checked by Debian's x2gobroker, unchanged."""
        alice, service = self.machine.add_user(), "x2gobroker"
        daemon = AuthDaemon()
        self.addCleanup(daemon.close)
        path = daemon.home / "broker" / "socket"
        log = (daemon.home / "broker.log").open("wb")
        self.addCleanup(log.close)
        broker = subprocess.Popen(
            [DEBIAN_PYTHON, "/usr/sbin/x2gobroker-authservice", "-i", "-s", str(path)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env={"HOME": str(daemon.home), "PATH": os.environ["PATH"]},
        )
        self.addCleanup(broker.wait)
        self.addCleanup(broker.kill)
        until(path.exists, "x2gobroker's socket")
        self.assertTrue(authenticate(alice, PASSWORD, service, socket=str(path), timeout=60))
        self.assertFalse(authenticate(alice, "wrong", service, socket=str(path), timeout=60))

    test_we_ask_x2gobroker.skip = NOT_ROOT or NO_BROKER_SERVICE  # type: ignore[attr-defined]
