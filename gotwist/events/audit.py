"""The audit stream: who did what, as events of fixed shape, one JSON object a line.

``{"v":1,"time":"2026-01-31T12:00:00.000Z","seq":7,"event":"signed_in","address":…,…}``

Every event has all the fields its kind has, in the order given here, null where nothing is
known.  What a stranger chose (a name, an action) stands last, and everything that is not
printable ASCII is escaped: a line cannot be forged, split, or turned around on a screen.
``docs/audit.md`` is for those who read the stream; a change there is a new :data:`VERSION`.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol, TypeAlias

VERSION = 1
#: No line is longer, its end included: appended whole, and taken whole by syslog.
MAX_LINE = 4096

_MAX_TEXT = 400
_MAX_LIST = 1500

AuditValue: TypeAlias = str | int | float | bool | Sequence[str] | None


@dataclass(frozen=True)
class Kind:
    """One kind of event: what it means, its fields in order, and the one it is counted by."""

    meaning: str
    fields: tuple[str, ...]
    counted_by: str = ""


_WHERE = ("address", "client", "sign_in")

KINDS: Mapping[str, Kind] = {
    "daemon_started": Kind("The daemon is ready.", ("version", "pid", "uid")),
    "daemon_stopped": Kind("The daemon ends in an orderly way.", ("pid",)),
    "settings_reloaded": Kind("Changed settings are in force.", ("files", "options")),
    "settings_refused": Kind("Changed settings are wrong and not in force.", ("file", "line")),
    "signed_in": Kind(
        "Somebody has signed in.", ("address", "method", "sign_in", "user"), "method"
    ),
    "sign_in_refused": Kind(
        "Somebody has tried to sign in and may not.",
        ("address", "method", "reason", "user"),
        "method",
    ),
    "signed_out": Kind(
        "A sign-in has ended.", ("address", "method", "reason", "sign_in", "user"), "reason"
    ),
    "connected": Kind("A browser tab is connected and signed in.", (*_WHERE, "user")),
    "disconnected": Kind("Its connection has ended.", (*_WHERE, "seconds", "user")),
    "terminal_opened": Kind(
        "A program was started.", (*_WHERE, "terminal", "number", "user", "location", "command")
    ),
    "terminal_attached": Kind(
        "A tab looks at a terminal that was there.",
        (*_WHERE, "terminal", "number", "user", "location", "command"),
    ),
    "terminal_ended": Kind(
        "A program has ended, or was ended.",
        ("terminal", "number", "reason", "code", "signal", "user", "location", "command"),
        "reason",
    ),
    "action_refused": Kind(
        "A policy or a limit has refused an action.",
        (*_WHERE, "code", "repeated", "user", "action"),
        "code",
    ),
    "message_sent": Kind("A user has sent a message to others.", (*_WHERE, "length", "user", "to")),
    "file_sent": Kind(
        "A file of a user's own directory is sent to a browser.",
        ("address", "size", "user", "name"),
    ),
    "link_made": Kind("A launch link was made.", ("source", "user"), "source"),
    "terminals_killed": Kind("All terminals were ended from outside.", ("uid", "running")),
    "key_made": Kind("A new API key was made.", ("uid", "key")),
    "password_set": Kind(
        "A user of the password file was changed on the command line.", ("uid", "change", "user")
    ),
    "second_factor_set": Kind(
        "A user's second factor was changed on the command line.", ("uid", "change", "user")
    ),
    "password_judged": Kind(
        "The authentication service has answered a program.",
        ("uid", "accepted", "service", "user"),
        "accepted",
    ),
    "audit_lost": Kind("Lines before this one could not be kept.", ("lines", "reason")),
}


class Audit(Protocol):
    """Where is told what somebody did; never raises and never waits."""

    def record(self, event: str, **fields: AuditValue) -> None:
        """Tell one event of :data:`KINDS`; fields left out are null."""


class NoAudit:
    """Tells nobody."""

    def record(self, event: str, **fields: AuditValue) -> None:
        """See :class:`Audit`."""


class Trail:
    """Makes lines of events and counts them.

    :param write: takes one line; must not wait.
    :param wall_now: seconds since 1970.
    :param on_fault: told of an event that has no such kind or field: our own mistake, which
        must not stop what was being done.
    """

    def __init__(
        self,
        write: Callable[[bytes], object],
        wall_now: Callable[[], float],
        on_fault: Callable[[Exception], object],
    ) -> None:
        self._write = write
        self._wall_now = wall_now
        self._on_fault = on_fault
        self._number = 0
        #: How often each event happened, by the field that its kind is counted by.
        self.counts: Counter[tuple[str, str]] = Counter()

    def record(self, event: str, **fields: AuditValue) -> None:
        """See :class:`Audit`."""
        try:
            self._number += 1
            line = render_event(event, fields, self._wall_now(), self._number)
            # By a stranger's word nothing is counted: only words of ours make new counters.
            self.counts[event, str(fields.get(KINDS[event].counted_by) or "")] += 1
            self._write(line)
        except Exception as fault:
            self._on_fault(fault)


def render_event(
    event: str, fields: Mapping[str, AuditValue], wall_s: float, number: int | None
) -> bytes:
    """Make the line of an event.

    :param number: counts the lines of one daemon, so that a gap shows; None: not a daemon's.
    :raises ValueError: there is no such event, or it has no such field.
    """
    kind = KINDS.get(event)
    if kind is None:
        raise ValueError(f"no audit event is called {event}")
    if not fields.keys() <= set(kind.fields):
        raise ValueError(f"{event} has no {', '.join(fields.keys() - set(kind.fields))}")
    members = [
        f'"v":{VERSION}',
        f'"time":"{render_time(wall_s)}"',
        f'"seq":{"null" if number is None else number}',
        f'"event":"{event}"',
    ]
    members += [f'"{name}":{_render(fields.get(name))}' for name in kind.fields]
    return f"{{{','.join(members)}}}\n".encode("ascii")


def render_time(wall_s: float) -> str:
    """Write a time in UTC, with milliseconds."""
    text = datetime.fromtimestamp(wall_s, UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")


def _render(value: AuditValue) -> str:
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return "null"
    if isinstance(value, bool | int):
        return json.dumps(value)
    if isinstance(value, float):
        return f"{value:.3f}"
    if isinstance(value, str):
        return _quoted(value)
    items: list[str] = []
    left = _MAX_LIST
    for item in value:
        quoted = _quoted(item)
        left -= len(quoted) + 1
        if left < 0:
            items.append(_quoted(f"and {len(value) - len(items)} more"))
            break
        items.append(quoted)
    return f"[{','.join(items)}]"


def _quoted(text: str) -> str:
    # Cut before, so that a text of a mebibyte is not escaped first; and after, because an
    # escaped character is six or twelve long.
    written = _escaped(text[:_MAX_TEXT])
    if len(text) <= _MAX_TEXT and len(written) <= _MAX_TEXT:
        return written
    kept = text[:_MAX_TEXT]
    while len(written) > _MAX_TEXT:
        kept = kept[: len(kept) * _MAX_TEXT // len(written)]
        written = _escaped(kept)
    return _escaped(kept[:-1] + "…")


def _escaped(text: str) -> str:
    return json.dumps(text, ensure_ascii=True).replace("\x7f", "\\u007f")
