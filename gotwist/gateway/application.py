"""Applications: what users do.  One class each; one instance per connected client."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import timedelta
from typing import ClassVar, final

from gotwist.events.emitter import Listener
from gotwist.gateway.actions import Action, collect_actions
from gotwist.gateway.clients import Client
from gotwist.gateway.house import House, Timer

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}
_DURATION = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ms|s|m|h|d)\Z")


class Application:
    """Derive from this, give a ``name``, and write methods with ``@action``.

    What all clients of the daemon share is made once by :meth:`make_shared`, and is there as
    ``self.shared``.  The methods below do nothing here; override those you need.
    """

    # Third parties need none of their own: then their instances have a dictionary as usual.
    __slots__ = ("_listening", "_timers", "client", "house", "shared")

    name: ClassVar[str]
    version: ClassVar[str] = "1.0"
    description: ClassVar[str] = ""
    actions: ClassVar[Mapping[str, Action]] = {}

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        cls.actions = collect_actions(cls)

    @final
    def __init__(self, client: Client, house: House, shared: object) -> None:
        self.client = client
        self.house = house
        self.shared = shared
        # Made when first needed: thousands of clients never do.
        self._timers: set[Timer] | None = None
        self._listening: list[tuple[str, Listener]] | None = None

    # -- to override ------------------------------------------------------------------------

    @classmethod
    def make_shared(cls, house: House) -> object:
        """Make what all clients share; also the place for ``house.add_policy``."""
        return None

    def initialize(self) -> None:
        """Called first, when everything of this instance is there."""

    def open(self) -> None:
        """Called when the connection is open; nobody has signed in yet."""

    def authenticate(self) -> Awaitable[None] | None:
        """Called when the client has signed in: say what a fresh page needs to know."""

    def on_location(self) -> None:
        """Called when the tab has moved to another location."""

    def on_settings(self) -> None:
        """Called when settings have changed, whichever; the user may still use this."""

    def on_refused(self) -> None:
        """Called when settings have changed and the user may not use this any more.

        Stop serving at once; no action runs until :meth:`authenticate` is called again.
        """

    def on_close(self) -> None:
        """Called when the connection has ended, also when nobody ever signed in."""

    def sub_applications(self) -> Sequence[dict[str, str]]:
        """What a user can open of this application: ``{"name", "description"?, "icon"?}``."""
        return ()

    # -- to use -----------------------------------------------------------------------------

    def add_timeout(self, delay: str | timedelta | float, function: Callable[[], object]) -> Timer:
        """Call ``function`` once after ``delay``, unless the connection ends before.

        :param delay: ``"5s"`` (units ms, s, m, h, d), a timedelta, or seconds.
        """
        if self._timers is None:
            self._timers = set()
        timers = self._timers

        def ring() -> None:
            timers.discard(timer)
            try:
                function()
            except Exception as failure:
                self.house.log.failure("timeout failed", failure, application=self.name)

        timer = self.house.clock.call_later(seconds(delay), ring)
        timers.add(timer)
        return timer

    def add_handler(self, pattern: str, handler: object) -> None:
        """Let ``handler``, a web resource, answer the paths that match ``pattern``."""
        self.house.add_handler(pattern, handler)

    def on(self, event: str, listener: Listener) -> None:
        """Listen to an event of the daemon as long as this client is connected."""
        self._remember(event, listener)
        self.house.emitter.on(event, listener)

    def once(self, event: str, listener: Listener) -> None:
        """Listen to the next such event only."""
        self._remember(event, listener)
        self.house.emitter.once(event, listener)

    def off(self, event: str, listener: Listener) -> None:
        """Listen no more."""
        self._listening = [entry for entry in self._listening or () if entry != (event, listener)]
        self.house.emitter.off(event, listener)

    def trigger(self, event: str, *arguments: object) -> None:
        """Tell all listeners that ``event`` has happened."""
        self.house.emitter.trigger(event, *arguments)

    @final
    def release(self) -> None:
        """Give back timers and listeners; the gateway calls this after :meth:`on_close`."""
        timers, self._timers = self._timers, None
        for timer in timers or ():
            timer.cancel()
        listening, self._listening = self._listening, None
        for event, listener in listening or ():
            self.house.emitter.off(event, listener)

    def _remember(self, event: str, listener: Listener) -> None:
        if self._listening is None:
            self._listening = []
        self._listening.append((event, listener))


def seconds(delay: str | timedelta | float) -> float:
    """The seconds in ``"5s"``, a timedelta or a number.

    :raises ValueError: for a text that is no duration, or a negative one.
    """
    if isinstance(delay, timedelta):
        result = delay.total_seconds()
    elif isinstance(delay, str):
        match = _DURATION.match(delay)
        if match is None:
            raise ValueError(f"not a duration: {delay!r}")
        result = float(match[1]) * _UNITS[match[2]]
    else:
        result = float(delay)
    if result < 0:
        raise ValueError("a delay is not negative")
    return result
