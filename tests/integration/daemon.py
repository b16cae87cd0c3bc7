"""A real daemon with a keeper of its own, in directories of its own, on a free port."""

from __future__ import annotations

import json
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
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

#: For a machine that is busy with everything else; reached only when something is broken.
PATIENCE_S = 60.0
LINK = re.compile(rb"https?://\S+[?&#]token=[A-Za-z0-9]+")
#: The launch link where the first start prints it, which is not the log's doing.
GREETING = re.compile(r"    https?://\S+/auth\?token=wstoken[0-9a-f]{64}")
#: What no log may hold, whatever happens.
BLEMISH = re.compile(
    r"Traceback \(most recent|Unhandled [Ee]rror|wstoken[0-9a-f]{16}"
    r"|[0-9a-f]{64}\.[0-9a-f]{64}|[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e]"
)


def free_port() -> int:
    """Ask the kernel for a port nobody uses."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
        assert isinstance(port, int)
        return port


def until(true: object, what: str, patience_s: float = PATIENCE_S) -> object:
    """Wait until a callable answers something true; fail by the name of what was awaited."""
    assert callable(true)
    deadline = time.monotonic() + patience_s
    while True:
        found = true()
        if found:
            return found
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {patience_s} s in vain for {what}")
        time.sleep(0.01)


def trusting(client: tuple[str, str] | None = None) -> ssl.SSLContext:
    """A client's context that takes any server, and shows this certificate if there is one."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    if client is not None:
        context.load_cert_chain(*client)
    return context


