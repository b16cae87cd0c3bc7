"""How long a key takes to come back, alone and in company.

The program is ``cat`` on a raw terminal, so the echo goes all the way. A hundred keys a
second, unevenly; floods are read by a process of their own.
"""

import contextlib
import gc
import os
import random
import select
import signal
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from benchmarks.bench import TROUBLE, Bench
from benchmarks.line import Line, Pace, TooSlow, close, pump_until
from benchmarks.measure import Measure, percentile
from benchmarks.peers.server import Server
from benchmarks.wires import Closed

FLOOD = b"flood 0123456789 abcdefghijklmnopqrstuvwxyz 0123456789 abcdefghijklmnopqrstuvwxyz\r"
PERCENTS = (50, 90, 99)


@dataclass(frozen=True)
class Company:
    """Who else is there: idle terminals, floods, and bytes per second their readers draw."""

    key: str
    title: str
    idle: int = 0
    floods: int = 0
    rate: float = 0.0


COMPANIES = (
    Company("idle", "alone"),
    Company("crowd", "100 idle", idle=100),
    Company("flood", "a flood", floods=1),
    Company("slow", "a flood at 8 MB/s", floods=1, rate=8e6),
    Company("four", "4 floods", floods=4),
)


def echo(bench: Bench) -> None:
    """Measure every company; p99 is that of all rounds together."""
    for company in COMPANIES:
        pooled: dict[str, list[float]] = {}
        servers = bench.servers if company.key == "idle" else bench.without("bare")
        for turn, server in bench.turns(servers, full=7, quick=3, aside=2):
            try:
                times = _in_company(server, company, bench.pick(100, 40))
            except TROUBLE as error:
                bench.trouble(server, f"echo ({company.title})", error)
                continue
            pooled.setdefault(server.name, []).extend(times)
            for percent in (50, 90):
                bench.add(_measure(company, percent), server, turn, percentile(times, percent))
            bench.rest(server)
        for server in servers:
            if server.name in pooled:
                value = percentile(pooled[server.name], 99)
                bench.add(_measure(company, 99), server, 0, value)


def _measure(company: Company, percent: int) -> Measure:
    key = f"echo.{company.key}.p{percent}"
    return Measure(key, f"echo p{percent}, {company.title}", "ms", 3)


def _in_company(server: Server, company: Company, keys: int) -> list[float]:
    lines = server.open(1 + company.idle + company.floods)
    try:
        line, floods = lines[0], lines[1 + company.idle :]
        line.type(b"echo\r")
        pump_until([line], lambda line: line.output > 20 and line.at_marker, 10)
        for flood in floods:
            flood.type(FLOOD)
        with reading(floods, company.rate):
            if floods:
                time.sleep(0.3)
            return echo_times(line, keys)
    finally:
        close(lines)


@contextlib.contextmanager
def reading(lines: Sequence[Line], rate: float) -> Iterator[None]:
    """Read lines in a process of their own, at ``rate`` bytes per second each or at full speed."""
    if not lines:
        yield
        return
    child = os.fork()
    if child == 0:
        try:
            _read_for_ever(lines, rate)
        finally:
            os._exit(0)
    try:
        yield
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


def _read_for_ever(lines: Sequence[Line], rate: float) -> None:
    """At most a minute, in case nobody ends this process."""
    deadline = time.monotonic() + 60
    paces = [Pace(rate, time.monotonic()) for _ in lines]
    by_number = {line.fileno(): line for line in lines}
    with select.epoll() as poll:
        for number in by_number:
            poll.register(number, select.EPOLLIN)
        while time.monotonic() < deadline:
            if not rate:
                for number, _ in poll.poll(1):
                    by_number[number].pump(1 << 18)
                continue
            now = time.monotonic()
            for line, pace in zip(lines, paces, strict=True):
                room = pace.room(now)
                if room >= 8192:
                    pace.took(line.pump(room))
            time.sleep(0.001)


def echo_times(line: Line, count: int) -> list[float]:
    """Type one key after the other; milliseconds until each was back."""
    rng = random.Random(count)
    times = []
    gc.disable()
    try:
        for _ in range(count):
            time.sleep(rng.uniform(0.006, 0.014))
            before = line.output
            begun = time.perf_counter()
            line.type(b"x")
            while line.output == before:
                if not line.pump(65536, wait=True):
                    raise TooSlow("a key did not come back within 20 s")
            times.append((time.perf_counter() - begun) * 1000)
            if line.output != before + 1:
                raise Closed("one key came back as several")
    finally:
        gc.enable()
    return times
