"""Tests of the writer of lines: never waited for, and what it loses is told."""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Sequence

from twisted.trial.unittest import SynchronousTestCase

from gotwist.events.writer import LineWriter

PATIENCE_S = 20


class MemorySink:
    """Keeps lines; may be told to fail or to stand still."""

    def __init__(self) -> None:
        self.lines: list[bytes] = []
        self.problem: Exception | None = None
        self.gate = threading.Event()
        self.gate.set()
        self.reached = threading.Event()
        self.is_closed = False

    def write(self, lines: Sequence[bytes]) -> None:
        self.reached.set()
        assert self.gate.wait(PATIENCE_S)
        if self.problem is not None:
            raise self.problem
        self.lines += lines

    def close(self) -> None:
        self.is_closed = True


def no_space() -> OSError:
    return OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


class WriterTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.sink, self.other = MemorySink(), MemorySink()
        self.troubles: list[str | None] = []

    def writer(self, max_waiting: int = 1000) -> LineWriter:
        return LineWriter(
            (self.sink, self.other),
            lambda lines, reason: b"lost %d: %s" % (lines, reason.encode()),
            self.troubles.append,
            max_waiting,
        )

    def finish(self, writer: LineWriter) -> None:
        done = threading.Event()
        writer.stop(done.set)
        self.assertTrue(done.wait(PATIENCE_S))

    def test_order(self) -> None:
        """Lines come in order to every place, those from before the start too, to the last."""
        writer = self.writer()
        lines = [b"%d" % number for number in range(2500)]
        for line in lines[:10]:
            writer.put(line)
        writer.start()
        for line in lines[10:]:
            while not writer.put(line):
                self.sink.reached.wait(0.01)
        self.finish(writer)
        told = [line for line in self.sink.lines if not line.startswith(b"lost")]
        self.assertEqual(lines, told)
        self.assertTrue(self.sink.is_closed and self.other.is_closed)

    def test_full(self) -> None:
        """What one place cannot keep is lost there, told once, and the rest goes on."""
        writer = self.writer()
        self.sink.problem = no_space()
        writer.put(b"one")
        writer.put(b"two")
        writer.start()
        self.assertTrue(self.sink.reached.wait(PATIENCE_S))
        while not self.troubles:
            self.sink.reached.wait(0.01)
        self.sink.problem = None
        writer.put(b"three")
        self.finish(writer)
        self.assertEqual([b"lost 2: No space left on device", b"three"], self.sink.lines)
        self.assertEqual([b"one", b"two", b"three"], self.other.lines)
        self.assertEqual(["No space left on device", None], self.troubles)
        self.assertEqual(2, writer.lost)

    def test_never_waits(self) -> None:
        """A disk that hangs costs lines above a bound, and not a moment of who records."""
        writer = self.writer(max_waiting=10)
        self.sink.gate.clear()
        writer.put(b"first")
        writer.start()
        self.assertTrue(self.sink.reached.wait(PATIENCE_S))
        taken = [writer.put(b"%d" % number) for number in range(30)]
        self.assertEqual([True] * 10 + [False] * 20, taken)
        self.assertEqual(10, writer.waiting)
        self.sink.gate.set()
        self.finish(writer)
        self.assertEqual(b"lost 20: too many lines at once", self.sink.lines[1])
        self.assertEqual(12, len(self.sink.lines))

    def test_any_failure(self) -> None:
        """Whatever a place raises, the other one has its lines."""
        writer = self.writer()
        self.sink.problem = RuntimeError("x")
        writer.put(b"one")
        writer.start()
        self.finish(writer)
        self.assertEqual([b"one"], self.other.lines)
        self.assertEqual(["RuntimeError"], self.troubles)
