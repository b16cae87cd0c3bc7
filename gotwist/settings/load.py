"""From the texts of settings files to a snapshot, everything checked before anything counts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from gotwist.settings.error import SettingsError
from gotwist.settings.jsonc import Document, parse_document
from gotwist.settings.merge import merged
from gotwist.settings.rules import Breach, core_breaches, terminal_breaches
from gotwist.settings.scopes import EVERYBODY, Scope, parse_scope
from gotwist.settings.snapshot import Layer, Makings, OptionProblem, Snapshot
from gotwist.settings.table import ALIASES, CORE_APPLICATION, Table, nearest
from gotwist.settings.values import JSON


@dataclass(frozen=True)
class SettingsFile:
    """A settings file as it was read."""

    path: str
    text: str
    #: Other users of the machine may read it.
    is_public: bool = False


@dataclass(frozen=True)
class _Entry:
    """One option as one file sets it."""

    document: Document
    scope: str
    application: str
    option: str
    raw: JSON
    path: tuple[str, ...]


def load(files: Iterable[SettingsFile], makings: Makings) -> Snapshot:
    """Parse, merge and check settings files, given in the order in which they count.

    :raises SettingsError: something is wrong with one of them, or with all together.
    """
    scopes: dict[str, Scope | None] = {}
    tree: dict[str, dict[str, dict[str, JSON]]] = {EVERYBODY: {}}
    origins: dict[tuple[str, str, str], _Entry] = {}
    for file in files:
        document = parse_document(file.path, file.text)
        for entry in _entries(document, scopes):
            _check_entry(entry, makings.table, scopes[entry.scope], file)
            options = tree.setdefault(entry.scope, {}).setdefault(entry.application, {})
            options.update(merged(options, {entry.option: entry.raw}))
            origins[entry.scope, entry.application, entry.option] = entry
    return _Builder(makings, tree, scopes, origins).snapshot()


def _entries(document: Document, scopes: dict[str, Scope | None]) -> Iterator[_Entry]:
    for scope, applications in document.root.items():
        if scope not in scopes:
            try:
                scopes[scope] = parse_scope(scope)
            except ValueError as problem:
                raise document.error((scope,), f"{scope[:100]!r} {problem}") from None
        if not isinstance(applications, dict):
            raise document.error((scope,), 'a scope holds applications: {"gotwist": {...}}')
        for application, options in applications.items():
            path = (scope, application)
            if not isinstance(options, dict):
                raise document.error(path, 'an application holds options: {"port": 10443}')
            for option, raw in options.items():
                name = ALIASES.get(application, application)
                yield _Entry(document, scope, name, option, raw, (*path, option))


def _check_entry(entry: _Entry, table: Table, scope: Scope | None, file: SettingsFile) -> None:
    def refuse(message: str) -> SettingsError:
        return entry.document.error(entry.path, message)

    if entry.application not in table.applications:
        meant = nearest(entry.application, table.applications)
        if meant is not None:
            raise refuse(f'unknown application "{entry.application[:64]}"; did you mean "{meant}"?')
        return
    option = table.find(entry.application, entry.option)
    if option is None:
        raise refuse(_unknown_option(entry.application, entry.option, table))
    if not option.in_files:
        raise refuse(f"{option.name} works on the command line only; take it out of this file")
    if scope is not None and not option.per_user:
        raise refuse(
            f'{option.name} holds for all users or none; move it into the scope "{EVERYBODY}"'
        )
    if option.secret and file.is_public and entry.raw is not None:
        raise refuse(f"{option.name} can be read by everybody; run: chmod o-r {file.path}")


def _unknown_option(application: str, name: str, table: Table) -> str:
    for other in table.applications:
        if table.find(other, name) is not None:
            return f'{name} is an option of "{other}", not of "{application}"; move it there'
    known = [option.name for option in table.of(application) if option.in_files]
    meant = nearest(name, known)
    remedy = f"did you mean {meant}?" if meant else "docs/settings.md lists the known ones"
    return f'unknown option "{name[:64]}" of "{application}"; {remedy}'


@dataclass(frozen=True)
class _Builder:
    makings: Makings
    tree: dict[str, dict[str, dict[str, JSON]]]
    scopes: Mapping[str, Scope | None]
    origins: Mapping[tuple[str, str, str], _Entry]

    def snapshot(self) -> Snapshot:
        layers = tuple(
            Layer(scope, self.tree[text])
            for text, scope in self.scopes.items()
            if scope is not None and text in self.tree
        )
        scope = EVERYBODY
        try:
            snapshot = Snapshot.of(self.makings, self.tree[EVERYBODY], layers)
            for application in self.makings.table.applications:
                self.check(snapshot, EVERYBODY, application)
            for layer in layers:
                scope = layer.scope.text
                for application in layer.applications:
                    self.check(snapshot, scope, application)
        except OptionProblem as problem:
            option = problem.option
            raise self.error((scope,), option.application, (option.name,), str(problem)) from None
        return snapshot

    def check(self, snapshot: Snapshot, scope: str, application: str) -> None:
        values = snapshot.of_scope(application, scope)
        breaches: Iterable[Breach] = ()
        if application == CORE_APPLICATION:
            breaches = core_breaches(values)
        elif application == "terminal":
            breaches = terminal_breaches(values)
        for breach in breaches:
            blamed = (breach.option, "commands") if application == "terminal" else (breach.option,)
            raise self.error((scope,), application, blamed, breach.message)

    def error(
        self, scopes: tuple[str, ...], application: str, options: tuple[str, ...], message: str
    ) -> SettingsError:
        """Make the error at the place that last set one of ``options``, or at no place."""
        for scope in (*scopes, EVERYBODY):
            for option in options:
                entry = self.origins.get((scope, application, option))
                if entry is not None and option not in self.makings.overrides:
                    return entry.document.error(entry.path, message)
        return SettingsError("settings", 0, 0, message)
