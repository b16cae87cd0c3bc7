"""terminado from PyPI, in a virtual environment of its own."""

import shutil
import subprocess
import sys
from pathlib import Path

from benchmarks.line import Line, upgrade
from benchmarks.peers.server import Missing, Server
from benchmarks.wires import TerminadoWire

HERE = Path(__file__).resolve().parent.parent
HOME = HERE / ".peers" / "terminado"


class Terminado(Server):
    """The Tornado peer."""

    name = "terminado"
    can_share = True

    def prepare(self) -> None:
        python = HOME / "bin" / "python"
        if not (HOME / "complete").exists():
            print("terminado: installing it into benchmarks/.peers/ ...", flush=True)
            shutil.rmtree(HOME, ignore_errors=True)
            try:
                subprocess.run([sys.executable, "-m", "venv", str(HOME)], check=True)
                subprocess.run(
                    [str(python), "-m", "pip", "install", "--quiet", "terminado>=0.18,<1"],
                    check=True,
                    timeout=180,
                )
            except (OSError, subprocess.SubprocessError) as error:
                raise Missing(f"pip cannot install it ({error})") from error
            (HOME / "complete").touch()

    def command(self) -> list[str]:
        self._port_file = self.directory / "port"
        self._port_file.unlink(missing_ok=True)
        script = str(HERE / "terminado_server.py")
        return [str(HOME / "bin" / "python"), script, str(self._port_file), *self.program]

    def answers(self) -> bool:
        return self.read_port(self._port_file)

    def _line(self, path: str) -> Line:
        return Line(self.address, upgrade(self.host, path, f"http://{self.host}"), TerminadoWire())

    def connect(self) -> Line:
        return self._line("/unique")

    def sharable(self) -> Line:
        return self._line("/shared/one")

    def join(self, line: Line) -> Line:
        return self._line("/shared/one")
