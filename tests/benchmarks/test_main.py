"""Tests of benchmarks.__main__: the command line."""

import contextlib
import io
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from benchmarks.__main__ import SCENES, SERVERS, parse_arguments
from benchmarks.bench import Bench
from benchmarks.peers.server import Server


class ArgumentTests(SynchronousTestCase):
    """What can be asked for."""

    def test_everything_is_the_default(self) -> None:
        """Without arguments all servers take part in all benchmarks."""
        options = parse_arguments([])
        self.assertEqual(options.names, [])
        self.assertEqual(options.peers, list(SERVERS))

    def test_takes_names(self) -> None:
        """Benchmarks and servers can be chosen by name."""
        options = parse_arguments(["echo", "--peers", "gotwist,ttyd", "--rounds", "3"])
        self.assertEqual(options.names, ["echo"])
        self.assertEqual(options.peers, ["gotwist", "ttyd"])
        self.assertEqual(options.rounds, 3)

    def test_refuses_other_names(self) -> None:
        """A name nobody knows is answered with those that exist."""
        for arguments, known in ((["ecko"], SCENES), (["--peers", "tty"], SERVERS)):
            said = io.StringIO()
            with contextlib.redirect_stderr(said):
                self.assertRaises(SystemExit, parse_arguments, arguments)
            for name in known:
                self.assertIn(name, said.getvalue())


class TurnTests(SynchronousTestCase):
    """Who is measured when."""

    def servers(self) -> list[Server]:
        """Servers that were never started, in a place that is cleaned up."""
        place = Path(self.mktemp())
        return [SERVERS[name](place / name, place) for name in ("gotwist", "ttyd", "wetty")]

    def test_alternates_and_spares_those_aside(self) -> None:
        """The order turns round by round; a peer no goal looks at takes part less often."""
        servers = self.servers()
        bench = Bench(servers, servers[0].directory)
        turns = [(turn, server.name) for turn, server in bench.turns(servers, 3, aside=1)]
        self.assertEqual(
            turns,
            [
                (0, "gotwist"),
                (0, "ttyd"),
                (0, "wetty"),
                (1, "ttyd"),
                (1, "gotwist"),
                (2, "gotwist"),
                (2, "ttyd"),
            ],
        )

    def test_rounds_can_be_asked_for(self) -> None:
        """``--rounds`` wins over what a benchmark and ``--quick`` would take."""
        servers = self.servers()[:1]
        for rounds, quick, expected in ((0, False, 5), (0, True, 2), (9, True, 9)):
            bench = Bench(servers, servers[0].directory, rounds, quick)
            self.assertEqual(len(list(bench.turns(servers, full=5, quick=2))), expected)
