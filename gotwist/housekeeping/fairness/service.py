"""The service of threads for work that takes a processor, given out in turn to those who ask."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorFromThreads
from twisted.python.failure import Failure

from gotwist.errors import Unavailable
from gotwist.housekeeping.service import PrivateThreads

T = TypeVar("T")


@dataclass(frozen=True, eq=False)
class _Job(Generic[T]):
    function: Callable[[], T]
    result: Deferred[T]


class FairThreads(PrivateThreads):
    """A few threads, and a queue for each of those who ask.

    :param most: threads at work at the same time.
    :param most_waiting: jobs that may wait; whoever has most of them loses his last one first.
    """

    def __init__(
        self, reactor: IReactorFromThreads, name: str, *, most: int = 2, most_waiting: int = 128
    ) -> None:
        super().__init__(reactor, name, most=most)
        self._most = most
        self._most_waiting = most_waiting
        self._busy = 0
        self._queues: OrderedDict[str, deque[_Job[object]]] = OrderedDict()

    @property
    def waiting(self) -> int:
        """How many jobs wait."""
        return sum(len(queue) for queue in self._queues.values())

    def run_for(self, who: str, function: Callable[[], T], /) -> Deferred[T]:
        """Call ``function`` in a thread when it is the turn of ``who``.

        Cancelled while it waits, it is never called; later, only its result is dropped.
        The Deferred fails with Unavailable when too much is waiting.
        """
        result: Deferred[T] = Deferred(lambda _: self._remove(who, job))
        job: _Job[T] = _Job(function, result)
        if self._busy < self._most:
            self._begin(job)
            return result
        if self.waiting >= self._most_waiting:
            self._make_room(who, job)
        if not result.called:
            self._queues.setdefault(who, deque()).append(job)  # type: ignore[arg-type]  # any T
        return result

    def _make_room(self, who: str, job: _Job[T]) -> None:
        longest = max(self._queues, key=lambda name: len(self._queues[name]))
        own = len(self._queues.get(who, ()))
        last: _Job[T] | _Job[object] = job
        if own < len(self._queues[longest]):
            last = self._queues[longest][-1]
            self._remove(longest, last)
        last.result.errback(Unavailable("Too many are asking just now. Please try again."))

    def _remove(self, who: str, job: _Job[T] | _Job[object]) -> None:
        queue = self._queues.get(who)
        if queue is not None and job in queue:
            queue.remove(job)  # type: ignore[arg-type]  # compared by identity
            if not queue:
                del self._queues[who]

    def _begin(self, job: _Job[T]) -> None:
        self._busy += 1

        def done(outcome: T | Failure) -> None:
            self._busy -= 1
            self._next()
            if job.result.called:
                # Cancelled meanwhile.
                return
            if isinstance(outcome, Failure):
                job.result.errback(outcome)
            else:
                job.result.callback(outcome)

        self.run(job.function).addBoth(done)

    def _next(self) -> None:
        while self._queues and self._busy < self._most:
            who, queue = self._queues.popitem(last=False)
            job = queue.popleft()
            if queue:
                self._queues[who] = queue
            self._begin(job)
