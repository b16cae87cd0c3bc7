"""Options that are lists: how they are split, and how their items are read."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import Protocol

from gotwist.settings.values import JSON, Value


class Reader(Protocol):
    """Reads one item of a list."""

    def __call__(self, text: str, /) -> str: ...


def any_text(text: str) -> str:
    """Read an item that may be any text."""
    if not text or re.search(r"[\x00-\x1f\x7f]", text):
        raise ValueError("must be a list of texts")
    return text


def bind_address(text: str) -> str:
    """Read an address to listen on; the empty text means all, IPv6 included."""
    if text in ("", "*"):
        return ""
    if text == "localhost":
        return "127.0.0.1"
    return _address(text, "must hold IP addresses, such as 127.0.0.1;::1 (empty: all)")


def _address(text: str, expected: str) -> str:
    try:
        return str(ipaddress.ip_address(text.strip("[]")))
    except ValueError:
        raise ValueError(expected) from None


def network(text: str) -> str:
    """Read an address or a network."""
    try:
        return str(ipaddress.ip_network(text, strict=False))
    except ValueError:
        raise ValueError("must hold addresses or networks, such as 10.0.0.5;10.1.0.0/16") from None


def origin(text: str) -> str:
    """Read a web page's origin, its scheme and port optional, or ``*``."""
    # "null" is what browsers call pages of no origin, never a host to be let in.
    name = r"(?!null\b)(?:[a-z0-9](?:[a-z0-9.-]{0,252})|\[[0-9a-f:.]{2,45}\])"
    if text == "*" or re.fullmatch(rf"(https?://)?{name}(:[0-9]{{1,5}})?", text.lower()):
        return text.lower()
    raise ValueError(
        "must hold origins such as https://shell.example.org:8443 or plain host names, "
        "without a path"
    )


@dataclass(frozen=True)
class TextList:
    """Several texts: ``;`` between them, or a JSON list."""

    read: Reader = any_text
    may_be_blank: bool = False
    form: str = "text;text"

    def from_text(self, text: str) -> Value:
        if not text and not self.may_be_blank:
            return ()
        items = [item.strip() for item in text.split(";")]
        if len(items) > 1:
            items = [item for item in items if item]
        return self._read_all(items)

    def from_json(self, raw: JSON) -> Value:
        if isinstance(raw, str):
            return self.from_text(raw)
        if not isinstance(raw, list):
            raise ValueError('must be a list of texts, such as ["a", "b"]')
        items = [item for item in raw if isinstance(item, str)]
        if len(items) != len(raw) or len(items) > 1000:
            raise ValueError('must be a list of texts, such as ["a", "b"]')
        return self._read_all(items)

    def to_json(self, value: Value) -> JSON:
        return [str(item) for item in value] if isinstance(value, tuple) else None

    def _read_all(self, items: list[str]) -> Value:
        return tuple(dict.fromkeys(self.read(item) for item in items))


@dataclass(frozen=True)
class MethodList:
    """Some of a few words, at least one; a file may write a single one as a text."""

    choices: tuple[str, ...]

    @property
    def form(self) -> str:
        return ";".join(self.choices)

    def from_text(self, text: str) -> Value:
        return self._check(TextList().from_text(text))

    def from_json(self, raw: JSON) -> Value:
        return self._check(TextList().from_json(raw))

    def to_json(self, value: Value) -> JSON:
        words = TextList().to_json(value)
        return words[0] if isinstance(words, list) and len(words) == 1 else words

    def _check(self, value: Value) -> Value:
        if not isinstance(value, tuple) or not value or not {*value} <= {*self.choices}:
            raise ValueError(f"must be one or more of: {', '.join(self.choices)}")
        return value
