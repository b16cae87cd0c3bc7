"""The house: what all clients of one daemon share, made once by the roof."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias

from gotwist.auth.authenticator import Authenticates
from gotwist.auth.signins import SignIns
from gotwist.events.audit import Audit, NoAudit
from gotwist.events.emitter import Emitter
from gotwist.gateway.clients import Client, Clients
from gotwist.gateway.limits import Limits
from gotwist.gateway.sessions import Sessions


class Timer(Protocol):
    """Something that is going to happen."""

    def cancel(self) -> None:
        """Keep it from happening; harmless when it has happened."""


class Clock(Protocol):
    """Time, as the pure parts of the daemon are given it."""

    def now(self) -> float:
        """Monotonic seconds."""

    def wall_now(self) -> float:
        """Seconds since 1970."""

    def call_later(self, delay_s: float, function: Callable[[], object]) -> Timer: ...


class Spawn(Protocol):
    """Runs a coroutine as far as it goes at once, and then whenever it can go on."""

    def __call__(self, work: Coroutine[object, object, None]) -> Timer: ...


class Log(Protocol):
    """Where the pure parts of the daemon tell the operator something."""

    def info(self, what: str, **fields: object) -> None:
        """An event of the daemon's life: a constant phrase, and its particulars as fields."""

    def failure(self, what: str, failure: BaseException, **fields: object) -> str:
        """A fault of ours with its traceback; gives the id under which it can be found."""


class Settings(Protocol):
    """The settings in force at one moment."""

    def __getitem__(self, name: str) -> object: ...

    def application(
        self, name: str, attributes: Mapping[str, str] | None, groups: Sequence[str] = ()
    ) -> Mapping[str, object]: ...


Policy: TypeAlias = Callable[[Client, str, object], None]
"""Given client, action and argument; raises :class:`Denied` when it may not be."""


AddHandler: TypeAlias = Callable[[str, object], None]
"""Given a regular expression and what answers the paths that match it."""


@dataclass(eq=False)
class House:
    """What is shared by all clients.

    ``settings`` gives the snapshot in force.  ``policies`` and ``shared`` are by name of the
    application.  ``add_handler`` lets a web resource answer the paths below the prefix that
    match a regular expression in full; one given again replaces the first.
    """

    clock: Clock
    spawn: Spawn
    log: Log
    settings: Callable[[], Settings]
    authenticator: Authenticates
    signins: SignIns
    sessions: Sessions
    emitter: Emitter
    add_handler: AddHandler
    audit: Audit = field(default_factory=NoAudit)
    clients: Clients = field(default_factory=Clients)
    limits: Limits = field(default_factory=Limits)
    policies: dict[str, Policy] = field(default_factory=dict)
    shared: dict[str, object] = field(default_factory=dict)

    def add_policy(self, application: str, policy: Policy) -> None:
        """Ask ``policy`` wherever an action requires ``policies(application)``."""
        self.policies[application] = policy
