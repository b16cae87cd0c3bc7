"""Sends a part of an open file to a request: read in a thread, never more than the client takes."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Final, TypeVar

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IPushProducer, IReactorFromThreads
from twisted.internet.threads import deferToThreadPool
from twisted.python.failure import Failure
from twisted.python.threadpool import ThreadPool
from zope.interface import implementer

from gotwist.web.request import Request

CHUNK_BYTES: Final = 65_536
T = TypeVar("T")


class DiskThreads:
    """A private pool for what may block on a disk."""

    def __init__(self, reactor: IReactorFromThreads, threads: int = 4) -> None:
        self._reactor = reactor
        self._pool = ThreadPool(0, threads, name="gotwist-disk")

    def start(self) -> None:
        """Make the pool ready."""
        self._pool.start()

    def stop(self) -> None:
        """End its threads."""
        self._pool.stop()

    def run(
        self, function: Callable[[], T], discard: Callable[[T], object] | None = None
    ) -> Deferred[T]:
        """Call a blocking function in a thread.

        :param discard: gets the result when nobody waits for it any more (cancelled), so that
            what was opened can be closed.
        """
        waiting: Deferred[T] = Deferred()

        def done(result: T) -> None:
            if not waiting.called:
                waiting.callback(result)
            elif discard is not None:
                discard(result)

        def failed(failure: Failure) -> None:
            if not waiting.called:
                waiting.errback(failure)

        deferToThreadPool(self._reactor, self._pool, function).addCallbacks(done, failed)
        return waiting


@implementer(IPushProducer)
class FileSender:
    """Writes ``size`` bytes from ``start`` of a descriptor to a request, at its pace.

    Owns the descriptor: it is closed at the end, however that comes.
    """

    def __init__(
        self, request: Request, descriptor: int, start: int, size: int, threads: DiskThreads
    ) -> None:
        self._request = request
        self._descriptor = descriptor
        self._offset = start
        self._left = size
        self._threads = threads
        self._is_paused = False
        self._is_reading = False
        self._is_over = False
        self._done: Deferred[bool] = Deferred(lambda _: self._finish(complete=False))

    def send(self) -> Deferred[bool]:
        """Begin; fires with True when all is written, with False when it ended too early."""
        self._request.registerProducer(self, True)
        self._read()
        return self._done

    def pauseProducing(self) -> None:
        self._is_paused = True

    def resumeProducing(self) -> None:
        self._is_paused = False
        self._read()

    def stopProducing(self) -> None:
        self._finish(complete=False)

    def _read(self) -> None:
        if self._is_paused or self._is_reading or self._is_over:
            return
        if not self._left:
            self._finish(complete=True)
            return
        self._is_reading = True
        descriptor, size, offset = self._descriptor, min(CHUNK_BYTES, self._left), self._offset
        reading = self._threads.run(lambda: os.pread(descriptor, size, offset))
        reading.addCallbacks(self._got, self._failed)

    def _got(self, data: bytes) -> None:
        self._is_reading = False
        if self._is_over:
            os.close(self._descriptor)
            return
        if not data:  # the file has become shorter: the promised length cannot be kept
            self._finish(complete=False)
            return
        self._offset += len(data)
        self._left -= len(data)
        self._request.write(data)
        self._read()

    def _failed(self, failure: Failure) -> None:
        self._got(b"")

    def _finish(self, *, complete: bool) -> None:
        if self._is_over:
            return
        self._is_over = True
        # A thread may be reading from the descriptor just now; then it is closed afterwards,
        # else its number could be another file's by then.
        if not self._is_reading:
            os.close(self._descriptor)
        if self._request.channel is not None:
            self._request.unregisterProducer()
        self._done.callback(complete)
