"""``python -m benchmarks [names]``: measure gotwist beside its peers, print the table."""

import argparse
import json
import os
import platform
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks import processes
from benchmarks.bench import Bench
from benchmarks.goals import GOALS
from benchmarks.peers.bare import Bare
from benchmarks.peers.gotwist import Gotwist
from benchmarks.peers.server import Missing, Server, many_descriptors
from benchmarks.peers.terminado import Terminado
from benchmarks.peers.ttyd import Ttyd
from benchmarks.peers.wetty import Wetty
from benchmarks.scenes.echo import echo
from benchmarks.scenes.fanout import fanout
from benchmarks.scenes.interrupt import distant, interrupt
from benchmarks.scenes.memory import memory, stalled
from benchmarks.scenes.opening import opening, sockets
from benchmarks.scenes.signin import signin
from benchmarks.scenes.throughput import throughput
from benchmarks.selftest import client_speed
from benchmarks.table import as_json, render_goals, render_results

SCENES: dict[str, Callable[[Bench], None]] = {
    "memory": memory,
    "throughput": throughput,
    "echo": echo,
    "opening": opening,
    "sockets": sockets,
    "interrupt": interrupt,
    "distant": distant,
    "stalled": stalled,
    "fanout": fanout,
    "signin": signin,
}
SERVERS: dict[str, type[Server]] = {
    server.name: server for server in (Bare, Gotwist, Ttyd, Terminado, Wetty)
}


def parse_arguments(arguments: Sequence[str]) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Measure gotwist beside its peers and the bare limit, in one run.",
    )
    parser.add_argument("names", nargs="*", metavar="name", help=f"any of: {', '.join(SCENES)}")
    parser.add_argument("--rounds", type=int, default=0, help="rounds of every benchmark")
    parser.add_argument("--quick", action="store_true", help="less of everything, two minutes")
    parser.add_argument(
        "--peers", default=",".join(SERVERS), help="servers, with commas (default: %(default)s)"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all samples there too")
    options = parser.parse_args(arguments)
    for name in options.names:
        if name not in SCENES:
            parser.error(f"no benchmark {name!r}; there are: {', '.join(SCENES)}")
    options.peers = [name for name in options.peers.split(",") if name]
    for name in options.peers:
        if name not in SERVERS:
            parser.error(f"no server {name!r}; there are: {', '.join(SERVERS)}")
    return options


def start_servers(names: Sequence[str], directory: Path, program: Path) -> list[Server]:
    """Start what can be started; say what is missing."""
    started: list[Server] = []
    for name in names:
        server = SERVERS[name](directory / name, program)
        try:
            server.prepare()
            server.start()
        except Missing as error:
            print(f"{name}: left out: {error}", flush=True)
        else:
            started.append(server)
    return started


def run(options: argparse.Namespace, directory: Path) -> Bench:
    """Measure, and stop everything again whatever happens."""
    program = directory / "programs.sh"
    program.write_bytes((Path(__file__).parent / "programs.sh").read_bytes())
    bench = Bench([], directory, options.rounds, options.quick)
    everyone: list[Server] = []
    try:
        bench.servers = start_servers(options.peers, directory, program)
        everyone = list(bench.servers)
        for name in options.names or SCENES:
            begun = time.monotonic()
            bench.say(f"{name} ...")
            SCENES[name](bench)
            bench.say(f"{name}: {time.monotonic() - begun:.0f} s")
    finally:
        for server in everyone:
            server.stop()
        left = processes.running_with(str(directory))
        if left:
            print(f"left behind and ended now: {len(left)} processes", flush=True)
            processes.end(left)
    return bench


def main(arguments: Sequence[str]) -> int:
    """Run what the command line asks for."""
    options = parse_arguments(arguments)
    many_descriptors()
    # Ended from outside, the servers must end as well.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    print(
        f"{os.cpu_count()} cores, {platform.system()} {platform.release()}, "
        f"Python {platform.python_version()}; client: {client_speed() / 1e9:.1f} GB/s of frames"
    )
    with tempfile.TemporaryDirectory(prefix="gotwist-bench-") as directory:
        bench = run(options, Path(directory))
    names = [name for name in SERVERS if name in options.peers]
    print(
        f"\nMedians; in brackets the ratio to ttyd, median of the rounds.\n\n"
        f"{render_results(bench.results, names)}\n"
    )
    print(render_goals(bench.results, GOALS))
    if options.json:
        document = as_json(bench.results, GOALS)
        options.json.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
