"""The wheel, from a clean copy of the sources to a daemon that answers."""

from __future__ import annotations

import atexit
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time
import urllib.request
import zipfile
from functools import cache
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from tests.packaging.test_repository import ROOT

PATIENCE_S = 60.0
LINK = re.compile(r"https://127\.0\.0\.1:(\d+)/\S*")


@cache
def workshop() -> Path:
    """A directory for this run; its path is short, for the sake of UNIX sockets in it."""
    directory = Path(tempfile.mkdtemp(prefix="gotwist-", dir="/tmp"))
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    return directory


def clean_environment() -> dict[str, str]:
    """The environment without what would let the checkout shine through."""
    hidden = {"PYTHONPATH", "VIRTUAL_ENV", "PYTHONHOME"}
    return {name: value for name, value in os.environ.items() if name not in hidden}


@cache
def built_wheel() -> Path:
    """The wheel, built from the files git would hand out and the bundle if it is made already.

    The copy keeps the checkout's build directory, with what older builds left there, out of it.
    """
    source = workshop() / "source"
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    for name in listing.stdout.split("\0"):
        if name and (ROOT / name).is_file():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, source / name)
    if (ROOT / "static" / "dist").is_dir():
        shutil.copytree(ROOT / "static" / "dist", source / "static" / "dist")
    wheels = workshop() / "wheels"
    run([sys.executable, "-m", "pip", "wheel", "--no-deps", f"--wheel-dir={wheels}", source])
    (wheel,) = wheels.glob("*.whl")
    return wheel


@cache
def installed() -> Path:
    """The ``bin`` of a fresh virtual environment with the wheel and what it asks for."""
    place = workshop() / "venv"
    run([sys.executable, "-m", "venv", place])
    run([place / "bin" / "pip", "install", "--quiet", built_wheel()])
    return place / "bin"


