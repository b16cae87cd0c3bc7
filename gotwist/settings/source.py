"""The source of settings: the snapshot in force, and how a new one takes its place."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from gotwist.settings.load import SettingsFile, load
from gotwist.settings.snapshot import Makings, Snapshot

Subscriber = Callable[[Snapshot, Snapshot], None]


class SettingsSource:
    """Holds the current snapshot; a reload replaces it whole or not at all."""

    def __init__(self, files: Iterable[SettingsFile], makings: Makings) -> None:
        """:raises SettingsError: the files cannot be used."""
        self._makings = makings
        self._current = load(files, makings)
        self._subscribers: list[Subscriber] = []

    @property
    def current(self) -> Snapshot:
        """The settings in force; ask anew each time, keep it for one action at most."""
        return self._current

    def subscribe(self, subscriber: Subscriber) -> Callable[[], None]:
        """Call ``subscriber(old, new)`` after each change; gives the way to stop that."""
        # A wrapper of its own, so that the same function may subscribe twice.
        entry: Subscriber = lambda old, new: subscriber(old, new)  # noqa: E731
        self._subscribers.append(entry)

        def unsubscribe() -> None:
            if entry in self._subscribers:
                self._subscribers.remove(entry)

        return unsubscribe

    def reload(self, files: Iterable[SettingsFile]) -> tuple[str, ...]:
        """Put new files in force and tell the subscribers.

        :returns: the names of the changed options; nobody is told when there are none.
        :raises SettingsError: the files cannot be used; nothing has changed.
        :raises ExceptionGroup: subscribers failed; the new settings are in force, and every
            other subscriber has been told.
        """
        old, new = self._current, load(files, self._makings)
        changed = new.changed_since(old)
        if not changed:
            return ()
        self._current = new
        failures: list[Exception] = []
        for subscriber in tuple(self._subscribers):
            try:
                subscriber(old, new)
            except Exception as problem:
                failures.append(problem)
        if failures:
            raise ExceptionGroup("subscribers of the settings failed", failures)
        return changed

    def restart_needed_for(self, changed: Iterable[str]) -> tuple[str, ...]:
        """Those of the changed options that take effect at the next start only."""
        waiting = {f"{o.application}.{o.name}" for o in self._makings.table if o.restart}
        return tuple(name for name in changed if name in waiting)
