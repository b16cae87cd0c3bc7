"""One fetch for all who wait for the same thing."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, Generic, TypeVar

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

T = TypeVar("T")


class Shared(Generic[T]):
    """Runs ``fetch`` at most once at a time and gives its end to everybody who asked meanwhile.

    One who no longer wants it goes, and the others still get it.
    """

    def __init__(self, fetch: Callable[[], Coroutine[Deferred[Any], Any, T]]) -> None:
        self._fetch = fetch
        self._waiting: list[Deferred[T]] = []
        self._is_running = False

    def get(self) -> Deferred[T]:
        """Wait for the end of the fetch that runs, or of a new one."""
        waiting: Deferred[T] = Deferred(self._forget)
        self._waiting.append(waiting)
        if not self._is_running:
            self._is_running = True
            Deferred.fromCoroutine(self._fetch()).addCallbacks(self._give, self._fail)
        return waiting

    def _forget(self, waiting: Deferred[T]) -> None:
        if waiting in self._waiting:
            self._waiting.remove(waiting)

    def _ended(self) -> list[Deferred[T]]:
        waiting, self._waiting = self._waiting, []
        self._is_running = False
        return waiting

    def _give(self, result: T) -> None:
        for each in self._ended():
            if not each.called:
                each.callback(result)

    def _fail(self, failure: Failure) -> None:
        for each in self._ended():
            if not each.called:
                each.errback(failure)
