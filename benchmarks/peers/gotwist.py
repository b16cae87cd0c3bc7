"""gotwist itself, from the environment that runs the benchmarks."""

import http.client
import json
import shlex
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import cast

from benchmarks import processes
from benchmarks.line import Line, upgrade
from benchmarks.peers.server import Missing, Server, free_port
from benchmarks.wires import GotwistWire

#: A PAM service that thinks long about wrong passwords, and what it believes.
PAM_SERVICE = "x2gobroker"
PAM_RIGHT = "sesame"
PAM_SLEEP_S = 2
PAM_SCRIPT = f"""#!/bin/sh
read -r password || :
[ "$password" = {PAM_RIGHT} ] && exit 0
sleep {PAM_SLEEP_S}
exit 1
"""


class Gotwist(Server):
    """The daemon with its keeper, plain HTTP on loopback, without sign-in."""

    name = "gotwist"
    can_share = True

    def prepare(self) -> None:
        beside = Path(sys.executable).parent / "twistd"
        found = str(beside) if beside.exists() else shutil.which("twistd")
        if found is None:
            raise Missing("no twistd in this environment")
        self._twistd = found

    def settings(self) -> dict[str, object]:
        """The program to run, and limits for one user's tabs out of the way."""
        command = {"command": shlex.join(self.program), "description": "Benchmark"}
        terminal = {
            "commands": {"bench": command},
            "default_command": "bench",
            "max_terms": 5000,
            "max_terminals": 5000,
        }
        limits = {
            "max_connections": 10_000,
            "max_connections_per_address": 10_000,
            "max_websockets_per_user": 10_000,
            "max_websockets_per_address": 10_000,
            "max_unauthenticated_per_address": 10_000,
            "message_rate": 1_000_000,
            "byte_rate": 1 << 30,
        }
        return {"*": {"gotwist": limits, "terminal": terminal}}

    def command(self) -> list[str]:
        self.port = free_port()
        shutil.rmtree(self.directory / "var", ignore_errors=True)
        options = [f"--port={self.port}"]
        for name in ("settings", "user", "session", "runtime"):
            path = self.directory / "var" / name
            path.mkdir(mode=0o700, parents=True)
            options.append(f"--{name}_dir={path}")
        options.append(f"--pam_service_dir={self._write_pam()}")
        target = self.directory / "var" / "settings" / "60bench.conf"
        target.write_text(json.dumps(self.settings(), indent=4), encoding="utf-8")
        start = [self._twistd, "-n", "--pidfile=", "gotwist"]
        return [*start, "--disable_ssl", "--address=127.0.0.1", "--auth=none", *options]

    @property
    def authservice(self) -> Path:
        """The socket on which passwords are checked."""
        return self.directory / "var" / "runtime" / "authservice.sock"

    def _write_pam(self) -> Path:
        directory = self.directory / "var" / "pam"
        directory.mkdir(mode=0o700)
        script = directory / "check.sh"
        script.write_text(PAM_SCRIPT)
        script.chmod(0o700)
        (directory / PAM_SERVICE).write_text(
            f"auth required pam_exec.so quiet expose_authtok {script}\n"
            "account required pam_permit.so\n"
        )
        return directory

    def answers(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=1)
        try:
            connection.request("GET", "/healthz")
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def start(self) -> None:
        super().start()
        self._headers = self._sign_in()

    def _sign_in(self) -> list[str]:
        """Load the page once: connections that share a terminal are tabs of one browser."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request("GET", "/")
            cookie = connection.getresponse().getheader("Set-Cookie")
        finally:
            connection.close()
        return [f"Cookie: {cookie.partition(';')[0]}"] if cookie else []

    def roots(self) -> list[int]:
        keeper = processes.socket_owner(self.directory / "var" / "runtime" / "keeper.sock")
        return super().roots() + ([keeper] if keeper is not None else [])

    def stop(self) -> None:
        # The daemon first: it would start another keeper.
        processes.end(processes.server_pids(super().roots()))
        processes.end(processes.running_with(str(self.directory / "var" / "runtime")))
        super().stop()

    def line(self, wire: GotwistWire, headers: Sequence[str] = ()) -> Line:
        """Begin a connection with this wire."""
        request = upgrade(self.host, "/ws", f"http://{self.host}", headers)
        return Line(self.address, request, wire)

    def connect(self) -> Line:
        # A visitor of its own, as with the others, who know no sessions.
        return self.line(GotwistWire())

    def sharable(self) -> Line:
        return self.line(GotwistWire(), self._headers)

    def join(self, line: Line) -> Line:
        return self.line(GotwistWire(term=cast(GotwistWire, line.wire).term), self._headers)
