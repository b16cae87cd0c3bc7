"""What the pure gateway needs of the reactor: its clock, its coroutines, its log."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Coroutine

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

_log = Logger(namespace="gotwist.gateway")


class ReactorClock:
    """The reactor's time as :class:`~gotwist.gateway.house.Clock`."""

    def __init__(self, reactor: IReactorTime, wall_now: Callable[[], float] = time.time) -> None:
        self._reactor = reactor
        self.wall_now = wall_now

    def now(self) -> float:
        """Monotonic seconds, as the reactor counts them."""
        return self._reactor.seconds()

    def call_later(self, delay_s: float, function: Callable[[], object]) -> ReactorTimer:
        """Call ``function`` once, in ``delay_s`` seconds."""
        return ReactorTimer(self._reactor.callLater(delay_s, function))


class ReactorTimer:
    """A delayed call that may be cancelled at any time."""

    __slots__ = ("_call",)

    def __init__(self, call: IDelayedCall) -> None:
        self._call = call

    def cancel(self) -> None:
        """Keep it from happening; harmless when it has happened."""
        if self._call.active():
            self._call.cancel()


class Work:
    """A running coroutine that may be cancelled at any time."""

    __slots__ = ("_deferred",)

    def __init__(self, deferred: Deferred[None]) -> None:
        self._deferred = deferred

    def cancel(self) -> None:
        """Raise ``CancelledError`` where it waits."""
        self._deferred.cancel()


def spawn(work: Coroutine[object, object, None]) -> Work:
    """Run ``work`` until it waits, and then whenever it can go on; log what it raises."""
    deferred: Deferred[None] = Deferred.fromCoroutine(work)  # type: ignore[arg-type]  # awaits Deferreds only
    deferred.addErrback(_log_unless_cancelled)
    return Work(deferred)


def _log_unless_cancelled(failure: Failure) -> None:
    if failure.check(CancelledError) is None:
        _log.failure("work in the background failed", failure)


class EventLog:
    """Twisted's log as :class:`~gotwist.gateway.house.Log`."""

    def info(self, what: str, **fields: object) -> None:
        """Log an event: the phrase, and its fields in the order given."""
        _log.info("{what} {fields}", what=what, fields=_Fields(fields))

    def failure(self, what: str, failure: BaseException, **fields: object) -> str:
        """Log a fault with its traceback under a fresh id."""
        id = secrets.token_hex(4)
        _log.failure(
            "{what} [{id}] {fields}",
            Failure(failure),
            what=what,
            id=id,
            fields=_Fields(fields),
        )
        return id


class _Fields:
    """Fields, rendered only when the line is written; text is quoted, so it cannot forge any."""

    __slots__ = ("_fields",)

    def __init__(self, fields: dict[str, object]) -> None:
        self._fields = fields

    def __str__(self) -> str:
        return " ".join(f"{name}={value!r}" for name, value in self._fields.items())

    __repr__ = __str__
