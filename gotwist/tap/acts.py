"""What is done on the command line, told to the audit stream without the daemon."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Mapping

from gotwist.events.audit import AuditValue, render_event
from gotwist.events.logfile import LogFile
from gotwist.events.syslog import SystemLog
from gotwist.events.writer import Sink
from gotwist.settings.snapshot import Snapshot


def record_act(
    snapshot: Snapshot, event: str, fields: Mapping[str, AuditValue], *, clock: Callable[[], float]
) -> None:
    """Tell what somebody did on the command line, without the daemon; blocks.

    What cannot be told is said to the person, and does not undo what was done.  A file that is
    not there is made only by the directory's owner: one of root's could not be written by an
    unprivileged daemon.
    """
    line = render_event(event, {"uid": os.getuid(), **fields}, clock(), None)
    try:
        if snapshot.boolean("audit"):
            path = snapshot.text("audit_log")
            if os.path.exists(path) or _owns(os.path.dirname(path)):
                _append(LogFile(path), line)
        if snapshot.boolean("audit_syslog"):
            _append(SystemLog(snapshot.text("syslog_facility")), line)
    except OSError as problem:
        print(f"gotwist: the audit log cannot be written: {problem}", file=sys.stderr)


def record_now(snapshot: Snapshot, event: str, **fields: AuditValue) -> None:
    """:func:`record_act` at the present time."""
    record_act(snapshot, event, fields, clock=time.time)


def _append(sink: Sink, line: bytes) -> None:
    try:
        sink.write([line])
    finally:
        sink.close()


def _owns(directory: str) -> bool:
    try:
        return os.stat(directory).st_uid == os.geteuid()
    except OSError:
        return False
