"""Clients as applications see them, and the registry of all that are connected."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from gotwist.auth.credentials import Credentials
from gotwist.auth.signins import SignIn
from gotwist.auth.user import User
from gotwist.gateway.frames import TEXT, ws_header
from gotwist.gateway.messages import encode_message
from gotwist.gateway.sessions import Session

Buffer: TypeAlias = bytes | memoryview
BinaryListener: TypeAlias = Callable[[int, int, bytes], None]
"""Called with terminal number, offset and payload."""

GOING_AWAY = 1000
INTERNAL = 1011
BAD_MESSAGE = 4400
NOT_AUTHENTICATED = 4401
NOT_ALLOWED = 4403
TOO_LATE = 4408
TOO_MANY = 4429


@dataclass(frozen=True)
class Peer:
    """Where a client comes from: its address, and whether its browser uses HTTPS."""

    address: str
    secure: bool = False


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
    def applications(self) -> Sequence[Hosted]: ...

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
        self._per_address: dict[str, int] = {}

    def __iter__(self) -> Iterator[Client]:
        return iter(tuple(self._clients.values()))

    def __len__(self) -> int:
        return len(self._clients)

    def add(self, client: Client) -> None:
        """Count this client among the connected."""
        self._clients[client.id] = client
        address = client.peer.address
        self._per_address[address] = self._per_address.get(address, 0) + 1

    def remove(self, client: Client) -> None:
        """Count it no more."""
        if self._clients.pop(client.id, None) is None:
            return
        address = client.peer.address
        left = self._per_address[address] - 1
        if left:
            self._per_address[address] = left
        else:
            del self._per_address[address]

    def find(self, id: str) -> Client | None:
        """The client with this id, if it is connected."""
        return self._clients.get(id)

    def of_user(self, upn: str) -> list[Client]:
        """The clients of this user."""
        return [c for c in self._clients.values() if c.user is not None and c.user.upn == upn]

    def of_session(self, session: Session) -> list[Client]:
        """The clients of this session."""
        return [c for id in session.clients if (c := self._clients.get(id)) is not None]

    def of_sign_in(self, id: str) -> list[Client]:
        """The clients that entered by this sign-in."""
        return [c for c in self._clients.values() if c.sign_in is not None and c.sign_in.id == id]

    def count_at(self, address: str) -> int:
        """How many clients come from this address."""
        return self._per_address.get(address, 0)

    def count_unauthenticated_at(self, address: str) -> int:
        """How many of those have not authenticated."""
        return sum(
            client.user is None
            for client in self._clients.values()
            if client.peer.address == address
        )

    def broadcast(self, action: str, value: object) -> None:
        """Send one JSON message to every client that has authenticated."""
        send_to_all([c for c in self._clients.values() if c.user is not None], action, value)


def send_to_all(clients: Sequence[Client], action: str, value: object) -> None:
    """Send one JSON message to several clients; it is made once, and written to each at once."""
    message = encode_message(action, value)
    wire = ws_header(len(message), TEXT) + message
    for client in clients:
        client.send_wire(wire)
