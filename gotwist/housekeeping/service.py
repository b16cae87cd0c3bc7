"""The service that runs chores, and the private threads in which blocking ones wait."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from inspect import isawaitable
from typing import Protocol, TypeVar

from twisted.application.service import Service
from twisted.internet.defer import Deferred, ensureDeferred
from twisted.internet.interfaces import IReactorFromThreads, IReactorTime
from twisted.internet.task import LoopingCall
from twisted.internet.threads import deferToThreadPool
from twisted.logger import Logger
from twisted.python.threadpool import ThreadPool

from gotwist.housekeeping.chores import Chore, Record

T = TypeVar("T")


class InThread(Protocol):
    """Calls a blocking function somewhere else than on the reactor's thread."""

    def __call__(self, function: Callable[[], T], /) -> Deferred[T]: ...


class PrivateThreads(Service):
    """A few threads of our own: a slow disk delays nobody who uses the reactor's pool."""

    def __init__(self, reactor: IReactorFromThreads, name: str, *, most: int = 2) -> None:
        self._reactor = reactor
        self._pool = ThreadPool(0, most, name)

    def startService(self) -> None:
        super().startService()
        self._pool.start()

    def stopService(self) -> None:
        super().stopService()
        self._pool.stop()

    def run(self, function: Callable[[], T], /) -> Deferred[T]:
        """Call ``function`` in one of the threads."""
        result: Deferred[T] = deferToThreadPool(self._reactor, self._pool, function)
        return result


class ChoresService(Service):
    """Runs each chore at its interval, first after one, whatever happens in a round.

    A failing round is logged with its traceback, the following ones of the same row are
    only counted, and the first good one is told.
    """

    log = Logger()

    def __init__(self, clock: IReactorTime, chores: Iterable[Chore], in_thread: InThread) -> None:
        self._clock = clock
        self._in_thread = in_thread
        self.chores = tuple(chores)
        self._loops: dict[str, LoopingCall] = {}
        self._records: dict[str, Record] = {chore.name: Record() for chore in self.chores}
        if len(self._records) != len(self.chores):
            raise ValueError("two chores of the same name")

    @property
    def records(self) -> Mapping[str, Record]:
        """How the rounds went, by name of the chore."""
        return dict(self._records)

    def startService(self) -> None:
        super().startService()
        for chore in self.chores:
            loop = LoopingCall(self._round, chore)
            loop.clock = self._clock
            self._loops[chore.name] = loop
            # _round never fails, so neither does this Deferred.
            loop.start(chore.current_interval_s(), now=False)

    def stopService(self) -> None:
        super().stopService()
        loops, self._loops = self._loops, {}
        for loop in loops.values():
            if loop.running:
                loop.stop()

    def refresh(self) -> None:
        """Apply changed intervals now instead of after the pause that has begun."""
        for chore in self.chores:
            loop = self._loops.get(chore.name)
            interval_s = chore.current_interval_s()
            if loop is not None and loop.interval != interval_s:
                loop.interval = interval_s
                # Without a pending call a round is under way, and asks for itself.
                if loop.running and loop.call is not None:
                    loop.reset()

    def _round(self, chore: Chore) -> Deferred[None]:
        return ensureDeferred(self._guarded(chore))

    async def _guarded(self, chore: Chore) -> None:
        began = self._clock.seconds()
        before = self._records[chore.name]
        failed = False
        try:
            if chore.blocking:
                await self._in_thread(chore.run)
            else:
                outcome = chore.run()
                if isawaitable(outcome):
                    await outcome
        except Exception:
            failed = True
            if not before.failures_in_a_row:
                self.log.failure("chore {chore} failed and will be tried again", chore=chore.name)
        duration_s = self._clock.seconds() - began
        self._records[chore.name] = before.after(duration_s, failed=failed)
        if before.failures_in_a_row and not failed:
            self.log.info(
                "chore {chore} works again after {failures} failures",
                chore=chore.name,
                failures=before.failures_in_a_row,
            )
        self._follow_interval(chore)

    def _follow_interval(self, chore: Chore) -> None:
        loop = self._loops.get(chore.name)
        if loop is None:
            return
        try:
            loop.interval = chore.current_interval_s()
        except Exception:
            self.log.failure("the interval of chore {chore} is unknown", chore=chore.name)
