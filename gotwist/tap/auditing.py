"""What the audit stream is told, and where it goes, as the settings say."""

from __future__ import annotations

import errno
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence

from gotwist.applications.terminal.telling import told
from gotwist.applications.terminal.terminal import Terminal
from gotwist.auth.signins import SignIn
from gotwist.auth.user import User
from gotwist.errors import Unavailable
from gotwist.events.audit import Audit, AuditValue, render_event
from gotwist.events.logfile import LogFile
from gotwist.events.syslog import SystemLog
from gotwist.events.writer import Sink
from gotwist.paths import make_private_directory
from gotwist.settings.error import SettingsError
from gotwist.settings.snapshot import Snapshot

#: A disk that is full now may have room later, and until then lines are lost and told.
_MAY_PASS = (errno.ENOSPC, errno.EDQUOT)


def sinks(snapshot: Snapshot, *, opens: bool = True) -> tuple[Sink, ...]:
    """Open the places for the audit stream; blocks.

    :param opens: false while rights are still to be given up: the file is to be made by the
        account that has to find and rename it later, which then happens at the first line; its
        directory has to be there.
    :raises Unavailable: when its file cannot be had.
    """
    found: list[Sink] = []
    if snapshot.boolean("audit"):
        path = snapshot.text("audit_log")
        directory = os.path.dirname(path)
        if opens and not os.path.isdir(directory):
            make_private_directory(directory)
        file = LogFile(
            path,
            max_bytes=snapshot.integer("audit_log_max_size"),
            backups=snapshot.integer("audit_log_backups"),
        )
        try:
            if opens:
                file.open()
        except OSError as problem:
            if problem.errno not in _MAY_PASS:
                reason = (problem.strerror or "input/output error").lower()
                raise Unavailable(
                    f"{path}: the audit log cannot be written: {reason}; choose another place "
                    "with --audit_log, or do without it by --audit=False"
                ) from problem
        found.append(file)
    if snapshot.boolean("audit_syslog"):
        found.append(SystemLog(snapshot.text("syslog_facility")))
    return tuple(found)


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


def terminals_end(audit: Audit) -> Callable[[Terminal, str], None]:
    """Tells of terminals that end; for ``Hub.on_ended``."""

    def tell(terminal: Terminal, reason: str) -> None:
        ended = terminal.exited
        audit.record(
            "terminal_ended",
            **told(terminal),
            user=terminal.label.upn,
            reason=reason,
            code=None if ended is None else ended.code,
            signal=None if ended is None else ended.signal,
        )

    return tell


class SignInNews:
    """Tells who signed in, could not, and is signed in no more; for ``SigningIn``."""

    def __init__(self, audit: Audit) -> None:
        self._audit = audit

    def signed_in(self, user: User, address: str, sign_in: str) -> None:
        """See :class:`~gotwist.auth.watch.Watch`."""
        self._audit.record(
            "signed_in",
            address=address,
            method=user.method,
            sign_in=sign_in or None,
            user=user.upn,
        )

    def refused(self, name: str, way: str, address: str, why: str) -> None:
        """See :class:`~gotwist.auth.watch.Watch`."""
        self._audit.record(
            "sign_in_refused", address=address, method=way, reason=why, user=name or None
        )

    def ended(self, sign_in: SignIn, reason: str) -> None:
        """See :class:`~gotwist.auth.signins.SignIns`."""
        self._audit.record(
            "signed_out",
            address=sign_in.address,
            method=sign_in.user.method,
            reason=reason,
            sign_in=sign_in.handle,
            user=sign_in.user.upn,
        )


def files_sent(audit: Audit) -> Callable[[str, str, str, int], None]:
    """Tells of files that users fetch; for ``HouseParts.on_file``."""

    def tell(user: str, address: str, name: str, size: int) -> None:
        audit.record("file_sent", address=address, size=size, user=user, name=name)

    return tell


class SettingsNews:
    """Tells of changed settings: the names of files and options, never what they say."""

    def __init__(self, audit: Audit) -> None:
        self._audit = audit

    def reloaded(self, files: Sequence[str], options: Sequence[str]) -> None:
        """See :class:`~gotwist.settings.service.News`."""
        self._audit.record("settings_reloaded", files=tuple(files), options=tuple(options))

    def refused(self, problem: SettingsError) -> None:
        """See :class:`~gotwist.settings.service.News`."""
        self._audit.record(
            "settings_refused", file=os.path.basename(problem.file), line=problem.line or None
        )
