"""What all servers under measurement have in common."""

import os
import resource
import socket
import subprocess
import time
from abc import ABC, abstractmethod
from pathlib import Path
from typing import ClassVar

from benchmarks import processes
from benchmarks.line import Line, TooSlow, close, linger, pump_until
from benchmarks.wires import Closed

#: Connections begun at a time; gotwist lets an address have 16 that are not signed in yet.
AT_ONCE = 16


class Missing(Exception):
    """A server that cannot be measured here, and why."""


def free_port() -> int:
    """A port nobody has at the moment."""
    with socket.create_server(("127.0.0.1", 0)) as door:
        return int(door.getsockname()[1])


def many_descriptors() -> None:
    """Lift the soft limit to the hard one, as a service manager would."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


class Server(ABC):
    """A server in a directory of its own, on loopback, in a session of its own.

    Restarted at will: ``start`` and ``stop`` may alternate.
    """

    name: ClassVar[str]
    can_share: ClassVar[bool] = False

    def __init__(self, directory: Path, program: Path) -> None:
        self.directory = directory
        self.program = ["/bin/sh", str(program)]
        self.port = 0
        #: Port of a relay to go through, 0 for none; Host and Origin stay the server's own.
        self.via = 0
        self._process: subprocess.Popen[bytes] | None = None
        directory.mkdir(parents=True, exist_ok=True)

    @abstractmethod
    def command(self) -> list[str]:
        """The command line; raises ``Missing``."""

    @abstractmethod
    def connect(self) -> Line:
        """Begin a connection that will open a new terminal."""

    def join(self, line: Line) -> Line:
        """Begin a connection to the terminal of ``line``."""
        raise NotImplementedError(self.name)

    def sharable(self) -> Line:
        """Begin a connection that opens a terminal others can join."""
        return self.connect()

    def prepare(self) -> None:  # noqa: B027 - most have nothing to prepare
        """Install what is needed; raises ``Missing``."""

    def environment(self) -> dict[str, str]:
        """The server's environment."""
        return dict(os.environ)

    @property
    def address(self) -> tuple[str, int]:
        """Where to connect to."""
        return ("127.0.0.1", self.via or self.port)

    @property
    def host(self) -> str:
        """The same as an HTTP host."""
        return f"127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it and wait until it answers."""
        command = self.command()
        log = self.directory / "log"
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd=self.directory,
                env=self.environment(),
                start_new_session=True,
                preexec_fn=many_descriptors,
            )
        deadline = time.monotonic() + 30
        while not self.answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                tail = log.read_bytes()[-600:].decode(errors="replace")
                raise Missing(f"does not start: {tail.strip() or 'no output'}")
            time.sleep(0.02)

    def answers(self) -> bool:
        """Whether the port is open."""
        try:
            socket.create_connection(("127.0.0.1", self.port), 1).close()
        except OSError:
            return False
        return True

    def read_port(self, path: Path) -> bool:
        """Learn the port from the file the server wrote it into."""
        try:
            self.port = int(path.read_text())
        except (OSError, ValueError):
            return False
        return True

    def roots(self) -> list[int]:
        """The processes below which everything of this server lives."""
        return [self._process.pid] if self._process is not None else []

    def pids(self) -> list[int]:
        """Processes that serve, without the programs in the terminals."""
        return processes.server_pids(self.roots())

    def programs(self) -> int:
        """How many programs run in its terminals."""
        return len(processes.server_pids(self.roots(), without_terminal=False)) - len(self.pids())

    def stop(self) -> None:
        """End it; the terminals' programs are hung up by that."""
        if self._process is not None:
            pids = self.pids()
            processes.end(pids)
            self._process.wait()
            self._process = None

    def restart(self) -> None:
        """A fresh one."""
        self.stop()
        self.start()

    def open(self, count: int = 1, at_once: int = AT_ONCE, timeout_s: float = 30.0) -> list[Line]:
        """Open terminals, ``at_once`` under way at a time, until all show their prompt."""
        lines: list[Line] = []
        heard = time.monotonic()
        deadline = heard + timeout_s
        try:
            for start in range(0, count, at_once):
                batch = [self.connect() for _ in range(min(at_once, count - start))]
                lines += batch
                now = pump_until(batch, _prompted, max(1.0, deadline - time.monotonic()))
                if now - heard > 1:
                    linger(lines, 0)
                    heard = now
        except (TooSlow, Closed, OSError):
            close(lines)
            raise
        return lines


def _prompted(line: Line) -> bool:
    return line.ready and line.at_marker
