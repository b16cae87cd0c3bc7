"""Tests of the audit stream's service."""

from __future__ import annotations

import json
import queue
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer

from gotwist.events.logfile import LogFile
from gotwist.events.service import PATIENCE_S, AuditService, IAuditReactor

WALL = 1_795_516_896.73


@implementer(IAuditReactor)
class ThreadedClock(Clock):
    """A clock that hears of threads when it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.heard: queue.Queue[Callable[[], object]] = queue.Queue()

    def callFromThread(self, callable: Callable[..., Any], *args: object, **kwargs: object) -> None:
        self.heard.put(lambda: callable(*args, **kwargs))

    def hear(self) -> None:
        self.heard.get(timeout=20)()


class Hanging:
    """A disk that takes nothing until it is let go."""

    def __init__(self) -> None:
        self.go: queue.Queue[None] = queue.Queue()

    def write(self, lines: Sequence[bytes]) -> None:
        self.go.get(timeout=60)

    def close(self) -> None:
        """Nothing is open."""


class ServiceTests(SynchronousTestCase):
    def setUp(self) -> None:
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.path = Path(directory.name) / "audit.log"
        self.clock = ThreadedClock()

    def test_to_the_end(self) -> None:
        """What was recorded before the start and until the end is in the file."""
        service = AuditService(self.clock, lambda: WALL, [LogFile(str(self.path))])
        service.record("daemon_started", version="1", pid=1, uid=0)
        service.startService()
        service.record("daemon_stopped", pid=1)
        ended = service.stopService()
        assert ended is not None
        self.assertNoResult(ended)
        self.clock.hear()
        self.successResultOf(ended)
        self.assertEqual([], self.clock.getDelayedCalls())
        told = [json.loads(line)["event"] for line in self.path.read_text().splitlines()]
        self.assertEqual(["daemon_started", "daemon_stopped"], told)

    def test_hanging_disk(self) -> None:
        """A disk that takes nothing keeps the daemon only for a moment from ending."""
        disk = Hanging()
        service = AuditService(self.clock, lambda: WALL, [disk])
        service.startService()
        service.record("daemon_stopped", pid=1)
        ended = service.stopService()
        assert ended is not None
        self.clock.advance(PATIENCE_S - 0.1)
        self.assertNoResult(ended)
        self.clock.advance(0.1)
        self.successResultOf(ended)
        disk.go.put(None)
        self.clock.hear()

    def test_trouble(self) -> None:
        """That lines are lost is told where the operator looks, once, and that it is over."""
        self.path.mkdir()
        service = AuditService(self.clock, lambda: WALL, [LogFile(str(self.path))])
        service.startService()
        service.record("daemon_stopped", pid=1)
        self.clock.hear()
        service.record("daemon_stopped", pid=2)
        assert service.writer is not None
        while service.writer.lost < 2:
            pass
        self.path.rmdir()
        service.record("daemon_stopped", pid=3)
        self.clock.hear()
        ended = service.stopService()
        assert ended is not None
        self.clock.hear()
        self.successResultOf(ended)
        lost, kept = map(json.loads, self.path.read_text().splitlines())
        self.assertEqual(("audit_lost", 2, None), (lost["event"], lost["lines"], lost["seq"]))
        self.assertEqual(3, kept["pid"])

    def test_nowhere(self) -> None:
        """Without a place events are counted all the same."""
        service = AuditService(self.clock, lambda: WALL, [])
        service.startService()
        service.record("signed_in", method="token")
        self.assertIsNone(service.stopService())
        self.assertEqual(1, service.trail.counts["signed_in", "token"])

    def test_mistake(self) -> None:
        """An event that does not exist is our mistake: logged, and nothing more."""
        service = AuditService(self.clock, lambda: WALL, [])
        service.record("nothing")
        self.assertEqual(1, len(self.flushLoggedErrors(ValueError)))
        self.assertEqual(0, len(service.trail.counts))
