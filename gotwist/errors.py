"""The one family of errors that a rule may raise and a door translates.

Rules raise; each door turns the error into its own refusal in one place (an HTTP status, a
``go:error`` message, an exit status, ``fail`` on a socket).  The message is written for the
person who meets it and tells nothing to the person who should not know; what only the
operator may read goes into the log.
"""

from __future__ import annotations

from typing import ClassVar


class GotwistError(Exception):
    """A refusal with a stable ``code`` and a message fit for the person outside."""

    code: ClassVar[str] = "error"

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class Denied(GotwistError):
    """Who asks may not have it; also the answer where existence itself is nobody's business."""

    code = "denied"


class Malformed(GotwistError):
    """What was sent is not of the form that was agreed on."""

    code = "malformed"


class NotFound(GotwistError):
    """What was named does not exist (or is not the asker's, which must read the same)."""

    code = "not_found"


class Unavailable(GotwistError):
    """It would be allowed, but cannot be done now: a limit is reached or a part is down."""

    code = "unavailable"


class LimitReached(Unavailable):
    """The operator allows so much and no more, and it is used up."""
