"""Conditional requests and ranges: what a client already has, and which part it wants.

If-None-Match: "a", W/"b" | *        before If-Modified-Since, which is then ignored
Range: bytes=0-99 | bytes=100- | bytes=-100        one range; several or bad ones: all of it
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import formatdate, parsedate_to_datetime
from typing import Final

_RANGE: Final = re.compile(r"bytes=(\d{1,18})?-(\d{1,18})?")


def http_date(seconds: float) -> str:
    """Render a wall-clock time for ``Last-Modified``."""
    return formatdate(seconds, usegmt=True)


def parse_http_date(text: str) -> float | None:
    """Read an HTTP date; ``None`` if it is none."""
    try:
        return parsedate_to_datetime(text).timestamp()
    except (ValueError, OverflowError):
        return None


def etag_matches(header: str, etag: str) -> bool:
    """Compare weakly, as ``If-None-Match`` wants it."""
    if header.strip() == "*":
        return True
    plain = etag.removeprefix("W/")
    return any(candidate.strip().removeprefix("W/") == plain for candidate in header.split(","))


def is_not_modified(headers: Mapping[str, str | None], etag: str, modified: float) -> bool:
    """Tell whether the client's copy is still good (the answer is 304)."""
    if (match := headers.get("if-none-match")) is not None:
        return etag_matches(match, etag)
    since = parse_http_date(headers.get("if-modified-since") or "")
    return since is not None and int(modified) <= since


@dataclass(frozen=True)
class ByteRange:
    """``size`` bytes from ``start``; an empty file and a range behind the end have none."""

    start: int
    size: int


UNSATISFIABLE: Final = ByteRange(0, 0)


def parse_range(header: str | None, size: int) -> ByteRange | None:
    """Read a range for a file of ``size`` bytes; ``None`` means: send the whole file."""
    match = _RANGE.fullmatch((header or "").strip().replace(" ", ""))
    if match is None or (match[1] is None and match[2] is None):
        return None
    if match[1] is None:
        wanted = min(int(match[2]), size)
        return ByteRange(size - wanted, wanted) if wanted else UNSATISFIABLE
    start, end = int(match[1]), int(match[2]) if match[2] is not None else size - 1
    if match[2] is not None and end < start:
        return None
    if start >= size:
        return UNSATISFIABLE
    return ByteRange(start, min(end, size - 1) - start + 1)


def range_applies(if_range: str | None, etag: str, modified: float) -> bool:
    """Tell whether ``If-Range`` (if any) still names the file as it is now."""
    if if_range is None:
        return True
    if if_range.startswith('"'):
        return if_range == etag
    return parse_http_date(if_range) == int(modified)
