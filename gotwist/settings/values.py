"""Values of settings: JSON as it is read, and the frozen form in which it is used."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TypeAlias

#: What a settings file can say.
JSON: TypeAlias = bool | int | float | str | list["JSON"] | dict[str, "JSON"] | None

#: What an option is worth: durations are float seconds, sizes int bytes, lists tuples.
Value: TypeAlias = bool | int | float | str | tuple["Value", ...] | Mapping[str, "Value"] | None


def freeze(raw: JSON) -> Value:
    """Turn read JSON into a value that nobody can change."""
    if isinstance(raw, dict):
        return MappingProxyType({key: freeze(item) for key, item in raw.items()})
    if isinstance(raw, list):
        return tuple(freeze(item) for item in raw)
    return raw


@dataclass(frozen=True, eq=False, repr=False)
class Values(Mapping[str, Value]):
    """Options by name, with typed questions for those who know what they ask for.

    The representation names the options only: their values may be secret.
    """

    _values: Mapping[str, Value]

    def __getitem__(self, name: str) -> Value:
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {len(self)} options>"

    def boolean(self, name: str) -> bool:
        """The value of a boolean option."""
        value = self._values[name]
        assert isinstance(value, bool), name
        return value

    def integer(self, name: str) -> int:
        """The value of a number, size or mode."""
        value = self._values[name]
        assert isinstance(value, int) and not isinstance(value, bool), name
        return value

    def seconds(self, name: str) -> float:
        """The value of a duration, in seconds."""
        value = self._values[name]
        assert isinstance(value, float), name
        return value

    def text(self, name: str) -> str:
        """The value of a text, choice or path that is always set."""
        value = self._values[name]
        assert isinstance(value, str), name
        return value

    def optional_text(self, name: str) -> str | None:
        """The value of a text, choice or path, or None when it is not set."""
        return None if self._values[name] is None else self.text(name)

    def texts(self, name: str) -> tuple[str, ...]:
        """The value of a list."""
        value = self._values[name]
        assert isinstance(value, tuple), name
        return tuple(item for item in value if isinstance(item, str))

    def mapping(self, name: str) -> Mapping[str, Value]:
        """The value of an option that maps names to values."""
        value = self._values[name]
        assert isinstance(value, Mapping), name
        return value
