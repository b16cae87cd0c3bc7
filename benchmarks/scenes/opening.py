"""Many at once: terminals until all show their prompt, and WebSockets that only wait."""

import time
from typing import cast

from benchmarks import processes
from benchmarks.bench import TROUBLE, Bench
from benchmarks.line import Line, TooSlow, close, linger, pump_until
from benchmarks.measure import Measure
from benchmarks.peers.gotwist import Gotwist
from benchmarks.peers.server import AT_ONCE
from benchmarks.wires import GotwistWire

#: WebSockets held at once.
COUNT = 5000

CLOSED = Measure("opening.ended", "until their programs have ended", "s", 2)
HELD = Measure("sockets.held", "idle WebSockets held", "", 0)
PER_SECOND = Measure("sockets.rate", "WebSockets signed in", "1/s", 0)
EACH = Measure("sockets.memory", "memory per idle WebSocket, PSS", "KB")


def opening(bench: Bench) -> None:
    """Open terminals, 16 under way at a time."""
    count = bench.pick(1000, 200)
    title = f"{count} terminals opened"
    measure = Measure("opening.terminals", title, "s", 2)
    for turn, server in bench.turns(bench.without("bare"), full=3, quick=1, aside=1):
        try:
            begun = time.monotonic()
            lines = server.open(count, timeout_s=60)
            bench.add(measure, server, turn, time.monotonic() - begun)
        except TROUBLE as error:
            bench.trouble(server, title, error)
            continue
        begun = time.monotonic()
        close(lines)
        bench.rest(server, 30)
        bench.add(CLOSED, server, turn, time.monotonic() - begun)


def sockets(bench: Bench) -> None:
    """Hold signed-in WebSockets without a terminal for a while, then ask each for a pong."""
    for server in bench.servers:
        if not isinstance(server, Gotwist):
            continue
        lines: list[Line] = []
        try:
            server.restart()
            before = processes.memory(server.pids()).pss
            begun = time.monotonic()
            _connect(server, lines, COUNT)
            bench.add(PER_SECOND, server, 0, len(lines) / (time.monotonic() - begun))
            # Longer than the daemon's ping interval.
            linger(lines, bench.pick(25, 2))
            each = (processes.memory(server.pids()).pss - before) / 1000 / len(lines)
            bench.add(EACH, server, 0, each)
            for line in lines:
                line.send(GotwistWire.action("go:ping", 1))
            try:
                pump_until(lines, lambda line: cast(GotwistWire, line.wire).pongs > 0, 20)
            except TooSlow as error:
                bench.say(f"  {server.name}: {error}")
            held = sum(cast(GotwistWire, line.wire).pongs > 0 for line in lines)
            bench.add(HELD, server, 0, held)
        except TROUBLE as error:
            bench.say(f"  {server.name}: {len(lines)} WebSockets, then: {error}")
            bench.add(HELD, server, 0, len(lines))
        finally:
            close(lines)
        server.restart()


def _connect(server: Gotwist, lines: list[Line], count: int) -> None:
    while len(lines) < count:
        batch = [
            server.line(GotwistWire(term=None)) for _ in range(min(AT_ONCE, count - len(lines)))
        ]
        pump_until(batch, lambda line: line.ready, 30)
        lines += batch
