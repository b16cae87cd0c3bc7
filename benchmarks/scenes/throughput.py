"""Output throughput, and what it costs the server in processor time.

``cat`` of a file in a terminal in its normal state, to the prompt that follows it. The
size is the file's: the carriage returns a terminal adds are not counted.
"""

import time

from benchmarks import processes
from benchmarks.bench import TROUBLE, Bench
from benchmarks.goals import TEXTS
from benchmarks.line import Line, close, pump_paced
from benchmarks.measure import Measure
from benchmarks.peers.server import Server
from benchmarks.texts import write_text


def throughput(bench: Bench) -> None:
    """Measure all texts."""
    for kind in TEXTS:
        path = bench.directory / f"{kind}.txt"
        # Short lines cost the terminal about four times as much.
        full = 16 if kind == "short" else 64
        size = write_text(path, kind, bench.pick(full, full // 4) << 20)
        for turn, server in bench.turns(bench.servers, full=5, quick=2):
            try:
                seconds, spent = _show(server, str(path))
            except TROUBLE as error:
                bench.trouble(server, f"throughput ({kind})", error)
                continue
            speed = Measure(f"throughput.{kind}", f"throughput, {kind}", "MB/s")
            cost = Measure(f"cpu.{kind}", f"CPU per 100 MB, {kind}", "s", 3)
            bench.add(speed, server, turn, size / 1e6 / seconds)
            bench.add(cost, server, turn, spent * 1e8 / size)
        path.unlink()


def _show(server: Server, path: str) -> tuple[float, float]:
    """Show one file; seconds it took and processor seconds of the server's processes."""
    (line,) = server.open()
    try:
        pids = server.pids()
        before = processes.cpu_seconds(pids)
        typed = f"show {path}\r".encode()
        begun = time.monotonic()
        line.type(typed)

        def shown(line: Line) -> bool:
            # The prompt is still the last thing until the echo of the command comes.
            return line.output > 1_000_000 and line.at_marker

        seconds = pump_paced(line, None, shown, 60) - begun
        return seconds, processes.cpu_seconds(pids) - before
    finally:
        close([line])
