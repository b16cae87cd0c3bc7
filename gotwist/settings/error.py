"""The error of a settings file: where it is, what is wrong, what to do about it."""

from __future__ import annotations

import re

from gotwist.errors import Malformed

_WIDTH = 100
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
# A line that may hold a secret is not repeated: the sentence goes into logs.
_CONFIDENTIAL = re.compile(r"secret|passw|api_key|token|oauth", re.IGNORECASE)


class SettingsError(Malformed):
    """A settings file that cannot be used; nothing of it has been applied.

    ``str`` gives ``file:line:column: what; what to do``, then the line and a caret.
    """

    def __init__(self, file: str, line: int, column: int, message: str, source: str = "") -> None:
        self.file = file
        self.line = line
        self.column = column
        self.reason = message
        place = f"{file}:{line}:{column}" if line else file
        super().__init__(f"{place}: {message}{_excerpt(source, column)}")


def error_at(file: str, text: str, offset: int, message: str) -> SettingsError:
    """Make the error for the character at ``offset`` of a file's text."""
    start = text.rfind("\n", 0, offset) + 1
    end = text.find("\n", offset)
    source = text[start : end if end >= 0 else len(text)]
    # A value may stand below its name.
    above = text[text.rfind("\n", 0, max(0, start - 1)) + 1 : start]
    if _CONFIDENTIAL.search(above):
        source = ""
    return SettingsError(file, text.count("\n", 0, offset) + 1, offset - start + 1, message, source)


def _excerpt(source: str, column: int) -> str:
    if not source.strip() or _CONFIDENTIAL.search(source):
        return ""
    first = max(0, column - 1 - _WIDTH // 2) if len(source) > _WIDTH else 0
    shown = _CONTROL.sub("?", source[first : first + _WIDTH])
    lead = "".join("\t" if letter == "\t" else " " for letter in shown[: column - 1 - first])
    return f"\n    {shown}\n    {lead}^"
