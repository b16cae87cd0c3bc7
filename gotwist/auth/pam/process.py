"""A PAM worker as a process: how it is started, what it says, and how it ends."""

from __future__ import annotations

import os
import sys
from typing import Protocol

from twisted.internet.defer import Deferred
from twisted.internet.error import ProcessExitedAlready
from twisted.internet.interfaces import IDelayedCall, IReactorProcess
from twisted.internet.protocol import ProcessProtocol
from twisted.logger import Logger
from twisted.python.failure import Failure

from gotwist.auth.pam import wire
from gotwist.auth.pam.jobs import Job

log = Logger()


class Pool(Protocol):
    """Whom a worker works for."""

    def heard(self, worker: Worker, message: wire.Message) -> None:
        """Take what a worker says; raises ``Odd`` when nobody would say that now."""

    def lost(self, worker: Worker, reason: Failure) -> None:
        """A worker has ended."""


class Worker(ProcessProtocol):
    """One process."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self.splitter = wire.Splitter()
        self.job: Job | None = None
        self.checks = 0
        self.said = b""
        self.is_ready = False
        self.is_doomed = False
        self.idle: IDelayedCall | None = None
        self.ended: Deferred[None] = Deferred()

    @property
    def is_free(self) -> bool:
        """Tell whether it can be given a check."""
        return self.idle is not None and not self.is_doomed

    def send(self, message: wire.Message) -> None:
        """Send a message."""
        assert self.transport is not None
        self.transport.write(wire.render(message))

    def kill(self) -> None:
        """End it at once, whatever it is doing."""
        assert self.transport is not None
        self.is_doomed = True
        try:
            self.transport.signalProcess("KILL")
        except ProcessExitedAlready:
            pass

    def retire(self) -> None:
        """Let it end by itself, having nothing to do."""
        assert self.transport is not None
        self.transport.closeStdin()

    def outReceived(self, data: bytes) -> None:
        """Hear what it says; nonsense is its end."""
        if self.is_doomed:
            return
        try:
            for message in self.splitter.feed(data):
                self._pool.heard(self, message)
        except (wire.Odd, ValueError, KeyError, TypeError, AttributeError):
            log.error("a PAM worker speaks nonsense and is ended")
            self.kill()

    def errReceived(self, data: bytes) -> None:
        """Keep the end of what its interpreter says; modules say nothing here."""
        self.said = (self.said + data)[-300:]

    def processEnded(self, reason: Failure) -> None:
        """It is gone and collected."""
        self._pool.lost(self, reason)
        self.ended.callback(None)


def start_worker(reactor: IReactorProcess, pool: Pool, directory: str | None) -> Worker:
    """Start a worker, with nothing of this process but two pipes.

    :param directory: of PAM services, to be used instead of the system's
    """
    program = os.path.join(os.path.dirname(os.path.abspath(wire.__file__)), "worker.py")
    words = [sys.executable, "-I", program, *filter(None, [directory])]
    worker = Worker(pool)
    reactor.spawnProcess(worker, sys.executable, words, env={}, childFDs={0: "w", 1: "r", 2: "r"})
    return worker
