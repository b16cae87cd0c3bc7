"""Clients as applications see them, and the registry of all that are connected."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from gotwist.auth.certificates import ClientCertificate
from gotwist.auth.credentials import Credentials
from gotwist.auth.signins import SignIn
from gotwist.auth.user import User
from gotwist.gateway.frames import TEXT, ws_header
from gotwist.gateway.messages import encode_message
from gotwist.gateway.sessions import Session

Buffer: TypeAlias = bytes | memoryview
BinaryListener: TypeAlias = Callable[[int, int, bytes], None]
"""Called with terminal number, offset and payload."""

GOING_AWAY = 1001
INTERNAL = 1011
BAD_MESSAGE = 4400
NOT_AUTHENTICATED = 4401
NOT_ALLOWED = 4403
TOO_LATE = 4408
TOO_MANY = 4429


@dataclass(frozen=True, slots=True)
class Peer:
    """Where a client comes from: its address, and whether its browser uses HTTPS.

    ``certificate`` is the one by which TLS has let it in, if it has one and that is a way of
    signing in here.
    """

    address: str
    secure: bool = False
    certificate: ClientCertificate | None = None


class Hosted(Protocol):
    """What the list of applications tells about one of them."""

    @property
    def name(self) -> str: ...
    @property
    def version(self) -> str: ...
    @property
    def description(self) -> str: ...
    def sub_applications(self) -> Sequence[dict[str, str]]: ...


class Client(Protocol):
    """One browser tab."""

    @property
    def id(self) -> str: ...
    @property
    def peer(self) -> Peer: ...
    @property
    def sign_in(self) -> SignIn | None: ...
    @property
    def user(self) -> User | None: ...
    @property
    def session(self) -> Session:
        """The user's session; there is one once the client has authenticated."""

    @property
    def location(self) -> str: ...
    @property
    def is_open(self) -> bool: ...
    @property
    def is_writable(self) -> bool:
        """False while the transport holds more than it wants to."""

    @property
    def applications(self) -> Sequence[Hosted]:
        """Those that are there for this user."""

    def settings(self, application: str) -> Mapping[str, object]:
        """The settings of an application that are in force for this user, at this address."""

    @property
    def origin(self) -> Mapping[str, str]:
        """Who this is, for the audit stream: address, client, sign-in (hashed) and user."""

    def may_use(self, application: str) -> bool:
        """Whether an application is there for this user."""

    def review(self) -> None:
        """The settings have changed: give and take what they give and take now."""

    def send(self, action: str, value: object) -> None:
        """Send one JSON message; nothing happens once the client is gone."""

    def send_frame(self, *buffers: Buffer) -> None:
        """Send one binary message gathered from ``buffers``.

        The buffers may be views of memory that changes after the call.
        """

    def send_wire(self, *buffers: Buffer) -> None:
        """Send a whole WebSocket frame, its header included (:func:`frames.wire_header`)."""

    def on_binary(self, kind: int, callback: BinaryListener) -> None:
        """Give the binary frames of this kind to ``callback``."""

    def on_writable(self, callback: Callable[[], None]) -> None:
        """Call ``callback`` each time the client becomes writable again."""

    def pause_reading(self) -> None:
        """Read nothing from this client until :meth:`resume_reading`."""

    def resume_reading(self) -> None: ...

    def authenticate(self, credentials: Credentials | None, location: str) -> Awaitable[None]:
        """Sign in; None stands for what the handshake brought.  Raises :class:`Denied`."""

    def allow_time(self, seconds: float) -> None:
        """Let somebody who has not signed in yet have so much time from now on."""

    def move(self, location: str) -> None:
        """Make ``location`` this tab's place."""

    def sign_out(self) -> None:
        """End this sign-in everywhere it is open."""

    def close(self, code: int, reason: str) -> None:
        """End the connection with a code and a reason of at most 123 bytes."""


class Clients:
    """All connected clients."""

    def __init__(self) -> None:
        self._clients: dict[str, Client] = {}
        self._by_user: dict[str, dict[str, Client]] = {}
        self._per_address: Counter[str] = Counter()
        self._unauthenticated: Counter[str] = Counter()

    def __iter__(self) -> Iterator[Client]:
        return iter(tuple(self._clients.values()))

    def __len__(self) -> int:
        return len(self._clients)

    def add(self, client: Client) -> None:
        """Count this client, whose user is not known yet, among the connected."""
        self._clients[client.id] = client
        self._per_address[client.peer.address] += 1
        self._unauthenticated[client.peer.address] += 1

    def know(self, client: Client) -> None:
        """Note that the client's user is known now."""
        if client.user is not None and client.id in self._clients:
            self._by_user.setdefault(client.user.upn, {})[client.id] = client
            _decrease(self._unauthenticated, client.peer.address)

    def remove(self, client: Client) -> None:
        """Count it no more."""
        if self._clients.pop(client.id, None) is None:
            return
        _decrease(self._per_address, client.peer.address)
        if client.user is None:
            _decrease(self._unauthenticated, client.peer.address)
            return
        others = self._by_user[client.user.upn]
        del others[client.id]
        if not others:
            del self._by_user[client.user.upn]

    def find(self, id: str) -> Client | None:
        """The client with this id, if it is connected."""
        return self._clients.get(id)

    def of_user(self, upn: str) -> list[Client]:
        """The clients of this user."""
        return list(self._by_user.get(upn, {}).values())

    def count_of_user(self, upn: str) -> int:
        """How many clients this user has."""
        return len(self._by_user.get(upn, ()))

    def of_session(self, session: Session) -> list[Client]:
        """The clients of this session."""
        return [c for id in session.clients if (c := self._clients.get(id)) is not None]

    def of_sign_in(self, id: str) -> list[Client]:
        """The clients that entered by this sign-in."""
        return [c for c in self._clients.values() if c.sign_in is not None and c.sign_in.id == id]

    def count_at(self, address: str) -> int:
        """How many clients come from this address."""
        return self._per_address[address]

    def count_unauthenticated_at(self, address: str) -> int:
        """How many of those have not authenticated."""
        return self._unauthenticated[address]

    def broadcast(self, action: str, value: object) -> None:
        """Send one JSON message to every client that has authenticated."""
        send_to_all([c for c in self._clients.values() if c.user is not None], action, value)


def _decrease(counter: Counter[str], key: str) -> None:
    counter[key] -= 1
    if not counter[key]:
        del counter[key]


def send_to_all(clients: Sequence[Client], action: str, value: object) -> None:
    """Send one JSON message to several clients; it is made once, and written to each at once."""
    message = encode_message(action, value)
    wire = ws_header(len(message), TEXT) + message
    for client in clients:
        client.send_wire(wire)
