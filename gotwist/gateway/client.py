"""One connected client: who it is, what it sends us, and how it ends."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from gotwist.auth.authenticator import METHOD_NONE
from gotwist.auth.credentials import CertificateCredentials, Credentials, NoCredentials
from gotwist.auth.signins import SignIn
from gotwist.auth.user import User
from gotwist.errors import Denied, Malformed
from gotwist.gateway.application import Application
from gotwist.gateway.clients import (
    INTERNAL,
    NOT_AUTHENTICATED,
    TOO_LATE,
    TOO_MANY,
    BinaryListener,
    Peer,
)
from gotwist.gateway.dispatch import Dispatcher
from gotwist.gateway.frames import HEADER_LENGTH, Kind, split_frame
from gotwist.gateway.house import House, Timer
from gotwist.gateway.limits import Budget
from gotwist.gateway.outlet import Connection, Outlet
from gotwist.gateway.sessions import DEFAULT_LOCATION, Session
from gotwist.gateway.table import ActionTable

_ACK = int(Kind.ACK)


class GatewayClient(Outlet):
    """The :class:`~gotwist.gateway.clients.Client` that the gateway makes.

    :param offered: the sign-in that the handshake brought along, if any.
    """

    __slots__ = (
        "_active",
        "_apps",
        "_binary",
        "_budget",
        "_deadline",
        "_dispatcher",
        "_offered",
        "_recheck",
        "_session",
        "location",
        "sign_in",
    )

    def __init__(
        self,
        house: House,
        table: ActionTable,
        connection: Connection,
        peer: Peer,
        offered: SignIn | None = None,
    ) -> None:
        super().__init__(house, connection, peer)
        limits, now = house.limits, house.clock.now()
        self.sign_in: SignIn | None = None
        self.location = DEFAULT_LOCATION
        self._offered = offered
        self._session: Session | None = None
        self._binary: dict[int, BinaryListener] = {}
        self._apps: dict[type[Application], Application] = {}
        self._dispatcher = Dispatcher(self, house, table, self._apps)
        self._active = False
        self._budget = Budget(limits, now)
        self._recheck: Timer | None = None
        self._deadline: Timer | None = house.clock.call_later(
            limits.authentication_s, self._too_late
        )
        house.clients.add(self)

    # -- life -------------------------------------------------------------------------------

    def opened(self) -> None:
        """The connection is open: make the applications and tell them."""
        shared = self._house.shared
        for kind in self._dispatcher.table.applications:
            self._apps[kind] = kind(self, self._house, shared.get(kind.name))
        self._begin(lambda application: application.initialize())
        self._begin(lambda application: application.open())
        self._house.emitter.trigger("go:open", self)

    def _begin(self, step: Callable[[Application], None]) -> None:
        for kind, application in tuple(self._apps.items()):
            try:
                step(application)
            except Exception as failure:
                # One that cannot begin costs its own actions, not the whole connection.
                self._house.log.failure("application failed", failure, application=kind.name)
                application.release()
                del self._apps[kind]

    def closed(self) -> None:
        """The connection has ended: tell the applications and give everything back."""
        if not self._retire():
            return
        for application in self._apps.values():
            try:
                application.on_close()
            except Exception as failure:
                self._house.log.failure("on_close failed", failure, application=application.name)
            application.release()
        if self._session is not None:
            self._house.sessions.leave(self._session.id, self.id, self._house.clock.now())
        self._house.clients.remove(self)
        self._house.emitter.trigger("go:close", self)
        # Client and applications hold each other: let go, so that no collection is needed.
        self._apps.clear()
        self._binary.clear()
        self._writable_listeners.clear()

    def close(self, code: int, reason: str) -> None:
        """See :class:`~gotwist.gateway.clients.Client`."""
        if self.is_open:
            self._house.log.info("client closed", client=self.id, code=code, reason=reason)
            self._connection.close(code, reason)
            self.closed()

    def _retire(self) -> bool:
        if not self.is_open:
            return False
        self.is_open = False
        for timer in (self._deadline, self._recheck, self._stalled):
            if timer is not None:
                timer.cancel()
        self._deadline = self._recheck = self._stalled = None
        self._dispatcher.stop()
        return True

    # -- who --------------------------------------------------------------------------------

    @property
    def user(self) -> User | None:
        """Who has signed in, if anybody."""
        return self.sign_in.user if self.sign_in is not None else None

    @property
    def session(self) -> Session:
        """The user's session; asking before there is a user is our own mistake."""
        assert self._session is not None, "nobody has signed in"
        return self._session

    @property
    def applications(self) -> Sequence[Application]:
        """This client's applications."""
        return tuple(self._apps.values())

    async def authenticate(self, credentials: Credentials | None, location: str) -> None:
        """See :class:`~gotwist.gateway.clients.Client`."""
        house = self._house
        if self.sign_in is not None:
            raise Denied("This connection has signed in already.")
        sign_in = self._offered if credentials is None else None
        if sign_in is None or not house.signins.is_current(sign_in.id):
            sign_in = await house.authenticator.authenticate(
                credentials or self._brought(), self.peer.address
            )
        if not self.is_open or self.sign_in is not None:
            return
        if (
            sign_in.user.method != METHOD_NONE
            and house.clients.count_of_user(sign_in.user.upn) >= house.limits.clients_per_user
        ):
            self.close(TOO_MANY, "too many connections of this user")
            return
        self.sign_in = sign_in
        self._offered = None
        house.clients.know(self)
        self.location = location
        self._session = house.sessions.join(sign_in.session, sign_in.user, self.id)
        self._session.locations.setdefault(location, {})
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
        self._recheck = house.clock.call_later(house.limits.recheck_s, self._check_again)
        house.log.info(
            "signed in",
            client=self.id,
            user=sign_in.user.upn,
            method=sign_in.user.method,
            peer=self.peer.address,
        )
        for application in self.applications:
            answer = application.authenticate()
            if answer is not None:
                await answer

    def _brought(self) -> Credentials:
        # Not in the handshake already, where nobody could be asked for a second factor.
        certificate = self.peer.certificate
        return NoCredentials() if certificate is None else CertificateCredentials(certificate)

    def move(self, location: str) -> None:
        """See :class:`~gotwist.gateway.clients.Client`."""
        self.location = location
        self.session.locations.setdefault(location, {})
        self._house.emitter.trigger("go:set_location", self, location)
        for application in self.applications:
            application.on_location()

    def sign_out(self) -> None:
        """See :class:`~gotwist.gateway.clients.Client`."""
        if self.sign_in is not None:
            self._house.signins.revoke(self.sign_in.id)

    def allow_time(self, seconds: float) -> None:
        """See :class:`~gotwist.gateway.clients.Client`."""
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = self._house.clock.call_later(seconds, self._too_late)

    def _too_late(self) -> None:
        self._deadline = None
        self.close(TOO_LATE, "not signed in in time")

    def _check_again(self) -> None:
        assert self.sign_in is not None
        signins, id = self._house.signins, self.sign_in.id
        # A tab that sends something, if only "drawn", is in use; one that is idle is not.
        current = signins.touch(id) is not None if self._active else signins.is_current(id)
        self._active = False
        if current:
            delay = self._house.limits.recheck_s
            self._recheck = self._house.clock.call_later(delay, self._check_again)
        else:
            self._recheck = None
            self.close(NOT_AUTHENTICATED, "the sign-in has ended")

    # -- in ---------------------------------------------------------------------------------

    def on_binary(self, kind: int, callback: BinaryListener) -> None:
        """See :class:`~gotwist.gateway.clients.Client`."""
        self._binary[kind] = callback

    def receive_ping(self) -> None:
        """Count a protocol ping like any message."""
        if self.is_open:
            self._is_too_much(0)

    def receive_binary(self, message: bytes) -> None:
        """Hand one binary message on."""
        if not self.is_open:
            return
        is_ack = len(message) == HEADER_LENGTH and message[0] == _ACK
        if self._is_too_much(len(message), is_ack):
            return
        try:
            if self.sign_in is None:
                raise Denied("Please sign in first.")
            kind, terminal, offset, payload = split_frame(message)
            listener = self._binary.get(kind)
            if listener is None:
                raise Malformed("A binary message is of a kind that nobody takes here.")
            self._active = True
            listener(terminal, offset, payload)
        except Exception as failure:
            self._dispatcher.refuse(None, failure)

    def receive_text(self, message: bytes) -> None:
        """Have the actions of one text message run."""
        if not self.is_open or self._is_too_much(len(message)):
            return
        self._active = True
        self._dispatcher.receive(message)

    def _is_too_much(self, size: int, is_ack: bool = False) -> bool:
        excess = self._budget.spend(size, is_ack, self._house.clock.now())
        if excess is not None:
            self.close(TOO_MANY, excess)
        return excess is not None

    def fail(self, failure: Exception) -> None:
        """Close after a fault of ours outside any action."""
        self._house.log.failure("client failed", failure, client=self.id)
        self.close(INTERNAL, "internal error")
