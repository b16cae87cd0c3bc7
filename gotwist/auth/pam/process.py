"""The pool of PAM workers: a bounded queue, and processes that are started when they are needed.

Nothing here waits: a module that hangs holds one worker, for a limited time.  Who asks for
the same user again and again, or from the same address, holds a part of the workers only.
"""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from twisted.application.service import Service
from twisted.internet.defer import Deferred, DeferredList, fail
from twisted.internet.error import ProcessExitedAlready
from twisted.internet.interfaces import IDelayedCall, IReactorProcess, IReactorTime
from twisted.internet.protocol import ProcessProtocol
from twisted.logger import Logger
from twisted.python.failure import Failure

from gotwist.auth.pam import wire
from gotwist.auth.pam.checks import (
    LOCAL,
    Asked,
    Check,
    Outcome,
    check_message,
    parse_ask,
    parse_done,
)
from gotwist.errors import Unavailable

log = Logger()

BUSY = "Too many people are signing in at this moment; try again later."
BROKEN = "Your password cannot be checked at this moment; try again later."
LATE = "You took too long; please sign in again."
#: Modules leak; a worker that has done its share makes room for a fresh one.
MOST_CHECKS = 500


class IWorkersReactor(IReactorTime, IReactorProcess):
    """What the pool needs of a reactor."""


@dataclass(frozen=True)
class Limits:
    """How much the pool takes upon itself."""

    #: Processes, and of these how many may wait for a person's answer.
    workers: int = 16
    waiting: int = 8
    #: Checks that have not begun.
    queue: int = 256
    #: Workers that may be busy with one user, or for one address.
    per_user: int = 4
    per_address: int = 8
    #: How long a module may take, also in the queue; how long a person; how long nobody comes.
    patience_s: float = 20.0
    person_s: float = 120.0
    idle_s: float = 60.0


class Job:
    """One check, from the queue to its result."""

    def __init__(self, check: Check) -> None:
        self.check = check
        self.timer: IDelayedCall | None = None
        self.worker: Worker | None = None
        self.result: Deferred[Outcome] = Deferred()

    def finish(self, outcome: Outcome | Failure) -> None:
        """Tell who waits, unless nobody does any more."""
        result, self.result = self.result, Deferred()
        if not result.called:
            result.callback(outcome)

    def rest(self) -> None:
        """Stop the clock."""
        if self.timer is not None and self.timer.active():
            self.timer.cancel()
        self.timer = None


class JobTalk:
    """One question of a check that waits for a person."""

    def __init__(self, pool: PamWorkers, job: Job) -> None:
        self._pool = pool
        self._job: Job | None = job

    def answer(self, texts: Sequence[str]) -> Deferred[Outcome]:
        """Go on with these answers."""
        job, self._job = self._job, None
        return fail(Unavailable(LATE)) if job is None else self._pool.go_on(job, list(texts))

    def close(self) -> None:
        """Give the worker free."""
        job, self._job = self._job, None
        if job is not None:
            self._pool.give_up(job)


class Worker(ProcessProtocol):
    """One process."""

    def __init__(self, pool: PamWorkers) -> None:
        self.pool = pool
        self.splitter = wire.Splitter()
        self.job: Job | None = None
        self.checks = 0
        self.said = b""
        self.is_doomed = False
        self.idle: IDelayedCall | None = None
        self.ended: Deferred[None] = Deferred()

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
                self.pool.heard(self, message)
        except (wire.Odd, ValueError, KeyError, TypeError, AttributeError):
            log.error("a PAM worker speaks nonsense and is ended")
            self.kill()

    def errReceived(self, data: bytes) -> None:
        """Keep the end of what its interpreter says; modules say nothing here."""
        self.said = (self.said + data)[-300:]

    def processEnded(self, reason: Failure) -> None:
        """It is gone and collected."""
        self.pool.lost(self, reason)
        self.ended.callback(None)