def run(command: list[str | Path], home: Path | None = None) -> str:
    """Run a command far from the checkout and return what it printed.

    :raises AssertionError: with all it said, when it fails.
    """
    environment = clean_environment()
    if home is not None:
        environment |= {"HOME": str(home), "XDG_RUNTIME_DIR": str(home / "run")}
    answer = subprocess.run(
        command,
        cwd=home or workshop(),
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if answer.returncode != 0:
        raise AssertionError(f"{command} failed with {answer.returncode}:\n{answer.stdout}")
    return answer.stdout


class WheelTests(SynchronousTestCase):
    """What the wheel holds."""

    def names(self) -> list[str]:
        """The files in it."""
        with zipfile.ZipFile(built_wheel()) as wheel:
            return wheel.namelist()

    def test_it_fits_every_machine(self) -> None:
        """One pure wheel serves every Python 3 and every architecture."""
        self.assertTrue(built_wheel().name.endswith("-py3-none-any.whl"))

    def test_it_carries_the_browser_files(self) -> None:
        """An installed gotwist needs no Node: the bundle is in the package."""
        names = self.names()
        self.assertIn("gotwist/static/dist/manifest.json", names)
        self.assertTrue(any(re.match(r"gotwist/static/dist/main.*\.js$", name) for name in names))

    def test_it_carries_the_written_settings(self) -> None:
        """The files for operators are in the package, where Python tells their place."""
        for name in ("50access.conf", "50limits.conf", "50messaging.conf", "README"):
            self.assertIn(f"gotwist/conf/{name}", self.names())
        self.assertIn("gotwist/conf/fail2ban/gotwist.filter.conf", self.names())

    def test_it_carries_the_plugin(self) -> None:
        """One file goes beside Twisted's own plugins, and nothing that would hide them."""
        beside = [name for name in self.names() if name.startswith("twisted/")]
        self.assertEqual(beside, ["twisted/plugins/gotwist_plugin.py"])

    def test_it_carries_every_module(self) -> None:
        """No room of the house is left behind."""
        modules = {
            file.relative_to(ROOT).as_posix()
            for file in (ROOT / "gotwist").rglob("*.py")
            if "static" not in file.parts
        }
        self.assertEqual(modules - set(self.names()), set())

    def test_it_carries_nothing_else(self) -> None:
        """No tests, no sources of the bundle, no packages of npm, no caches."""
        unwanted = re.compile(
            r"(^|/)(node_modules|tests|build_tools|src|__pycache__)/|\.ts$|\.pyc$"
        )
        names = self.names()
        self.assertEqual([name for name in names if unwanted.search(name)], [])
        tops = {name.split("/")[0] for name in names}
        self.assertEqual(
            {top for top in tops if not top.endswith(".dist-info")}, {"gotwist", "twisted"}
        )


class InstalledTests(SynchronousTestCase):
    """What the wheel does once it is installed."""

    def setUp(self) -> None:
        """A home of its own for each test."""
        self.home = Path(tempfile.mkdtemp(prefix="h", dir=workshop()))
        (self.home / "run").mkdir(mode=0o700)

    def test_twistd_lists_it(self) -> None:
        """``twistd --help`` names gotwist among its commands."""
        self.assertRegex(run([installed() / "twistd", "--help"], self.home), r"(?m)^    gotwist ")

    def test_console_script_tells_its_version(self) -> None:
        """``gotwist --version`` prints the version of the metadata."""
        self.assertRegex(run([installed() / "gotwist", "--version"], self.home), r"^gotwist \d")

    def test_console_script_explains_itself(self) -> None:
        """``gotwist --help`` prints the words of the script and the options of the daemon."""
        text = run([installed() / "gotwist", "--help"], self.home)
        self.assertIn("gotwist link", text)
        self.assertIn("--port", text)

    def test_it_runs_answers_and_ends(self) -> None:
        """The first start answers over TLS; SIGTERM ends the daemon, ``--kill`` all the rest."""
        daemon = self.start()
        port = self.announced_port(daemon)
        context = ssl.create_default_context()
        # Its certificate is its own and a few seconds old: nobody vouches for it.
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        with urllib.request.urlopen(
            f"https://127.0.0.1:{port}/healthz", context=context, timeout=PATIENCE_S
        ) as answer:
            self.assertEqual(answer.status, 200)
        self.assertRegex(run([installed() / "gotwist", "link", *self.options()], self.home), LINK)

        daemon.send_signal(signal.SIGTERM)
        # Having stopped in order, twistd ends by the signal it was sent.
        self.assertIn(daemon.wait(PATIENCE_S), (0, -signal.SIGTERM))
        with self.assertRaises(OSError):
            socket.create_connection(("127.0.0.1", port), 1).close()

        run([installed() / "gotwist", "--kill", *self.options()], self.home)
        self.wait_until_nothing_is_left()

    def options(self) -> list[str]:
        """Everything in the test's own home, whoever runs it."""
        places = {
            "settings_dir": "settings",
            "user_dir": "users",
            "session_dir": "sessions",
            "runtime_dir": "run",
            "certificate": "certificate.pem",
            "keyfile": "keyfile.pem",
        }
        return [f"--{option}={self.home / name}" for option, name in places.items()]

    def start(self) -> subprocess.Popen[str]:
        """Start the daemon on a port that the kernel chooses."""
        log = open(self.home / "log", "w")  # noqa: SIM115 - lives as long as the daemon
        self.addCleanup(log.close)
        daemon = subprocess.Popen(
            [installed() / "gotwist", "--port=0", *self.options()],
            cwd=self.home,
            env=clean_environment()
            | {
                "HOME": str(self.home),
                "XDG_RUNTIME_DIR": str(self.home / "run"),
                "PYTHONUNBUFFERED": "1",
            },
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.addCleanup(self.end, daemon)
        return daemon

    def end(self, daemon: subprocess.Popen[str]) -> None:
        """Leave nothing behind, also when the test has failed."""
        if daemon.poll() is None:
            daemon.kill()
            daemon.wait()
        for pid in self.remaining():
            os.kill(pid, signal.SIGKILL)

    def announced_port(self, daemon: subprocess.Popen[str]) -> int:
        """The port in the launch link, once the daemon has printed it."""
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            said = (self.home / "log").read_text()
            if (link := LINK.search(said)) is not None:
                return int(link[1])
            if daemon.poll() is not None:
                break
            time.sleep(0.05)
        raise AssertionError(f"the daemon printed no launch link:\n{said}")

    def remaining(self) -> list[int]:
        """The processes that have this test's home in their arguments or environment."""
        mark = str(self.home).encode()
        found = []
        for process in Path("/proc").iterdir():
            if not process.name.isdigit() or int(process.name) == os.getpid():
                continue
            try:
                told = (process / "cmdline").read_bytes() + (process / "environ").read_bytes()
            except OSError:  # gone meanwhile, or somebody else's
                continue
            if mark in told:
                found.append(int(process.name))
        return found

    def wait_until_nothing_is_left(self) -> None:
        """Wait for the last process to be gone."""
        deadline = time.monotonic() + PATIENCE_S
        while (left := self.remaining()) and time.monotonic() < deadline:
            time.sleep(0.05)
        self.assertEqual(left, [])
