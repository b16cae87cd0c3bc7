"""Kinds of options for sign-ins that others vouch for: issuers, domains, Google's pair."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from gotwist.settings.values import JSON, Value

_CREDENTIAL = re.compile(r"[\x21-\x7e]{1,512}")


@dataclass(frozen=True)
class KeyAndSecret:
    """What Google gives to a web application: ``{"key": "...", "secret": "..."}``."""

    form: str = "json"

    def from_text(self, text: str) -> Value:
        try:
            return self.from_json(json.loads(text) if len(text) <= 4096 else None)
        except (ValueError, RecursionError):
            raise ValueError(self._expected()) from None

    def from_json(self, raw: JSON) -> Value:
        if not isinstance(raw, dict) or raw.keys() != {"key", "secret"}:
            raise ValueError(self._expected())
        if not all(isinstance(text, str) and _CREDENTIAL.fullmatch(text) for text in raw.values()):
            raise ValueError(self._expected())
        return MappingProxyType({name: str(raw[name]) for name in ("key", "secret")})

    def to_json(self, value: Value) -> JSON:
        assert isinstance(value, Mapping)
        return {name: str(text) for name, text in value.items()}

    @staticmethod
    def _expected() -> str:
        return 'must be an object with two texts: {"key": "...", "secret": "..."}'


def domain(text: str) -> str:
    """Read a domain, or ``*`` for all."""
    if text == "*" or re.fullmatch(r"[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?", text.lower()):
        return text.lower()
    raise ValueError("must hold domains such as example.org")


def email(text: str) -> str:
    """Read an e-mail address."""
    if re.fullmatch(r"[^@\s\x00-\x1f\x7f]{1,64}@[a-z0-9.-]{1,190}", text.lower()):
        return text.lower()
    raise ValueError("must hold addresses such as alice@example.org")


def claim(text: str) -> str:
    """Read the name of a claim."""
    if re.fullmatch(r"[A-Za-z0-9_:/.-]{1,128}", text):
        return text
    raise ValueError("must hold names of claims, such as name or department")
