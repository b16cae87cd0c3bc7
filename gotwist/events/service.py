"""The audit stream's service: from events to a file and the system log, never waited for."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorFromThreads, IReactorTime
from twisted.logger import Logger

from gotwist.events.audit import AuditValue, Trail, render_event
from gotwist.events.writer import LineWriter, Sink

#: A disk that does not take the last lines within this time does not keep the daemon.
PATIENCE_S = 2.0


class IAuditReactor(IReactorTime, IReactorFromThreads):
    """What the audit stream needs of a reactor."""


class AuditService(Service):
    """The :class:`~gotwist.events.audit.Audit` of a daemon.

    Events may be recorded before it starts; they are written when it has.

    :param sinks: where the lines go; none: events are counted only.
    """

    log = Logger()

    def __init__(
        self, reactor: IAuditReactor, wall_now: Callable[[], float], sinks: Sequence[Sink]
    ) -> None:
        self._reactor = reactor
        self._wall_now = wall_now
        self._ending: Deferred[None] | None = None
        self.writer = LineWriter(sinks, self._lost_line, self._trouble) if sinks else None
        self.trail = Trail(self._put, wall_now, self._fault)

    def record(self, event: str, **fields: AuditValue) -> None:
        """See :class:`~gotwist.events.audit.Audit`."""
        self.trail.record(event, **fields)

    def startService(self) -> None:
        """Begin to write."""
        super().startService()
        if self.writer is not None:
            self.writer.start()

    def stopService(self) -> Deferred[None] | None:
        """Write what waits, for at most :data:`PATIENCE_S`."""
        super().stopService()
        if self.writer is None:
            return None
        ended: Deferred[None] = Deferred()

        def end(lost: bool) -> None:
            if ended.called:
                return
            if lost:
                self.log.error("the audit log was not written to its end")
            elif timer.active():
                timer.cancel()
            ended.callback(None)

        timer = self._reactor.callLater(PATIENCE_S, end, True)
        self.writer.stop(lambda: self._reactor.callFromThread(end, False))
        return ended

    def _put(self, line: bytes) -> None:
        if self.writer is not None:
            self.writer.put(line)

    def _lost_line(self, lines: int, reason: str) -> bytes:
        fields: dict[str, AuditValue] = {"lines": lines, "reason": reason}
        return render_event("audit_lost", fields, self._wall_now(), None)

    def _trouble(self, reason: str | None) -> None:
        self._reactor.callFromThread(self._tell_trouble, reason)

    def _tell_trouble(self, reason: str | None) -> None:
        if reason is None:
            self.log.info("the audit log is written again")
        else:
            self.log.error("lines of the audit log are lost: {reason}", reason=reason)

    def _fault(self, fault: Exception) -> None:
        self.log.failure("an event could not be recorded: {fault!r}", fault=fault)
