"""ttyd, when there is one on PATH."""

import shutil

from benchmarks.line import Line, upgrade
from benchmarks.peers.server import Missing, Server, free_port
from benchmarks.wires import TtydWire


class Ttyd(Server):
    """The C peer, with its defaults, writable and on loopback only."""

    name = "ttyd"

    def prepare(self) -> None:
        if shutil.which("ttyd") is None:
            raise Missing("no ttyd on PATH; ratios to it cannot be told")

    def command(self) -> list[str]:
        self.port = free_port()
        start = ["ttyd", "--interface", "127.0.0.1", "--port", str(self.port), "--writable"]
        # Level 3 (errors and warnings): a line per connection is not what is measured.
        return [*start, "--debug", "3", *self.program]

    def connect(self) -> Line:
        request = upgrade(self.host, "/ws", f"http://{self.host}", ["Sec-WebSocket-Protocol: tty"])
        return Line(self.address, request, TtydWire())
