"""The pool of PAM workers: a bounded queue, and processes that are started when they are needed.

Nothing here waits: a module that hangs holds one worker, for a limited time.  Who asks for
the same user again and again, or from the same address, holds a part of the workers only.
"""

from __future__ import annotations

from collections.abc import Sequence

from twisted.application.service import Service
from twisted.internet.defer import Deferred, DeferredList, fail
from twisted.internet.interfaces import IReactorProcess, IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from gotwist.auth.pam import wire
from gotwist.auth.pam.checks import (
    Asked,
    Check,
    Outcome,
    check_message,
    parse_ask,
    parse_done,
)
from gotwist.auth.pam.jobs import Job, Limits, Load, has_room, next_job
from gotwist.auth.pam.process import Worker, start_worker
from gotwist.errors import Unavailable

log = Logger()

BUSY = "Too many people are signing in at this moment; try again later."
BROKEN = "Your password cannot be checked at this moment; try again later."
LATE = "You took too long; please sign in again."
#: Modules leak; a worker that has done its share makes room for a fresh one.
MOST_CHECKS = 500


#: Workers that start at a time.
MOST_STARTING = 2


class IWorkersReactor(IReactorTime, IReactorProcess):
    """What the pool needs of a reactor."""


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
        self._refused = 0
        self._lost = 0

    @property
    def load(self) -> Load:
        """How much there is to do at this moment."""
        return Load(
            workers=len(self._workers),
            busy=sum(worker.job is not None for worker in self._workers),
            waiting=len(self._talking),
            queued=len(self._queue),
            refused=self._refused,
            lost=self._lost,
        )

    @property
    def waiting(self) -> int:
        """How many checks wait for a worker."""
        return len(self._queue)

    @property
    def busy(self) -> int:
        """How many workers have a check, those included that wait for a person's answer."""
        return sum(worker.job is not None for worker in self._workers)

    def check(self, check: Check) -> Deferred[Outcome]:
        """Check one password; cancelling the result takes it out of the queue."""
        if not self.running or not has_room(self._queue, check, self._limits):
            self._refused += 1
            return fail(Unavailable(BUSY))
        job = Job(check)
        result: Deferred[Outcome] = Deferred(lambda _: self._withdraw(job))
        job.result = result
        self._queue.append(job)
        job.limit(self._reactor, self._limits.patience_s, self._waited)
        self._pump()
        return result

    def stopService(self) -> object:
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
        if job not in self._talking:
            return fail(Unavailable(LATE))
        result: Deferred[Outcome] = Deferred()
        job.result = result
        self._tell(job, {"do": "answer", "texts": texts})
        return result

    def give_up(self, job: Job) -> None:
        """End a check that waits for a person: PAM hears that nobody answers."""
        if job in self._talking:
            self._tell(job, {"do": "cancel"})

    def heard(self, worker: Worker, message: wire.Message) -> None:
        """Take what a worker says."""
        if "ready" in message:
            worker.is_ready = True
            self._pump()
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
            self._lost += 1
            job.finish(Failure(Unavailable(BROKEN)))
        self._pump()

    def _tell(self, job: Job, message: wire.Message) -> None:
        """Send what a check has been waiting for."""
        self._talking.remove(job)
        job.limit(self._reactor, self._limits.patience_s, self._hung)
        for worker in self._workers:
            if worker.job is job:
                worker.send(message)

    def _ask(self, job: Job, message: wire.Message) -> None:
        prompts, messages = parse_ask(message)
        if not job.is_awaited:
            # Whoever was to be asked has gone.
            self._talking.append(job)
            self.give_up(job)
            return
        if len(self._talking) >= self._limits.waiting:
            # Who has had the longest time to answer makes room for others.
            self.give_up(self._talking[0])
        self._talking.append(job)
        job.limit(self._reactor, self._limits.person_s, self.give_up)
        job.finish(Asked(prompts, messages, JobTalk(self, job)))

    def _pump(self) -> None:
        """Begin what can be begun."""
        while self.running and (job := self._next()) is not None:
            worker = next((one for one in self._workers if one.is_free), None)
            if worker is None:
                if not self._may_start():
                    return
                worker = self._start(job)
                if worker is None:
                    continue
            self._stop_idling(worker)
            self._withdraw(job)
            worker.job = job
            worker.checks += 1
            job.limit(self._reactor, self._limits.patience_s, self._hung)
            worker.send(check_message(job.check))

    def _may_start(self) -> bool:
        """Tell whether there may be one more: a few at a time, as starting costs more than checks.

        Only where modules really wait will there be all of them.
        """
        starting = sum(not worker.is_ready for worker in self._workers)
        return starting < MOST_STARTING and len(self._workers) < self._limits.workers

    def _start(self, job: Job) -> Worker | None:
        """Start a worker for a check, or end the check."""
        try:
            worker = start_worker(self._reactor, self, self._directory)
        except OSError as problem:
            log.error("a PAM worker cannot be started: {problem}", problem=str(problem))
            self._withdraw(job)
            job.finish(Failure(Unavailable(BROKEN)))
            return None
        self._workers.append(worker)
        return worker

    def _next(self) -> Job | None:
        busy = (worker.job.check for worker in self._workers if worker.job is not None)
        return next_job(self._queue, busy, self._limits)

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

    def _hung(self, job: Job) -> None:
        """End a worker that makes no progress."""
        log.warn(
            "PAM gives no answer, its worker is ended: service {service}", service=job.check.service
        )
        self._lost += 1
        self._forget(job)
        job.finish(Failure(Unavailable(BROKEN)))
        for worker in self._workers:
            if worker.job is job:
                worker.job = None
                worker.kill()

    def _waited(self, job: Job) -> None:
        self._refused += 1
        self._withdraw(job)
        job.finish(Failure(Unavailable(BUSY)))

    def _withdraw(self, job: Job) -> None:
        if job in self._queue:
            self._queue.remove(job)
            job.rest()

    def _forget(self, job: Job) -> None:
        job.rest()
        if job in self._talking:
            self._talking.remove(job)