class Daemon:
    """``twistd -n gotwist`` with everything below a temporary directory.

    :param options: further options of the command line
    :param tolerated: expressions for blemishes of the log that a test provokes on purpose
    """

    def __init__(self, *options: str, plain: bool = False, tolerated: Sequence[str] = ()) -> None:
        self.home = Path(tempfile.mkdtemp(prefix="gotwist-"))
        self.port = free_port()
        self.plain = plain
        self.options = [*(["--disable_ssl"] if plain else []), *options]
        #: Words before the command line: how to become somebody else, for instance.
        self.prefix: list[str] = []
        #: Further places of Python modules.
        self.python_path: list[Path] = []
        self.log = self.home / "daemon.log"
        self.tolerated = list(tolerated)
        self._judged = 0
        self.process: subprocess.Popen[bytes] | None = None
        #: Files of certificate and key that clients show, where the daemon asks for them.
        self.client: tuple[str, str] | None = None

    @property
    def base(self) -> str:
        """Address of the main page."""
        return f"{'http' if self.plain else 'https'}://127.0.0.1:{self.port}/"

    @property
    def command(self) -> list[str]:
        """The command line."""
        return [
            *self.prefix,
            str(Path(sys.executable).parent / "twistd"),
            "-n",
            "--pidfile=",
            "gotwist",
            f"--port={self.port}",
            *self.options,
        ]

    @property
    def environment(self) -> dict[str, str]:
        """An environment whose home is the temporary directory."""
        root = str(Path(__file__).resolve().parents[2])
        return {
            "HOME": str(self.home),
            "PATH": os.environ["PATH"],
            "LANG": "C.UTF-8",
            "PYTHONPATH": os.pathsep.join(
                [root, *map(str, self.python_path), *filter(None, [os.environ.get("PYTHONPATH")])]
            ),
            "GOTWIST_HOME": str(self.home / ".gotwist"),
        }

    def start(self) -> Daemon:
        """Start it and wait until it answers."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.home,
                start_new_session=True,
            )
        until(self.is_healthy, f"the daemon to answer; its log:\n{self.log.read_text()}")
        return self

    def is_healthy(self) -> bool:
        """Tell whether ``/healthz`` answers; fails when the daemon has ended."""
        assert self.process is not None
        if self.process.poll() is not None:
            raise AssertionError(f"the daemon ended:\n{self.log.read_text()}")
        with suppress(OSError):
            return self.get("healthz").strip() == b"ok"
        return False

    def get(self, path: str) -> bytes:
        """GET a path without checking the daemon's own certificate."""
        context = trusting(self.client)
        with urllib.request.urlopen(self.base + path, timeout=5, context=context) as answer:
            body = answer.read()
            assert isinstance(body, bytes)
            return body

    def first_link(self) -> str:
        """The launch link that the first start printed."""
        found = until(lambda: LINK.search(self.log.read_bytes()), "a launch link")
        assert isinstance(found, re.Match)
        return str(found[0].decode())

    def link(self) -> str:
        """A fresh launch link, from ``gotwist link``."""
        printed = self.run("link").stdout
        found = LINK.search(printed)
        assert found, printed
        return found[0].decode()

    def run(self, *words: str, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        """Run the console script with this daemon's environment, and something to read."""
        return subprocess.run(
            [sys.executable, "-m", "gotwist", *words],
            env=self.environment,
            cwd=self.home,
            input=given,
            capture_output=True,
            timeout=PATIENCE_S,
            check=False,
        )

    def write_settings(self, name: str, value: object) -> None:
        """Put a settings file beside the generated ones."""
        directory = self.home / ".gotwist" / "conf.d"
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = directory / name
        path.write_text(value if isinstance(value, str) else json.dumps(value))
        path.chmod(0o600)

    def kill(self) -> None:
        """``kill -9``: the keeper and its programs go on."""
        self._end(signal.SIGKILL)

    def terminate(self) -> int:
        """Stop it politely; answers the exit status.

        twistd, after an orderly stop, ends by the very signal it was sent.
        """
        status = self._end(signal.SIGTERM)
        return 0 if status == -signal.SIGTERM else status

    def _end(self, number: int) -> int:
        process, self.process = self.process, None
        assert process is not None
        process.send_signal(number)
        return process.wait(PATIENCE_S)

    def keeper_pid(self) -> int | None:
        """Pid of this daemon's keeper, found by the directory in its command line."""
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                with suppress(OSError):
                    line = (entry / "cmdline").read_bytes()
                    if b"/keeper/__main__.py" in line and os.fsencode(self.home) in line:
                        return int(entry.name)
        return None

    def blemishes(self) -> list[str]:
        """Lines logged since the last call that hold what no log may, secrets cut out."""
        text = self.log.read_bytes().decode("utf-8", "replace") if self.log.exists() else ""
        new, self._judged = text[self._judged :], len(text)
        secrets = self.home / ".gotwist" / "conf.d" / "20cookie_secret.conf"
        secret = (
            re.search(r'"cookie_secret": "(\S+)"', secrets.read_text())
            if (secrets.is_file())
            else None
        )
        found = [
            line
            for line in new.split("\n")
            if (BLEMISH.search(line) or (secret and secret[1] in line))
            and not GREETING.fullmatch(line)
            and not any(re.search(pattern, line) for pattern in self.tolerated)
        ]
        for keeper_log in self.home.rglob("keeper.log"):
            found += [line for line in keeper_log.read_text("utf-8", "replace").split("\n") if line]
        if any("Traceback" in line or "Unhandled" in line for line in found):
            found.append(new)
        return found

    def judge_log(self) -> None:
        """Fail when the log holds a traceback, a token, a cookie or a control character."""
        found = self.blemishes()
        if found:
            raise AssertionError("in the log:\n" + "\n".join(found))

    def close(self) -> None:
        """End everything, remove the directory, and judge the log."""
        if self.process is not None:
            self._end(signal.SIGKILL)
        if self.keeper_pid() is not None:
            self.run("--kill")
            with suppress(AssertionError):
                until(lambda: self.keeper_pid() is None, "the keeper to end", 10)
        for _ in range(10):
            # One whose socket a test has taken away hears nobody any more.
            pid = self.keeper_pid()
            if pid is not None:
                os.kill(pid, signal.SIGKILL)
        try:
            self.judge_log()
        finally:
            shutil.rmtree(self.home, ignore_errors=True)
