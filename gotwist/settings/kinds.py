"""Kinds of options: how text and JSON become a value, and how a value is written down."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Protocol

from gotwist.settings.values import JSON, Value

_DURATION = re.compile(r"([0-9]{1,12})([smhdMy]?)")
_UNITS = {"": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86_400, "M": 2_592_000, "y": 31_536_000}
_LONGEST = 100 * _UNITS["y"]
_SIZE = re.compile(r"([0-9]{1,15}) ?(?:([KMG])i?B?)?", re.IGNORECASE)
_PREFIX = re.compile(r"(?!\.)[A-Za-z0-9._~-]+(/(?!\.)[A-Za-z0-9._~-]+)*")
_FACTORS = {"": 1, "k": 1024, "m": 1024**2, "g": 1024**3}


class Kind(Protocol):
    """One kind of value.  Refusals are ``ValueError`` that say what would be right."""

    @property
    def form(self) -> str:
        """A word or two for the help: ``number``, ``text;text``."""

    def from_text(self, text: str) -> Value:
        """Read what stands behind ``--name=``."""

    def from_json(self, raw: JSON) -> Value:
        """Read what stands in a settings file."""

    def to_json(self, value: Value) -> JSON:
        """Write the value as it stands in a settings file."""


class _InQuotes(ABC):
    """A kind that files write as the same text as the command line."""

    @abstractmethod
    def from_text(self, text: str) -> Value:
        """Read it, wherever it stands."""

    def from_json(self, raw: JSON) -> Value:
        return self.from_text(raw if isinstance(raw, str) else "")

    def to_json(self, value: Value) -> JSON:
        return str(value)


@dataclass(frozen=True)
class Boolean:
    """True or false."""

    form: str = "True|False"

    def from_text(self, text: str) -> Value:
        known = {"true": True, "false": False}
        if text.lower() not in known:
            raise ValueError("must be True, False or None")
        return known[text.lower()]

    def from_json(self, raw: JSON) -> Value:
        if not isinstance(raw, bool):
            raise ValueError("must be true or false, without quotes")
        return raw

    def to_json(self, value: Value) -> JSON:
        return bool(value)


@dataclass(frozen=True)
class Integer:
    """A whole number in a range."""

    least: int
    most: int
    form: str = "number"

    def from_text(self, text: str) -> Value:
        if not re.fullmatch(r"-?[0-9]{1,15}", text):
            raise ValueError(self._expected())
        return self.from_json(int(text))

    def from_json(self, raw: JSON) -> Value:
        if isinstance(raw, bool) or not isinstance(raw, int):
            raise ValueError(self._expected())
        if not self.least <= raw <= self.most:
            raise ValueError(self._expected())
        return raw

    def to_json(self, value: Value) -> JSON:
        return value if isinstance(value, int) else None

    def _expected(self) -> str:
        return f"must be a whole number from {self.least} to {self.most}, without quotes"


@dataclass(frozen=True)
class Text:
    """A text, matched as a whole by a pattern when there is one."""

    pattern: str = r"[^\x00-\x1f\x7f]*"
    expected: str = "a text without control characters"
    form: str = "text"

    def from_text(self, text: str) -> Value:
        if not re.fullmatch(self.pattern, text):
            raise ValueError(f"must be {self.expected}")
        return text

    def from_json(self, raw: JSON) -> Value:
        if not isinstance(raw, str):
            raise ValueError(f"must be {self.expected}, in double quotes")
        return self.from_text(raw)

    def to_json(self, value: Value) -> JSON:
        return str(value)


@dataclass(frozen=True)
class Choice(_InQuotes):
    """One of a few words."""

    choices: tuple[str, ...]

    @property
    def form(self) -> str:
        return "|".join(self.choices)

    def from_text(self, text: str) -> Value:
        if text not in self.choices:
            raise ValueError(f"must be one of: {', '.join(self.choices)}")
        return text


@dataclass(frozen=True)
class Duration:
    """A time span, as float seconds; digits alone are milliseconds."""

    least_s: float = 0.0
    zero: bool = False
    form: str = "time"

    def from_text(self, text: str) -> Value:
        match = _DURATION.fullmatch(text)
        if match is None:
            raise ValueError(
                "must be a number with s, m, h, d, M (30 days) or y (365 days), such as 30s; "
                "digits alone are milliseconds"
            )
        seconds = int(match[1]) * float(_UNITS[match[2]])
        if seconds > _LONGEST:
            raise ValueError("must be at most 100 years")
        if seconds < self.least_s and not (self.zero and seconds == 0):
            raise ValueError(f"must be at least {render_duration(self.least_s)}")
        return seconds

    def from_json(self, raw: JSON) -> Value:
        if isinstance(raw, bool) or not isinstance(raw, int | str):
            raise ValueError('must be a time such as "30s", or a number of milliseconds')
        return self.from_text(str(raw))

    def to_json(self, value: Value) -> JSON:
        return render_duration(value) if isinstance(value, float) else None


def render_duration(seconds: float) -> str:
    """Write seconds in the largest unit that divides them: ``5d``; else milliseconds."""
    if seconds == 0:
        return "0"
    milliseconds = round(seconds * 1000)
    for unit in "dhms":
        in_unit = int(_UNITS[unit] * 1000)
        if milliseconds % in_unit == 0:
            return f"{milliseconds // in_unit}{unit}"
    return str(milliseconds)


@dataclass(frozen=True)
class Size:
    """A number of bytes, with K, M or G for powers of 1024."""

    least: int
    most: int
    power_of_two: bool = False
    form: str = "size"

    def from_text(self, text: str) -> Value:
        match = _SIZE.fullmatch(text)
        if match is None:
            raise ValueError('must be a number of bytes or a size such as "64K", "1M"')
        return self.from_json(int(match[1]) * _FACTORS[(match[2] or "").lower()])

    def from_json(self, raw: JSON) -> Value:
        if isinstance(raw, str):
            return self.from_text(raw)
        if isinstance(raw, bool) or not isinstance(raw, int):
            raise ValueError('must be a number of bytes or a size such as "64K", "1M"')
        if not self.least <= raw <= self.most:
            raise ValueError(f"must be from {render_size(self.least)} to {render_size(self.most)}")
        if self.power_of_two and raw & (raw - 1):
            raise ValueError("must be a power of two, such as 256K, 1M, 2M")
        return raw

    def to_json(self, value: Value) -> JSON:
        return render_size(value) if isinstance(value, int) else None


def render_size(size: int) -> str:
    """Write bytes in the largest unit that divides them: ``1M``."""
    for unit in "gmk":
        if size and size % _FACTORS[unit] == 0:
            return f"{size // _FACTORS[unit]}{unit.upper()}"
    return str(size)


@dataclass(frozen=True)
class OctalMode:
    """The mode of a file, written in octal as a text."""

    form: str = "mode"

    def from_text(self, text: str) -> Value:
        if not re.fullmatch(r"0?[0-7]{3}", text):
            raise ValueError('must be an octal mode such as "0600"')
        return int(text, 8)

    def from_json(self, raw: JSON) -> Value:
        # A number would be read as decimal: 600 is not 0600.
        return self.from_text(raw if isinstance(raw, str) else "")

    def to_json(self, value: Value) -> JSON:
        return f"{value:04o}" if isinstance(value, int) else None


@dataclass(frozen=True)
class Path(_InQuotes):
    """An absolute path; the command line makes a relative one absolute."""

    form: str = "path"

    def from_text(self, text: str) -> Value:
        if not text.startswith("/") or not re.fullmatch(r"[^\x00-\x1f\x7f]{1,4096}", text):
            raise ValueError("must be an absolute path, such as /etc/gotwist")
        return text


@dataclass(frozen=True)
class UrlPrefix:
    """What stands before every URL; the slashes at its ends are added."""

    form: str = "path"

    def from_text(self, text: str) -> Value:
        inner = text.strip("/")
        if inner and not _PREFIX.fullmatch(inner):
            raise ValueError('must be a path of letters, digits, -, _, . and ~, such as "/term/"')
        return f"/{inner}/" if inner else "/"

    def from_json(self, raw: JSON) -> Value:
        if not isinstance(raw, str):
            raise ValueError('must be a text, such as "/term/"')
        return self.from_text(raw)

    def to_json(self, value: Value) -> JSON:
        return str(value)
