"""wetty from npm, below ``benchmarks/.peers/``."""

import os
import shlex
import shutil
import subprocess
from pathlib import Path

from benchmarks.line import Line, upgrade
from benchmarks.peers.server import Missing, Server, free_port
from benchmarks.wires import WettyWire

HOME = Path(__file__).resolve().parent.parent / ".peers" / "wetty"
MAIN = HOME / "node_modules" / "wetty" / "build" / "main.js"


class Wetty(Server):
    """The Node peer."""

    name = "wetty"

    def prepare(self) -> None:
        node, npm = shutil.which("node"), shutil.which("npm")
        if os.geteuid() != 0:
            # As an ordinary user it offers ssh only, which would be measured with it.
            raise Missing("runs a command without ssh for root only")
        if node is None or npm is None:
            raise Missing("no node and npm on PATH")
        if not (HOME / "complete").exists():
            print("wetty: installing it into benchmarks/.peers/ ...", flush=True)
            HOME.mkdir(parents=True, exist_ok=True)
            environment = {**os.environ, "NODE_USE_SYSTEM_CA": "1"}
            prefix = Path(node).resolve().parent.parent
            if (prefix / "include" / "node" / "node.h").exists():
                # Its terminal module is compiled; spare the download of Node's headers.
                environment["npm_config_nodedir"] = str(prefix)
            quiet = [npm, "--prefix", str(HOME), "--no-audit", "--no-fund", "--loglevel=error"]
            try:
                for step in (["install", "wetty@3"], ["rebuild", "node-pty"]):
                    subprocess.run(
                        [*quiet, *step], check=True, timeout=240, cwd=HOME, env=environment
                    )
            except (OSError, subprocess.SubprocessError) as error:
                raise Missing(f"npm cannot install it ({error})") from error
            (HOME / "complete").touch()

    def command(self) -> list[str]:
        self.port = free_port()
        options = ["--host", "127.0.0.1", "--port", str(self.port), "--base", "/"]
        options += [
            "--ssh-host",
            "localhost",
            "--log-level",
            "error",
            "--command",
            shlex.join(self.program),
        ]
        return ["node", str(MAIN), *options]

    def environment(self) -> dict[str, str]:
        return {**os.environ, "NODE_ENV": "production"}

    def connect(self) -> Line:
        path = "/socket.io/?EIO=4&transport=websocket"
        return Line(self.address, upgrade(self.host, path, f"http://{self.host}"), WettyWire())
