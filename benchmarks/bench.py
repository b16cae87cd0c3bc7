"""The run: which servers take part, in which order, and what becomes of their samples."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from benchmarks.frames import BrokenFrame
from benchmarks.line import TooSlow
from benchmarks.measure import Measure, Results, turn_order
from benchmarks.peers.server import Missing, Server
from benchmarks.wires import Closed

S = TypeVar("S", bound=Server)

#: What may go wrong with one server without ending the run.
TROUBLE = (Closed, TooSlow, OSError, BrokenFrame, Missing)

#: Servers no goal looks at more than once or twice: three rounds tell enough.
ASIDE = frozenset({"terminado", "wetty"})


@dataclass
class Bench:
    """One run.

    :param rounds: asked for on the command line, or 0 for each benchmark's own number.
    """

    servers: list[Server]
    directory: Path
    rounds: int = 0
    quick: bool = False
    results: Results = field(default_factory=Results)

    def say(self, text: str) -> None:
        """Tell the person who waits."""
        print(text, flush=True)

    def pick(self, full: int, quick: int) -> int:
        """A number that depends on how much time there is."""
        return quick if self.quick else full

    def turns(
        self, servers: Sequence[S], full: int, quick: int = 1, aside: int = 3
    ) -> Iterator[tuple[int, S]]:
        """Whose turn it is: A B, B A, ...; those aside only in the first rounds."""
        for turn in range(self.rounds or self.pick(full, quick)):
            for server in turn_order(servers, turn):
                if server.name not in ASIDE or turn < (1 if self.quick else aside):
                    yield turn, server

    def without(self, *names: str) -> list[Server]:
        """All servers but these."""
        return [server for server in self.servers if server.name not in names]

    def add(self, measure: Measure, server: Server, turn: int, value: float) -> None:
        """Note one sample."""
        self.results.add(measure, server.name, turn, value)

    def trouble(self, server: Server, what: str, error: Exception) -> None:
        """Say that a sample is missing, and give the server a fresh start."""
        self.say(f"  {server.name}: no {what}: {str(error) or type(error).__name__}")
        try:
            server.restart()
        except Missing as gone:
            self.say(f"  {server.name}: gone for the rest of this run: {gone}")
            self.servers.remove(server)

    def rest(self, server: Server, timeout_s: float = 15.0) -> None:
        """Wait until the programs of closed terminals have ended."""
        deadline = time.monotonic() + timeout_s
        while server.programs() > 0:
            if time.monotonic() > deadline:
                self.say(f"  {server.name}: {server.programs()} programs did not end; restarted")
                server.restart()
                return
            time.sleep(0.02)
