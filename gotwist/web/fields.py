"""What forms and queries carry: their fields, and the place to go to afterwards."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import parse_qsl

_MAX_FIELDS = 16


def safe_next(value: str | None, default: str) -> str:
    """Give a path of this site, or ``default``.

    A second slash, a backslash (browsers read it as a slash) or a control character (which
    they leave out) could lead to another host.
    """
    if (
        value
        and len(value) <= 2_048
        and value.startswith("/")
        and value[1:2] not in ("/", "\\")
        and value.isascii()
        and value.isprintable()
    ):
        return value.replace(" ", "%20")
    return default


def parse_fields(text: bytes) -> Mapping[str, str]:
    """Read query or form fields; of equal names the first counts, bad text gives nothing."""
    try:
        pairs = parse_qsl(
            text.decode("ascii"),
            keep_blank_values=True,
            max_num_fields=_MAX_FIELDS,
            errors="strict",
        )
    except ValueError:
        return {}
    fields: dict[str, str] = {}
    for name, value in pairs:
        fields.setdefault(name, value)
    return fields
