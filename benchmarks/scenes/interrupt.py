"""Ctrl-C into a flood, with a viewer that draws 8 MB/s: how long until the prompt is drawn.

The viewer takes from the socket only what it draws. That is kind to servers without
acknowledgements: a page takes everything and draws it later.
"""

import time

from benchmarks.bench import TROUBLE, Bench
from benchmarks.line import Pace, TooSlow, close, pump_paced
from benchmarks.measure import Measure
from benchmarks.peers.server import Server
from benchmarks.relay import relay
from benchmarks.scenes.echo import FLOOD

RATE = 8e6
DELAY_S = 0.05

NEAR = Measure("interrupt.near", "Ctrl-C to prompt", "ms", 0)
FAR = Measure("interrupt.far", "Ctrl-C to prompt, 50 ms away each way", "ms", 0)


def interrupt(bench: Bench) -> None:
    """On loopback as it is."""
    for turn, server in bench.turns(bench.without("bare"), full=5, quick=2):
        try:
            bench.add(NEAR, server, turn, _interrupt(server, bench.pick(15, 10) / 10))
        except TROUBLE as error:
            bench.trouble(server, "Ctrl-C", error)
            continue
        bench.rest(server)


def distant(bench: Bench) -> None:
    """Through a relay that delays both ways."""
    for turn, server in bench.turns(bench.without("bare"), full=3, quick=1, aside=2):
        try:
            with relay(server.port, DELAY_S) as port:
                server.via = port
                bench.add(FAR, server, turn, _interrupt(server, bench.pick(20, 15) / 10))
                # The end of the connection takes its time, too.
                bench.rest(server)
        except TROUBLE as error:
            bench.trouble(server, "distant Ctrl-C", error)
        finally:
            server.via = 0


def _interrupt(server: Server, flood_s: float) -> float:
    (line,) = server.open()
    try:
        line.type(FLOOD)
        pace = Pace(RATE, time.monotonic())
        before = line.output
        try:
            pump_paced(line, pace, lambda line: False, flood_s)
        except TooSlow:
            if line.output < before + 1_000_000:
                raise TooSlow(f"the flood gave only {line.output - before} bytes") from None
        begun = time.monotonic()
        line.type(b"\x03")
        return (pump_paced(line, pace, lambda line: line.at_marker, 30) - begun) * 1000
    finally:
        close([line])
