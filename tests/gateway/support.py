"""A house made of memory, and a connection that keeps what it is given."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from twisted.internet.task import Clock

from gotwist.applications.example.echo import Example
from gotwist.applications.go.core import Go
from gotwist.auth.authenticator import build_authenticator
from gotwist.auth.signins import SignIn, SignIns
from gotwist.auth.tokens import MemoryTokenStore
from gotwist.auth.user import User
from gotwist.events.audit import AuditValue, render_event
from gotwist.events.emitter import Emitter
from gotwist.gateway.application import Application
from gotwist.gateway.client import GatewayClient
from gotwist.gateway.clients import Buffer, Peer
from gotwist.gateway.gateway import Gateway
from gotwist.gateway.house import House, Settings
from gotwist.gateway.limits import Limits
from gotwist.gateway.sessions import Sessions
from gotwist.gateway.websocket.outside import ReactorClock, spawn

WALL = 1_795_500_000.0
PEER = Peer("192.0.2.7")


class MemoryLog:
    """A log that keeps what it is told."""

    def __init__(self) -> None:
        self.events: list[tuple[str, dict[str, object]]] = []
        self.failures: list[tuple[str, BaseException]] = []

    def info(self, what: str, **fields: object) -> None:
        self.events.append((what, fields))

    def failure(self, what: str, failure: BaseException, **fields: object) -> str:
        self.failures.append((what, failure))
        return "f00d"


class MemorySettings:
    """Settings by application, the same for everybody."""

    def __init__(self, applications: Mapping[str, Mapping[str, object]] | None = None) -> None:
        self.applications = applications or {}

    def __getitem__(self, name: str) -> object:
        return self.applications["gotwist"][name]

    def application(
        self, name: str, attributes: Mapping[str, str] | None, groups: Sequence[str] = ()
    ) -> Mapping[str, object]:
        return self.applications.get(name, {})


class MemoryAudit:
    """Keeps what was recorded, after having made lines of it as the daemon would."""

    def __init__(self) -> None:
        self.events: list[tuple[str, dict[str, AuditValue]]] = []

    def record(self, event: str, **fields: AuditValue) -> None:
        render_event(event, fields, WALL, 1)
        self.events.append((event, fields))

    def named(self, event: str) -> list[dict[str, AuditValue]]:
        return [fields for name, fields in self.events if name == event]


class MemoryConnection:
    """What a client writes, taken apart into frames."""

    def __init__(self) -> None:
        self.wire = bytearray()
        self.closed_with: tuple[int, str] | None = None
        self.aborted = False
        self.reading = True

    def send_wire(self, *buffers: Buffer) -> None:
        for buffer in buffers:
            self.wire += buffer

    def close(self, code: int, reason: str) -> None:
        self.closed_with = (code, reason)

    def abort(self) -> None:
        self.aborted = True

    def pause_reading(self) -> None:
        self.reading = False

    def resume_reading(self) -> None:
        self.reading = True

    def frames(self) -> list[tuple[int, bytes]]:
        """First byte and payload of each frame written since the last call."""
        found = split_frames(bytes(self.wire))
        self.wire.clear()
        return found

    def messages(self) -> list[tuple[str, object]]:
        """The actions written since the last call."""
        pairs: list[tuple[str, object]] = []
        for first, payload in self.frames():
            assert first == 0x81, first
            pairs.extend(json.loads(payload).items())
        return pairs


def split_frames(wire: bytes) -> list[tuple[int, bytes]]:
    """The server's frames in ``wire``, which must hold whole ones."""
    found = []
    while wire:
        length, start = wire[1], 2
        if length == 126:
            (length,), start = struct.unpack_from("!H", wire, 2), 4
        elif length == 127:
            (length,), start = struct.unpack_from("!Q", wire, 2), 10
        assert len(wire) >= start + length, "half a frame"
        found.append((wire[0], wire[start : start + length]))
        wire = wire[start + length :]
    return found


@dataclass
class World:
    """A gateway with everything it needs, and a clock to turn."""

    applications: Iterable[type[Application]] = (Go, Example)
    method: str = "none"
    limits: Limits = field(default_factory=Limits)

    def __post_init__(self) -> None:
        self.clock = Clock()
        self.settings: Settings = MemorySettings()
        self.audit = MemoryAudit()
        self.log = MemoryLog()
        self.handlers: dict[str, object] = {}
        clock = ReactorClock(self.clock, lambda: WALL + self.clock.seconds())
        self.signins = SignIns("secret", clock.wall_now)
        self.tokens = MemoryTokenStore(clock.now)
        self.house = House(
            clock=clock,
            spawn=spawn,
            log=self.log,
            settings=lambda: self.settings,
            authenticator=build_authenticator(
                (self.method,), self.signins, self.tokens, clock.wall_now
            ),
            signins=self.signins,
            sessions=Sessions(lambda failure: None),
            emitter=Emitter(lambda name, failure: None),
            add_handler=self.handlers.__setitem__,
            limits=self.limits,
            audit=self.audit,
        )
        self.gateway = Gateway(self.house, self.applications)

    def change(self, settings: Settings) -> None:
        """Put other settings in force, as a reload does."""
        self.settings = settings
        self.gateway.review()

    def connect(
        self, offered: SignIn | None = None, peer: Peer = PEER
    ) -> tuple[GatewayClient, MemoryConnection]:
        """An open connection on which nobody has signed in."""
        connection = MemoryConnection()
        client = self.gateway.connect(connection, peer, offered)
        client.opened()
        return client, connection

    def sign_in(self, upn: str = "alice") -> SignIn:
        """A sign-in of a browser, with its cookie."""
        return self.signins.issue(User(upn, "token"))

    def enter(self, upn: str = "alice") -> tuple[GatewayClient, MemoryConnection]:
        """A connection on which this user has signed in; what was said so far is dropped."""
        client, connection = self.connect(self.sign_in(upn))
        say(client, "go:authenticate", {"auth": None})
        assert client.user is not None, connection.messages()
        connection.frames()
        return client, connection


def say(client: GatewayClient, action: str, value: object) -> None:
    """Let the client receive one action."""
    client.receive_text(json.dumps({action: value}).encode())
