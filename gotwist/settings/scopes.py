"""Scopes: for whom a part of the settings holds.

``*``                     everybody
``user=<regex>``          users whose name (UPN) matches, as ``user.upn=<regex>``
``user.<name>=<regex>``   users with such an attribute, for instance ``user.ip_address=10\\..*``
``group=<regex>``         members of such a group

Regular expressions match the whole value, never a part: ``user=bob`` is not for bobby.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

EVERYBODY = "*"

_FORM = re.compile(r"(user|group)(?:\.([A-Za-z_][A-Za-z0-9_-]{0,63}))?=(.*)", re.DOTALL)
_MAX_LENGTH = 1000


@dataclass(frozen=True)
class Scope:
    """A condition on a user; ``attribute`` None means the user's groups."""

    text: str
    attribute: str | None
    pattern: re.Pattern[str]

    def matches(self, attributes: Mapping[str, str], groups: Sequence[str]) -> bool:
        """Tell whether a user with these attributes and groups is meant."""
        if self.attribute is None:
            return any(self.pattern.fullmatch(group) for group in groups)
        value = attributes.get(self.attribute)
        return value is not None and self.pattern.fullmatch(value) is not None


def parse_scope(text: str) -> Scope | None:
    """Read a scope; None stands for everybody.

    :raises ValueError: it has none of the forms above, or its regular expression is bad.
    """
    if text == EVERYBODY:
        return None
    match = _FORM.fullmatch(text)
    if match is None or (match[1] == "group" and match[2]):
        raise ValueError(
            "is no scope; write * for everybody, user=<regex>, user.<attribute>=<regex> or "
            "group=<regex>"
        )
    if len(text) > _MAX_LENGTH:
        raise ValueError(f"is longer than {_MAX_LENGTH} characters; split it")
    try:
        pattern = re.compile(match[3])
    except (re.error, RecursionError, OverflowError) as problem:
        raise ValueError(f"is no regular expression ({problem}); correct it") from None
    attribute = None if match[1] == "group" else match[2] or "upn"
    return Scope(text, attribute, pattern)
