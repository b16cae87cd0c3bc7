"""Memory: at start, per idle terminal, and with a viewer that never reads."""

import time

from benchmarks import processes
from benchmarks.bench import TROUBLE, Bench
from benchmarks.line import close, linger
from benchmarks.measure import Measure
from benchmarks.scenes.echo import FLOOD

START = Measure("memory.start", "memory at start, RSS", "MB", compared=False)
START_PSS = Measure("memory.start.pss", "memory at start, PSS", "MB", compared=False)
TERMINAL = Measure("memory.terminal", "memory per idle terminal, PSS", "KB")
TERMINAL_RSS = Measure("memory.terminal.rss", "memory per idle terminal, RSS", "KB")
STALLED = Measure("stalled.growth", "growth, viewer never reads", "MB", 2, compared=False)


def memory(bench: Bench) -> None:
    """A fresh server each time: allocators keep what they once had."""
    count = bench.pick(200, 100)
    for turn, server in bench.turns(bench.without("bare"), full=3, quick=1, aside=2):
        try:
            server.restart()
            time.sleep(0.5)
            before = processes.memory(server.pids())
            lines = server.open(count)
            linger(lines, 1.0)
            after = processes.memory(server.pids())
        except TROUBLE as error:
            bench.trouble(server, "memory", error)
            continue
        close(lines)
        bench.add(START, server, turn, before.rss / 1e6)
        bench.add(START_PSS, server, turn, before.pss / 1e6)
        bench.add(TERMINAL, server, turn, (after.pss - before.pss) / 1000 / count)
        bench.add(TERMINAL_RSS, server, turn, (after.rss - before.rss) / 1000 / count)
        bench.rest(server)


def stalled(bench: Bench) -> None:
    """Flood a terminal whose viewer has stopped reading; the shared memory counts once."""
    for turn, server in bench.turns(bench.without("bare"), full=2, quick=1, aside=1):
        try:
            server.restart()
            (line,) = server.open()
        except TROUBLE as error:
            bench.trouble(server, "stalled viewer", error)
            continue
        try:
            time.sleep(0.5)
            before = processes.memory(server.pids()).pss
            line.type(FLOOD)
            most = before
            for _ in range(10):
                time.sleep(bench.pick(5, 3) / 10)
                most = max(most, processes.memory(server.pids()).pss)
            bench.add(STALLED, server, turn, (most - before) / 1e6)
        except TROUBLE as error:
            bench.trouble(server, "stalled viewer", error)
        finally:
            close([line])
        server.restart()
