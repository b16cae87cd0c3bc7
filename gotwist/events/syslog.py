"""The system log as a place for lines.  Everything here may block."""

from __future__ import annotations

import syslog
from collections.abc import Sequence

#: By the names that the settings have.
FACILITIES: dict[str, int] = {
    "auth": syslog.LOG_AUTH,
    "cron": syslog.LOG_CRON,
    "daemon": syslog.LOG_DAEMON,
    "kern": syslog.LOG_KERN,
    **{f"local{n}": getattr(syslog, f"LOG_LOCAL{n}") for n in range(8)},
    "lpr": syslog.LOG_LPR,
    "mail": syslog.LOG_MAIL,
    "news": syslog.LOG_NEWS,
    "syslog": syslog.LOG_SYSLOG,
    "user": syslog.LOG_USER,
    "uucp": syslog.LOG_UUCP,
}


class SystemLog:
    """A :class:`~gotwist.events.writer.Sink` that is the system log.

    What it loses it does not tell: syslog(3) has no answer.

    :param facility: a name of :data:`FACILITIES`.
    """

    def __init__(self, facility: str) -> None:
        self._facility = FACILITIES[facility]
        self._is_open = False

    def write(self, lines: Sequence[bytes]) -> None:
        """See :class:`~gotwist.events.writer.Sink`."""
        if not self._is_open:
            syslog.openlog("gotwist", syslog.LOG_PID, self._facility)
            self._is_open = True
        for line in lines:
            # The text of an event is ASCII; a % in it is no format, Python sees to that.
            syslog.syslog(syslog.LOG_INFO | self._facility, line.decode("ascii").rstrip("\n"))

    def close(self) -> None:
        """See :class:`~gotwist.events.writer.Sink`."""
        if self._is_open:
            syslog.closelog()
            self._is_open = False
