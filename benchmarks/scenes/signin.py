"""A key beside thirty wrong passwords on slow PAM: as quick as alone, and the right one enters.

PAM is a service that runs a script, which sleeps over a wrong password. Thirty are under way all
the time, for thirty names; every one of them holds a process as long as there are any left.
"""

import contextlib
import os
import signal
import socket
import time
from collections.abc import Iterator

from benchmarks.bench import TROUBLE, Bench
from benchmarks.line import TooSlow, close, pump_until
from benchmarks.measure import Measure, percentile
from benchmarks.peers.gotwist import PAM_RIGHT, PAM_SERVICE, PAM_SLEEP_S, Gotwist
from benchmarks.scenes.echo import echo_times

WRONG = 30

ALONE = Measure("signin.alone", "echo p99, nobody signs in", "ms", 3)
BESIDE = Measure("signin.beside", "echo p99, 30 wrong passwords", "ms", 3)
RATIO = Measure("signin.ratio", "the second to the first", "", 2)
RIGHT = Measure("signin.right", "a right password behind them", "ms", 0)


def signin(bench: Bench) -> None:
    """Alone and beside in turns; p99 is that of all rounds together."""
    for server in bench.servers:
        if not isinstance(server, Gotwist):
            continue
        alone: list[float] = []
        beside: list[float] = []
        keys = bench.pick(250, 100)
        try:
            for turn in range(bench.rounds or bench.pick(7, 3)):
                alone += _echo(server, keys)
                with wrong_passwords(server):
                    beside += _echo(server, keys)
                    bench.add(RIGHT, server, turn, _enter(server))
        except TROUBLE as error:
            bench.trouble(server, "signin", error)
            continue
        bench.add(ALONE, server, 0, percentile(alone, 99))
        bench.add(BESIDE, server, 0, percentile(beside, 99))
        bench.add(RATIO, server, 0, percentile(beside, 99) / percentile(alone, 99))


def _echo(server: Gotwist, keys: int) -> list[float]:
    lines = server.open()
    try:
        lines[0].type(b"echo\r")
        pump_until(lines, lambda line: line.output > 20 and line.at_marker, 10)
        return echo_times(lines[0], keys)
    finally:
        close(lines)


def _enter(server: Gotwist) -> float:
    """Milliseconds until the right password is believed."""
    begun = time.perf_counter()
    with _ask(server, "alice", PAM_RIGHT) as connection:
        connection.settimeout(30)
        answer = connection.recv(100)
    if answer != b"ok\n":
        raise TooSlow(f"the right password was answered with {answer!r}")
    return (time.perf_counter() - begun) * 1000


@contextlib.contextmanager
def wrong_passwords(server: Gotwist) -> Iterator[None]:
    """Keep wrong passwords under way, from a process of its own."""
    child = os.fork()
    if child == 0:
        try:
            _guess_for_ever(server)
        finally:
            os._exit(0)
    try:
        # They are all under way before anything is measured.
        time.sleep(2 * PAM_SLEEP_S)
        yield
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        # What PAM still sleeps over belongs to nobody else's measurement.
        time.sleep(2 * PAM_SLEEP_S)


def _guess_for_ever(server: Gotwist) -> None:
    """At most a minute, in case nobody ends this process."""
    deadline = time.monotonic() + 60
    connections = []
    for number in range(WRONG):
        connections.append(_ask(server, f"user{number}", "wrong"))
        # Strangers do not come in step.
        time.sleep(PAM_SLEEP_S / WRONG)
    while time.monotonic() < deadline:
        for number, connection in enumerate(connections):
            connection.settimeout(30)
            if not connection.recv(100):
                connection.close()
                connections[number] = _ask(server, f"user{number}", "wrong")
            else:
                connection.sendall(_line(f"user{number}", "wrong"))


def _ask(server: Gotwist, user: str, password: str) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(str(server.authservice))
    connection.sendall(_line(user, password))
    return connection


def _line(user: str, password: str) -> bytes:
    return f"{user}\r{password}\r{PAM_SERVICE}\n".encode()
