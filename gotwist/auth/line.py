"""The line of the authentication service: ``user CR password CR service LF``, and its answers.

The separators are not escaped, so no field may contain one: a name with separators inside
would shift the fields, and a password of the asker's choice would be checked.  Both sides
refuse such fields, the client before it sends anything.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import Enum

from gotwist.errors import Malformed

MAX_LINE = 8192
"""Bytes of a line, its end included."""
MAX_PASSWORD = 1024
"""Bytes of a password."""
MAX_ANSWER = 64

USER_PATTERN = r"[a-z_][a-z0-9_.@-]{0,63}"
"""What a name must be as a whole, unless the settings say otherwise."""

_SERVICE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}")
_SEPARATORS = re.compile(r"[\r\n\0]")


class Answer(Enum):
    """What the service says to one line."""

    OK = b"ok\n"
    FAIL = b"fail\n"
    BAD = b"bad\n"


@dataclass(frozen=True)
class Request:
    """One password to be checked, for the PAM service of that name."""

    user: str
    password: str = field(repr=False)
    service: str


def parse_line(line: bytes) -> Request:
    """Read a line, without its end.

    :raises Malformed: when it is not three fields of text; what is in them is not judged.
    """
    if len(line) >= MAX_LINE:
        raise Malformed("The line is too long.")
    if b"\0" in line or b"\n" in line:
        raise Malformed("The line holds a zero.")
    fields = line.split(b"\r")
    if len(fields) != 3:
        raise Malformed("The line has not exactly three fields.")
    try:
        user, password, service = (part.decode("utf-8") for part in fields)
    except UnicodeDecodeError:
        raise Malformed("The line is not UTF-8.") from None
    return Request(user, password, service)


def is_service(name: str) -> bool:
    """Tell whether this can be the name of a PAM service: it becomes a file's name."""
    return _SERVICE.fullmatch(name) is not None


def is_field(text: str) -> bool:
    """Tell whether this can be a user's name or a password at all."""
    if not text or len(text) > MAX_PASSWORD or _SEPARATORS.search(text):
        return False
    try:
        return len(text.encode("utf-8")) <= MAX_PASSWORD
    except UnicodeEncodeError:
        return False


def is_acceptable(request: Request, user_pattern: str = USER_PATTERN) -> bool:
    """Tell whether the fields of a request may be shown to PAM."""
    return (
        re.fullmatch(user_pattern, request.user) is not None
        and is_field(request.user)
        and is_field(request.password)
        and is_service(request.service)
    )


def render_line(request: Request) -> bytes:
    """Write a request as its line.

    :raises Malformed: when a field would be read as something else, or the line is too long.
    """
    for text in (request.user, request.password, request.service):
        if not text:
            raise Malformed("User, password and service may not be empty.")
        if _SEPARATORS.search(text):
            raise Malformed("User, password and service may not contain CR, LF or NUL.")
    try:
        user, password, service = (
            text.encode("utf-8") for text in (request.user, request.password, request.service)
        )
    except UnicodeEncodeError:
        raise Malformed("User, password and service must be text.") from None
    if len(password) > MAX_PASSWORD:
        raise Malformed("The password is too long.")
    line = b"\r".join((user, password, service)) + b"\n"
    if len(line) > MAX_LINE:
        raise Malformed("User or service are too long.")
    return line


def parse_answer(data: bytes) -> bool | None:
    """Read what the service has said so far: yes, no, or None when more must come."""
    answer, end, _ = data.partition(b"\n")
    if not end and len(data) < MAX_ANSWER:
        return None
    return end == b"\n" and answer == b"ok"


class Lines:
    """Cuts a stream into lines, whatever its pieces are.

    A line that is too long is given as None as soon as that is known, and what is left of it
    is skipped: it costs no memory, and the next line is read again.
    """

    def __init__(self) -> None:
        self._rest = bytearray()
        self._is_skipping = False

    @property
    def has_part(self) -> bool:
        """Tell whether a line has begun and not ended."""
        return bool(self._rest) or self._is_skipping

    def feed(self, data: bytes) -> list[bytes | None]:
        """Give the lines that are complete now, without their ends."""
        *whole, rest = data.split(b"\n")
        found = [line for part in whole for line in self._add(part, ends=True)]
        found += self._add(rest, ends=False)
        return found

    def _add(self, part: bytes, *, ends: bool) -> list[bytes | None]:
        if self._is_skipping:
            self._is_skipping = not ends
            return []
        if len(self._rest) + len(part) >= MAX_LINE:
            self._forget()
            self._is_skipping = not ends
            return [None]
        if not ends:
            self._rest += part
            return []
        line = bytes(self._rest) + part
        self._forget()
        return [line]

    def _forget(self) -> None:
        # What was collected may be a password.
        self._rest[:] = bytes(len(self._rest))
        self._rest.clear()
