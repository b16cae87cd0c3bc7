"""The bare limit: ``bare.c``, or ``bare.py`` where there is no C compiler."""

import shutil
import subprocess
import sys
from pathlib import Path

from benchmarks.line import Line
from benchmarks.peers.server import Server
from benchmarks.wires import BareWire

HERE = Path(__file__).resolve().parent.parent


class Bare(Server):
    """A pseudo-terminal copied to a socket."""

    name = "bare"

    def prepare(self) -> None:
        compiler = shutil.which("cc")
        self._binary = self.directory / "bare"
        if compiler is not None:
            subprocess.run(
                [compiler, "-O2", "-o", str(self._binary), str(HERE / "bare.c"), "-lutil"],
                check=True,
            )
        else:
            print("bare: no C compiler (cc), a Python program sets the limit instead")

    def command(self) -> list[str]:
        self._port_file = self.directory / "port"
        self._port_file.unlink(missing_ok=True)
        if self._binary.exists():
            start = [str(self._binary)]
        else:
            start = [sys.executable, str(HERE / "bare.py")]
        return [*start, str(self._port_file), *self.program]

    def answers(self) -> bool:
        return self.read_port(self._port_file)

    def connect(self) -> Line:
        return Line(self.address, None, BareWire())
