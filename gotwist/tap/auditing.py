"""What the audit stream is told, and where it goes, as the settings say."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Sequence

from gotwist.applications.terminal.telling import told
from gotwist.applications.terminal.terminal import Terminal
from gotwist.auth.line import Request
from gotwist.auth.signins import SignIn
from gotwist.auth.unix.peers import Peer
from gotwist.auth.user import User
from gotwist.errors import Unavailable
from gotwist.events.audit import Audit
from gotwist.events.logfile import LogFile
from gotwist.events.syslog import SystemLog
from gotwist.events.writer import Sink
from gotwist.paths import make_private_directory
from gotwist.settings.error import SettingsError
from gotwist.settings.snapshot import Snapshot

#: A disk that is full now may have room later, and until then lines are lost and told.
_MAY_PASS = (errno.ENOSPC, errno.EDQUOT)


def sinks(snapshot: Snapshot) -> tuple[Sink, ...]:
    """The places for the audit stream; nothing is opened yet."""
    found: list[Sink] = []
    if snapshot.boolean("audit"):
        found.append(
            LogFile(
                snapshot.text("audit_log"),
                max_bytes=snapshot.integer("audit_log_max_size"),
                backups=snapshot.integer("audit_log_backups"),
            )
        )
    if snapshot.boolean("audit_syslog"):
        found.append(SystemLog(snapshot.text("syslog_facility")))
    return tuple(found)


def log_directory(snapshot: Snapshot) -> str | None:
    """The directory that has to be made for the audit log; None when it is there, or not needed."""
    directory = os.path.dirname(snapshot.text("audit_log"))
    return directory if snapshot.boolean("audit") and not os.path.isdir(directory) else None


def open_places(snapshot: Snapshot, places: Sequence[Sink]) -> None:
    """Open what can be refused, as the account that has to find and rename it later; blocks.

    :raises Unavailable: when the file cannot be had.
    """
    directory = log_directory(snapshot)
    if directory is not None:
        make_private_directory(directory)
    for file in places:
        if not isinstance(file, LogFile):
            continue
        try:
            file.open()
        except OSError as problem:
            if problem.errno in _MAY_PASS:
                continue
            reason = (problem.strerror or "input/output error").lower()
            raise Unavailable(
                f"{snapshot.text('audit_log')}: the audit log cannot be written: {reason}; let "
                "the daemon's account write it and its directory, choose another place with "
                "--audit_log, or do without it by --audit=False"
            ) from problem


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


def passwords_judged(audit: Audit) -> Callable[[Request, Peer, bool], None]:
    """Tells what the authentication service answers; for ``auth_service``."""

    def tell(request: Request, peer: Peer, is_right: bool) -> None:
        # What stands in place of a refused name can be a password, or anything.
        audit.record(
            "password_judged",
            uid=peer.uid,
            accepted=is_right,
            service=request.service if is_right else None,
            user=request.user if is_right else None,
        )

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
