"""One message to a hundred clients: viewers of one terminal that echoes what is typed."""

import time

from benchmarks import processes
from benchmarks.bench import TROUBLE, Bench
from benchmarks.line import Line, close, linger, pump_until
from benchmarks.measure import Measure
from benchmarks.peers.server import AT_ONCE, Server

MESSAGE = b"a message of sixty-four bytes, which all viewers are to see now."


def fanout(bench: Bench) -> None:
    """Messages per second, the next one when all viewers have the last."""
    count = 100
    messages = bench.pick(200, 100)
    rate = Measure("fanout.rate", f"messages to {count} viewers", "1/s", 0)
    cost = Measure("fanout.cpu", f"CPU per message to {count} viewers", "ms", 2)
    servers = [server for server in bench.servers if server.can_share]
    for turn, server in bench.turns(servers, full=3, quick=2):
        lines: list[Line] = []
        try:
            lines = _gather(server, count)
            pids = server.pids()
            before = processes.cpu_seconds(pids)
            begun = time.monotonic()
            _send(lines, messages)
            seconds = time.monotonic() - begun
            spent = processes.cpu_seconds(pids) - before
            bench.add(rate, server, turn, messages / seconds)
            bench.add(cost, server, turn, spent * 1000 / messages)
        except TROUBLE as error:
            bench.trouble(server, "fan-out", error)
            continue
        finally:
            close(lines)
        # A shared terminal of terminado outlives its clients.
        server.restart()


def _gather(server: Server, count: int) -> list[Line]:
    first = server.sharable()
    lines = [first]
    try:
        pump_until(lines, lambda line: line.ready and line.at_marker, 10)
        first.type(b"echo\r")
        pump_until(lines, lambda line: line.output > 20 and line.at_marker, 10)
        while len(lines) < count:
            batch = [server.join(first) for _ in range(min(AT_ONCE, count - len(lines)))]
            lines += batch
            pump_until(batch, lambda line: line.ready, 20)
        linger(lines, 0.5)  # what newcomers are shown first
    except TROUBLE:
        close(lines)
        raise
    return lines


def _send(lines: list[Line], messages: int) -> None:
    for line in lines:
        line.target = line.output
    for _ in range(messages):
        for line in lines:
            line.target += len(MESSAGE)
        lines[0].type(MESSAGE)
        pump_until(lines, lambda line: line.output >= line.target, 10)
