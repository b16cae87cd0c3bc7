"""Snapshots: all settings in force at one time, immutable, with the scopes of a user applied."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from gotwist.paths import Places
from gotwist.settings.merge import merged
from gotwist.settings.option import Option
from gotwist.settings.scopes import Scope
from gotwist.settings.table import CORE_APPLICATION, Table
from gotwist.settings.values import JSON, Value, Values, freeze

#: Settings as files give them: by application, then by option.
Applications = Mapping[str, Mapping[str, JSON]]

_MAX_CACHED = 1000


@dataclass(frozen=True)
class Layer:
    """What the files say for the users of one scope."""

    scope: Scope
    applications: Applications


class OptionProblem(ValueError):
    """A value in the files that its option does not accept."""

    def __init__(self, option: Option, message: str) -> None:
        super().__init__(message)
        self.option = option


@dataclass(frozen=True)
class Makings:
    """What snapshots are made of besides files."""

    table: Table
    places: Places
    #: From the command line; these win over files and scopes.
    overrides: Mapping[str, Value]

    def values(self, application: str, raw: Mapping[str, JSON]) -> Values:
        """Turn what files say about one application into values, with all defaults.

        Options of applications that the table does not know are taken as they are.

        :raises OptionProblem: a value is not of its option's kind.
        """
        options = self.table.of(application)
        if not options:
            return Values(MappingProxyType({name: freeze(item) for name, item in raw.items()}))
        return Values(
            MappingProxyType({option.name: self._value(option, raw) for option in options})
        )

    def _value(self, option: Option, raw: Mapping[str, JSON]) -> Value:
        found = raw.get(option.name)
        if option.command_line and option.name in self.overrides:
            override = self.overrides[option.name]
            return option.default_value(self.places) if override is None else override
        if found is None:
            return option.default_value(self.places)
        try:
            return option.kind.from_json(found)
        except ValueError as problem:
            raise OptionProblem(option, f"{option.application}.{option.name} {problem}") from None


@dataclass(frozen=True, eq=False, repr=False)
class Snapshot(Values):
    """The settings in force: the daemon's own by name, the others by application."""

    _makings: Makings
    _everybody: Applications
    _layers: tuple[Layer, ...]
    _cache: dict[tuple[str, tuple[int, ...]], Values] = field(default_factory=dict)

    @classmethod
    def of(
        cls, makings: Makings, everybody: Applications, layers: tuple[Layer, ...] = ()
    ) -> Snapshot:
        """Make a snapshot from what the files say.

        :raises OptionProblem: a value is not of its option's kind.
        """
        core = makings.values(CORE_APPLICATION, everybody.get(CORE_APPLICATION, {}))
        return cls(MappingProxyType(dict(core)), makings, everybody, layers)

    def application(
        self,
        name: str,
        attributes: Mapping[str, str] | None = None,
        groups: Sequence[str] = (),
    ) -> Values:
        """The settings of an application, for a user with these attributes and groups.

        Without attributes only what holds for everybody is applied.
        """
        matching: tuple[int, ...] = ()
        if attributes is not None:
            matching = tuple(
                index
                for index, layer in enumerate(self._layers)
                if name in layer.applications and layer.scope.matches(attributes, groups)
            )
        key = (name, matching)
        if key not in self._cache:
            if len(self._cache) >= _MAX_CACHED:
                self._cache.clear()
            self._cache[key] = self._applied(name, matching)
        return self._cache[key]

    def _applied(self, name: str, matching: tuple[int, ...]) -> Values:
        raw = dict(self._everybody.get(name, {}))
        if matching:
            # Some users' objects add to everybody's, which may be the default ones.
            for option in self._makings.table.of(name):
                if raw.get(option.name) is None and isinstance(option.default, dict):
                    raw[option.name] = option.default
        for index in matching:
            raw = merged(raw, self._layers[index].applications[name])
        return self._makings.values(name, raw)

    def scopes(self, name: str) -> tuple[str, ...]:
        """The scopes for which the files say something about an application."""
        return tuple(layer.scope.text for layer in self._layers if name in layer.applications)

    def of_scope(self, name: str, scope: str) -> Values:
        """The settings of an application with one scope applied, whoever it matches."""
        return self._applied(
            name,
            tuple(
                index
                for index, layer in enumerate(self._layers)
                if layer.scope.text == scope and name in layer.applications
            ),
        )

    def anywhere(self, name: str, option: str) -> tuple[Value, ...]:
        """What an option is for everybody, and for each scope that sets it."""
        scopes = [
            layer.scope.text for layer in self._layers if option in layer.applications.get(name, {})
        ]
        return (
            self.application(name)[option],
            *(self.of_scope(name, scope)[option] for scope in scopes),
        )

    def changed_since(self, earlier: Snapshot) -> tuple[str, ...]:
        """Name what differs, as ``application.option`` or ``application.option for scope``."""
        before, after = earlier._flat(), self._flat()
        return tuple(
            name
            for name in sorted(before.keys() | after.keys())
            if before.get(name) != after.get(name)
        )

    def _flat(self) -> dict[str, Value]:
        flat: dict[str, Value] = {}
        for application in {*self._makings.table.applications, *self._everybody}:
            for name, value in self.application(application).items():
                flat[f"{application}.{name}"] = value
        for layer in self._layers:
            for application, options in layer.applications.items():
                for name, raw in options.items():
                    flat[f"{application}.{name} for {layer.scope.text}"] = freeze(raw)
        return flat
