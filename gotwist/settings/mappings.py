"""Options that map names to values: commands, environment variables, API keys, dimensions."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from gotwist.settings.values import JSON, Value

_NAME = re.compile(r"[^\x00-\x1f\x7f]{1,64}")
_TEXT = re.compile(r"[^\x00-\x1f\x7f]{0,4096}")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")
_KEY = re.compile(r"[A-Za-z0-9+/=_.-]{1,128}")
_SECRET = re.compile(r"[!-+\--~]{32,512}")
_MEMBERS = {"command": 4096, "description": 256, "icon": 16_384}

_MOST = {"rows": 500, "columns": 1000}

#: Variables whose value decides what a program loads or runs before its first line.
#: What stands in settings is the operator's own, yet these have no place there.
_REFUSED_VARIABLES = re.compile(r"LD_.*|BASH_ENV|ENV|IFS|PROMPT_COMMAND|PYTHON.*|PERL5LIB")


@dataclass(frozen=True)
class Commands:
    """Programs by name: ``{"name": "command line"}`` or an object with ``command``.

    The value of each name is an object with all of ``command``, ``description`` and
    ``icon``; the last two may be empty.
    """

    form: str = "json"

    def from_text(self, text: str) -> Value:
        return self.from_json(_parse(text))

    def from_json(self, raw: JSON) -> Value:
        if not isinstance(raw, dict):
            raise ValueError('must be an object, such as {"shell": "%SHELL%"}')
        if len(raw) > 200:
            raise ValueError("must hold at most 200 commands")
        return MappingProxyType({name: self._command(name, item) for name, item in raw.items()})

    def to_json(self, value: Value) -> JSON:
        assert isinstance(value, Mapping)
        result: dict[str, JSON] = {}
        for name, item in value.items():
            assert isinstance(item, Mapping)
            members: dict[str, JSON] = {key: str(text) for key, text in item.items() if text}
            result[name] = members["command"] if len(members) == 1 else members
        return result

    def _command(self, name: str, item: JSON) -> Value:
        if not _NAME.fullmatch(name):
            raise ValueError("must have names of 1 to 64 characters")
        members: Mapping[str, JSON] = {"command": item} if isinstance(item, str) else {}
        if isinstance(item, dict):
            members = item
        command = members.get("command")
        if not isinstance(command, str) or not command.strip():
            raise ValueError(f"has no command for {name!r}; give it one as text")
        for key, text in members.items():
            if key not in _MEMBERS:
                raise ValueError(
                    f"has an unknown member {key!r} for {name!r}; known are {', '.join(_MEMBERS)}"
                )
            if not isinstance(text, str) or len(text) > _MEMBERS[key]:
                raise ValueError(
                    f"has a {key} for {name!r} that is not a text of at most "
                    f"{_MEMBERS[key]} characters"
                )
        try:
            words = shlex.split(command)
        except ValueError:
            raise ValueError(f"has a command for {name!r} with an open quote; close it") from None
        if not words or not _TEXT.fullmatch(command):
            raise ValueError(f"has a command for {name!r} that names no program")
        return MappingProxyType({key: members.get(key, "") for key in _MEMBERS})  # type: ignore[misc]


@dataclass(frozen=True)
class Environment:
    """Environment variables by name."""

    form: str = "json"

    def from_text(self, text: str) -> Value:
        return self.from_json(_parse(text))

    def from_json(self, raw: JSON) -> Value:
        if not isinstance(raw, dict):
            raise ValueError('must be an object, such as {"TERM": "xterm-256color"}')
        for name, text in raw.items():
            if not _VARIABLE.fullmatch(name):
                raise ValueError(f"has {name[:64]!r}, which is no name of a variable")
            if _REFUSED_VARIABLES.fullmatch(name):
                raise ValueError(f"must not set {name}; start a script that sets it instead")
            if not isinstance(text, str) or not _TEXT.fullmatch(text):
                raise ValueError(f"must give {name} a text, in double quotes")
        return MappingProxyType({name: str(text) for name, text in raw.items()})

    def to_json(self, value: Value) -> JSON:
        assert isinstance(value, Mapping)
        return {name: str(text) for name, text in value.items()}


@dataclass(frozen=True)
class ApiKeys:
    """Secrets by API key; no refusal repeats any of them.

    On the command line ``key:secret,key:secret``.
    """

    form: str = "key:secret,key:secret"

    def from_text(self, text: str) -> Value:
        pairs = [pair.partition(":") for pair in text.split(",")] if text else []
        if len({key for key, _, _ in pairs}) != len(pairs):
            raise ValueError("must not hold a key twice")
        return self.from_json({key.strip(): secret.strip() for key, _, secret in pairs})

    def from_json(self, raw: JSON) -> Value:
        if not isinstance(raw, dict):
            raise ValueError('must be an object, such as {"<key>": "<secret>"}')
        # A key that a later file sets to null is taken away.
        given = {key: secret for key, secret in raw.items() if secret is not None}
        for number, (key, secret) in enumerate(given.items(), 1):
            if not _KEY.fullmatch(key):
                raise ValueError(
                    f"has a key (number {number}) that is not 1 to 128 letters, digits and "
                    "+ / = _ . -"
                )
            if not isinstance(secret, str) or not _SECRET.fullmatch(secret):
                raise ValueError(
                    f"has a secret (number {number}) that is not 32 to 512 printable "
                    "characters without space and comma; --new_api_key makes good ones"
                )
        # What is signed begins with the key: with one secret for two keys, the end of one could
        # be taken for the beginning of a name.
        if len(set(given.values())) != len(given):
            raise ValueError("has one secret for two keys; give each its own")
        return MappingProxyType({key: str(secret) for key, secret in given.items()})

    def to_json(self, value: Value) -> JSON:
        assert isinstance(value, Mapping)
        return {key: str(secret) for key, secret in value.items()}


class Dimensions:
    """The largest size of a terminal: ``{"rows": 100, "columns": 300}``, one may be missing."""

    form: str = "json"

    def from_text(self, text: str) -> Value:
        return self.from_json(_parse(text))

    def from_json(self, raw: JSON) -> Value:
        if not isinstance(raw, dict) or not raw or not raw.keys() <= _MOST.keys():
            raise ValueError('must be an object such as {"rows": 100, "columns": 300}')
        for name, number in raw.items():
            if type(number) is not int or not 2 <= number <= _MOST[name]:
                raise ValueError(f"must have {name} that are a number from 2 to {_MOST[name]}")
        return MappingProxyType(dict(raw))  # type: ignore[arg-type]  # numbers only, see above

    def to_json(self, value: Value) -> JSON:
        assert isinstance(value, Mapping)
        return {name: number for name, number in value.items() if isinstance(number, int)}


def _parse(text: str) -> JSON:
    try:
        parsed: JSON = json.loads(text) if len(text) <= 65_536 else None
    except (ValueError, RecursionError):
        raise ValueError("must be a JSON object, quoted for the shell") from None
    return parsed
