"""An emitter: named events, and those who asked to hear of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

Listener: TypeAlias = Callable[..., object]
"""Called with whatever the event is triggered with; its answer is ignored."""


class Emitter:
    """Tell listeners of named events, in the order in which they asked.

    :param on_failure: given the event's name and the exception when a listener fails.  The
        other listeners run all the same: one careless plugin must not silence the rest.
    """

    __slots__ = ("_listeners", "_on_failure")

    def __init__(self, on_failure: Callable[[str, Exception], None]) -> None:
        self._listeners: dict[str, list[tuple[Listener, bool]]] = {}
        self._on_failure = on_failure

    def on(self, name: str, listener: Listener) -> None:
        """Call ``listener`` each time ``name`` happens."""
        self._listeners.setdefault(name, []).append((listener, False))

    def once(self, name: str, listener: Listener) -> None:
        """Call ``listener`` the next time ``name`` happens, and then no more."""
        self._listeners.setdefault(name, []).append((listener, True))

    def off(self, name: str, listener: Listener) -> None:
        """Forget this one listener of ``name``; the others stay.  Unknown ones are ignored."""
        kept = [entry for entry in self._listeners.get(name, ()) if entry[0] != listener]
        if kept:
            self._listeners[name] = kept
        else:
            self._listeners.pop(name, None)

    def trigger(self, name: str, *arguments: object) -> None:
        """Tell everybody who listens at this moment that ``name`` has happened."""
        for entry in tuple(self._listeners.get(name, ())):
            listener, only_once = entry
            if only_once:
                self._drop(name, entry)
            try:
                listener(*arguments)
            except Exception as failure:
                self._on_failure(name, failure)

    def _drop(self, name: str, entry: tuple[Listener, bool]) -> None:
        # A listener may trigger its own event again: it is forgotten before it is called.
        entries = self._listeners.get(name)
        if entries is not None and entry in entries:
            entries.remove(entry)
            if not entries:
                del self._listeners[name]
