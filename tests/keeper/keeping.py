"""Real keepers for tests, and a small blocking peer that speaks their protocol."""

from __future__ import annotations

import array
import os
import select
import shutil
import signal
import socket
import tempfile
import time
from collections.abc import Callable
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from gotwist.applications.terminal.process import log_tail, start_keeper
from gotwist.keeper import wire
from gotwist.keeper.arena import ArenaReader

ENV = {"PATH": "/usr/bin:/bin", "TERM": "xterm-256color"}
RING = 262_144
LIMIT_S = 15.0


def wait_until(true: Callable[[], bool], limit_s: float = LIMIT_S) -> None:
    """Wait for something that other processes do."""
    deadline = time.monotonic() + limit_s
    while not true():
        if time.monotonic() > deadline:
            raise AssertionError("it did not happen in time")
        select.select([], [], [], 0.01)


def is_alive(pid: int) -> bool:
    """Tell whether a process runs (a zombie does not)."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            return file.read().rpartition(b")")[2].split()[0] not in (b"Z", b"X")
    except OSError:
        return False


class Peer:
    """One connection to a keeper."""

    def __init__(self, path: str, persist: bool = True, greet: bool = True) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(LIMIT_S)
        self.sock.connect(path)
        self.splitter = wire.Splitter(wire.MAX_ANSWER)
        self.inbox: list[dict[str, Any]] = []
        self.events: list[dict[str, Any]] = []
        self.descriptors: list[int] = []
        self.masters: dict[int, int] = {}
        self.slots: dict[int, int] = {}
        self.tag = 0
        if greet:
            self.hello = self.ask(do="hello", version=1, persist=persist)
            arena, notes, self.bell = self.taken(3)
            self.arena = ArenaReader(arena, notes)

    def taken(self, count: int) -> list[int]:
        """Take the descriptors that came first."""
        taken, self.descriptors = self.descriptors[:count], self.descriptors[count:]
        return taken

    def receive(self) -> bool:
        """Read once; tell whether the connection still stands."""
        data, ancillary, _, _ = self.sock.recvmsg(65_536, socket.CMSG_SPACE(64))
        for _, _, rights in ancillary:
            numbers = array.array("i")
            numbers.frombytes(rights)
            self.descriptors += numbers
        for _, payload in self.splitter.feed(data):
            message = wire.parse_json(payload)
            (self.inbox if "tag" in message else self.events).append(message)
        return bool(data)

    def ask(self, **request: object) -> dict[str, Any]:
        """Ask, and wait for the answer."""
        self.tag += 1
        self.sock.sendall(wire.render_json({"tag": self.tag, **request}))
        while not self.inbox:
            if not self.receive():
                raise ConnectionError("the keeper hung up")
        answer = self.inbox.pop(0)
        assert answer["tag"] == self.tag
        return answer

    def event(self, kind: str) -> dict[str, Any]:
        """Wait for an event."""
        while True:
            for event in self.events:
                if event["event"] == kind:
                    self.events.remove(event)
                    return event
            assert self.receive()

    def open(self, *argv: str, cwd: str = "/", rows: int = 24, columns: int = 80) -> int:
        """Start a program; give the terminal's number."""
        answer = self.ask(
            do="open", argv=argv, env=ENV, cwd=cwd, rows=rows, columns=columns, label="test"
        )
        assert answer["ok"], answer
        return self._keep(answer)

    def adopt(self, number: int) -> dict[str, Any]:
        """Take a terminal over."""
        answer = self.ask(do="adopt", terminal=number)
        self._keep(answer)
        return answer

    def _keep(self, answer: dict[str, object]) -> int:
        number, slot = (
            wire.integer(answer, "terminal", 0, 2**32),
            wire.integer(answer, "slot", 0, 9999),
        )
        ring, *masters = self.taken(wire.integer(answer, "fds", 1, 2))
        self.arena.add(slot, number, ring)
        self.slots[number] = slot
        for master in masters:
            self.masters[number] = master
        return number

    def need(self, number: int, offset: int | None) -> None:
        """Tell how far viewers are."""
        self.sock.sendall(wire.render_need(number, offset))

    def head(self, number: int) -> int:
        """Tell how much output there is."""
        return self.arena.head(self.slots[number])

    def read(self, number: int, start: int, end: int) -> bytes:
        """Copy output out of the ring."""
        return b"".join(self.arena.view(self.slots[number], start, end))

    def output(self, number: int) -> bytes:
        """Copy all output that can be read."""
        slot = self.slots[number]
        return self.read(number, self.arena.tail(slot), self.arena.head(slot))

    def close(self) -> None:
        """Leave without a word, as a killed daemon does."""
        self.sock.close()
        for number in (*self.masters.values(), *self.descriptors):
            os.close(number)
        self.masters.clear()
        self.descriptors.clear()
        if hasattr(self, "bell"):
            os.close(self.bell)
            del self.bell


class KeeperCase(SynchronousTestCase):
    """A test with a keeper of its own, which is gone afterwards."""

    options: tuple[str, ...] = ()

    def setUp(self) -> None:
        """Start a keeper with a small ring and short times."""
        self.directory = tempfile.mkdtemp(prefix="gotwist-keeper-")
        self.addCleanup(shutil.rmtree, self.directory, True)
        self.path = os.path.join(self.directory, "keeper.sock")
        self.log = os.path.join(self.directory, "keeper.log")
        self.start("--ring", str(RING), "--slots", "16", "--grace", "0.3", "--kill-after", "0.5",
                   *self.options)  # fmt: skip
        self.peer = self.join()
        self.keeper = wire.integer(self.peer.hello, "pid", 1, 2**31)
        self.addCleanup(self._end)

    def start(self, *options: str) -> int:
        """Start a keeper; give the exit status of the process that reports."""
        _, status = os.waitpid(start_keeper(self.path, self.log, options), 0)
        return os.waitstatus_to_exitcode(status)

    def join(self, persist: bool = True) -> Peer:
        """Connect once more."""
        peer = Peer(self.path, persist)
        self.addCleanup(peer.close)
        return peer

    def _end(self) -> None:
        if is_alive(self.keeper):
            os.kill(self.keeper, signal.SIGKILL)
            wait_until(lambda: not is_alive(self.keeper))
        self.assertEqual(log_tail(self.log), "", "the keeper complained")