class PamWorkers(Service):
    """Checks passwords in processes of its own; implements ``Checks``.

    :param directory: of PAM services, to be used instead of the system's
    """

    def __init__(
        self,
        reactor: IWorkersReactor,
        limits: Limits | None = None,
        *,
        directory: str | None = None,
    ) -> None:
        self._reactor = reactor
        self._limits = limits or Limits()
        self._directory = directory
        self._queue: list[Job] = []
        self._workers: list[Worker] = []
        self._talking: list[Job] = []
        self._crashes = 0

    def check(self, check: Check) -> Deferred[Outcome]:
        """Check one password; cancelling the result takes it out of the queue."""
        if not self.running or len(self._queue) >= self._limits.queue:
            return fail(Unavailable(BUSY))
        job = Job(check)
        result = job.result = Deferred(lambda _: self._withdraw(job))
        self._queue.append(job)
        job.timer = self._reactor.callLater(self._limits.patience_s, self._waited, job)
        self._pump()
        return result

    def stopService(self) -> Deferred[object]:
        """End all workers; what is under way cannot be judged any more."""
        super().stopService()
        for job in self._queue:
            job.rest()
            job.finish(Failure(Unavailable(BROKEN)))
        self._queue.clear()
        for worker in self._workers:
            worker.kill()
        return DeferredList([worker.ended for worker in self._workers])

    def go_on(self, job: Job, texts: list[str]) -> Deferred[Outcome]:
        """Take up a check that has waited for a person's answers."""
        if job.worker is None or job not in self._talking:
            return fail(Unavailable(LATE))
        self._talking.remove(job)
        job.rest()
        result = job.result = Deferred()
        self._limit(job)
        job.worker.send({"do": "answer", "texts": texts})
        return result

    def give_up(self, job: Job) -> None:
        """End a check that waits for a person: PAM hears that nobody answers."""
        if job.worker is not None and job in self._talking:
            self._talking.remove(job)
            job.rest()
            self._limit(job)
            job.worker.send({"do": "cancel"})

    def heard(self, worker: Worker, message: wire.Message) -> None:
        """Take what a worker says."""
        if "ready" in message:
            return
        if "failed" in message:
            worker.said = str(message["failed"]).encode()
            return
        job = worker.job
        if job is None:
            raise wire.Odd("nobody asked")
        if "ask" in message:
            self._ask(job, message)
            return
        outcome = parse_done(message)
        if self._crashes:
            log.info("PAM workers work again after {crashes} crashes", crashes=self._crashes)
            self._crashes = 0
        job.rest()
        self._free(worker)
        job.finish(outcome)
        self._pump()

    def lost(self, worker: Worker, reason: Failure) -> None:
        """Replace a worker that is gone, as soon as it is needed."""
        self._workers.remove(worker)
        self._stop_idling(worker)
        job, worker.job = worker.job, None
        if job is not None:
            self._forget(job)
            if self.running and not self._crashes:
                log.error(
                    "a PAM worker ended in the middle of a check: {reason} {said}",
                    reason=reason.getErrorMessage(),
                    said=worker.said.decode("utf-8", "replace"),
                )
            self._crashes += 1
            job.finish(Failure(Unavailable(BROKEN)))
        self._pump()

    def _ask(self, job: Job, message: wire.Message) -> None:
        prompts, messages = parse_ask(message)
        job.rest()
        if job.result.called:
            # Whoever was to be asked has gone.
            self._talking.append(job)
            self.give_up(job)
            return
        if len(self._talking) >= self._limits.waiting:
            # Who has had the longest time to answer makes room for others.
            self.give_up(self._talking[0])
        self._talking.append(job)
        job.timer = self._reactor.callLater(self._limits.person_s, self.give_up, job)
        job.finish(Asked(prompts, messages, JobTalk(self, job)))

    def _pump(self) -> None:
        """Begin what can be begun."""
        while self.running and (job := self._next()) is not None:
            worker = next((one for one in self._workers if one.idle is not None), None)
            if worker is None:
                if len(self._workers) >= self._limits.workers:
                    return
                worker = self._start()
            self._stop_idling(worker)
            self._queue.remove(job)
            job.rest()
            job.worker, worker.job = worker, job
            worker.checks += 1
            self._limit(job)
            worker.send(check_message(job.check))

    def _next(self) -> Job | None:
        """Choose the first in the queue whose user and address do not hold too much already."""
        busy = [worker.job.check for worker in self._workers if worker.job is not None]
        users = Counter(check.user for check in busy)
        addresses = Counter(check.rhost for check in busy if check.rhost != LOCAL)
        for job in self._queue:
            if (
                users[job.check.user] < self._limits.per_user
                and addresses[job.check.rhost] < self._limits.per_address
            ):
                return job
        return None

    def _start(self) -> Worker:
        program = os.path.join(os.path.dirname(os.path.abspath(wire.__file__)), "worker.py")
        words = [sys.executable, "-I", program, *filter(None, [self._directory])]
        worker = Worker(self)
        self._workers.append(worker)
        self._reactor.spawnProcess(
            worker, sys.executable, words, env={}, childFDs={0: "w", 1: "r", 2: "r"}
        )
        return worker

    def _free(self, worker: Worker) -> None:
        worker.job = None
        if worker.checks >= MOST_CHECKS:
            worker.retire()
        else:
            worker.idle = self._reactor.callLater(self._limits.idle_s, self._leave, worker)

    def _leave(self, worker: Worker) -> None:
        worker.idle = None
        worker.retire()

    def _stop_idling(self, worker: Worker) -> None:
        if worker.idle is not None and worker.idle.active():
            worker.idle.cancel()
        worker.idle = None

    def _limit(self, job: Job) -> None:
        job.timer = self._reactor.callLater(self._limits.patience_s, self._hung, job)

    def _hung(self, job: Job) -> None:
        """End a worker that makes no progress."""
        worker = job.worker
        log.warn(
            "PAM gives no answer, its worker is ended: service {service}", service=job.check.service
        )
        self._forget(job)
        job.finish(Failure(Unavailable(BROKEN)))
        if worker is not None:
            worker.job = None
            worker.kill()

    def _waited(self, job: Job) -> None:
        self._withdraw(job)
        job.finish(Failure(Unavailable(BUSY)))

    def _withdraw(self, job: Job) -> None:
        if job in self._queue:
            self._queue.remove(job)
            job.rest()

    def _forget(self, job: Job) -> None:
        job.rest()
        job.worker = None
        if job in self._talking:
            self._talking.remove(job)
