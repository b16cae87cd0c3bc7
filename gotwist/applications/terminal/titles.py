"""Titles as they may be shown: short, one line, without characters that hide or turn text."""

from __future__ import annotations

import re

MAX_TITLE = 256
#: C0, DEL, C1, line and paragraph separators, and everything that changes direction.
UNSHOWABLE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]"
)


def clean_title(text: str) -> str:
    """Remove what does not belong into a title and cut it to :data:`MAX_TITLE` characters."""
    return UNSHOWABLE.sub("", text)[:MAX_TITLE].strip()
