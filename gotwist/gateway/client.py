"""One connected client: who it is, what it sends us, and how it ends."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from gotwist.auth.authenticator import METHOD_NONE
from gotwist.auth.credentials import CertificateCredentials, Credentials, NoCredentials
from gotwist.auth.signins import SignIn
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
from gotwist.gateway.outlet import Connection
from gotwist.gateway.sessions import DEFAULT_LOCATION, Session
from gotwist.gateway.standing import Standing
from gotwist.gateway.table import ActionTable

_ACK = int(Kind.ACK)
_NO_LISTENERS = (None,) * (max(Kind) + 1)


class Rechecks(Protocol):
    """Calls ``check_again`` of its members from time to time."""

    def add(self, member: GatewayClient, /) -> None: ...
    def remove(self, member: GatewayClient, /) -> None: ...


class GatewayClient(Dispatcher):
    """The :class:`~gotwist.gateway.clients.Client` that the gateway makes.

    :param rechecks: asks who has signed in to check again, from time to time.
    :param offered: the sign-in that the handshake brought along, if any.
    """

    __slots__ = (
        "_active",
        "_binary",
        "_budget",
        "_deadline",
        "_offered",
        "_rechecks",
        "_session",
        "_since",
        "location",
    )

    def __init__(
        self,
        house: House,
        table: ActionTable,
        rechecks: Rechecks,
        connection: Connection,
        peer: Peer,
        offered: SignIn | None = None,
    ) -> None:
        super().__init__(house, table, connection, peer)
        limits, now = house.limits, house.clock.now()
        self.location = DEFAULT_LOCATION
        self._offered = offered
        self._session: Session | None = None
        # By kind; None where nobody listens.
        self._binary: tuple[BinaryListener | None, ...] = _NO_LISTENERS
        self._active = False
        self._since = now
        self._budget = Budget(limits, now)
        self._rechecks = rechecks
        self._deadline: Timer | None = house.clock.call_later(
            limits.authentication_s, self._too_late
        )
        house.clients.add(self)

    # -- life -------------------------------------------------------------------------------

    def opened(self) -> None:
        """The connection is open: make the applications and tell them."""
        shared = self._house.shared
        self._apps = tuple(
            kind(self, self._house, shared.get(kind.name)) for kind in self._table.applications
        )
        self._begin(lambda application: application.initialize())
        self._begin(lambda application: application.open())
        self._house.emitter.trigger("go:open", self)

    def _begin(self, step: Callable[[Application], None]) -> None:
        for application in self._apps:
            try:
                step(application)
            except Exception as failure:
                # One that cannot begin costs its own actions, not the whole connection.
                self._house.log.failure("application failed", failure, application=application.name)
                application.release()
                self._apps = tuple(one for one in self._apps if one is not application)

    def closed(self) -> None:
        """The connection has ended: tell the applications and give everything back."""
        if not self._retire():
            return
        for application in self._apps:
            try:
                application.on_close()
            except Exception as failure:
                self._house.log.failure("on_close failed", failure, application=application.name)
            application.release()
        if self._session is not None:
            now = self._house.clock.now()
            self._house.sessions.leave(self._session.id, self.id, now)
            self._house.audit.record("disconnected", **self.origin, seconds=now - self._since)
        self._house.clients.remove(self)
        self._house.emitter.trigger("go:close", self)
        # Client and applications hold each other: let go, so that no collection is needed.
        self._apps = ()
        self._binary = _NO_LISTENERS
        self._writable_listeners = ()

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
        for timer in (self._deadline, self._stalled):
            if timer is not None:
                timer.cancel()
        self._deadline = self._stalled = None
        self._rechecks.remove(self)
        self._stop()
        return True

    # -- who --------------------------------------------------------------------------------

    @property
    def session(self) -> Session:
        """The user's session; asking before there is a user is our own mistake."""
        assert self._session is not None, "nobody has signed in"
        return self._session

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
        standing = Standing(house.settings, sign_in.user.seen_at(self.peer.address))
        if sign_in.user.method != METHOD_NONE and house.clients.count_of_user(
            sign_in.user.upn
        ) >= standing.max_clients(house.limits.clients_per_user):
            self.close(TOO_MANY, "too many connections of this user")
            return
        # The one that everybody shares, and that has no cookie.
        self.let_in(house.signins.current(sign_in.id) or sign_in, standing)
        self._offered = None
        house.clients.know(self)
        self.location = location
        self._session = house.sessions.join(sign_in.session, sign_in.user, self.id)
        self._session.locations.setdefault(location, {})
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
        self._rechecks.add(self)
        house.log.info(
            "signed in",
            client=self.id,
            user=sign_in.user.upn,
            method=sign_in.user.method,
            peer=self.peer.address,
        )
        house.audit.record("connected", **self.origin)
        for application in self.serve():
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

    def check_again(self) -> None:
        """See whether the sign-in still holds."""
        assert self.sign_in is not None
        signins, id = self._house.signins, self.sign_in.id
        # A tab that sends something, if only "drawn", is in use; one that is idle is not.
        current = signins.touch(id) if self._active else signins.current(id)
        self._active = False
        if current is None:
            self.close(NOT_AUTHENTICATED, "the sign-in has ended")
        else:
            self.sign_in = current

    # -- in ---------------------------------------------------------------------------------

    def on_binary(self, kind: int, callback: BinaryListener) -> None:
        """See :class:`~gotwist.gateway.clients.Client`."""
        before = self._binary
        self._binary = (*before[:kind], callback, *before[kind + 1 :])

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
            listener = self._binary[kind]
            if listener is None:
                raise Malformed("A binary message is of a kind that nobody takes here.")
            self._active = True
            listener(terminal, offset, payload)
        except Exception as failure:
            self._refuse(None, failure)

    def receive_text(self, message: bytes) -> None:
        """Have the actions of one text message run."""
        if not self.is_open or self._is_too_much(len(message)):
            return
        self._active = True
        self._receive(message)

    def _is_too_much(self, size: int, is_ack: bool = False) -> bool:
        excess = self._budget.spend(size, is_ack, self._house.clock.now())
        if excess is not None:
            self.close(TOO_MANY, excess)
        return excess is not None

    def fail(self, failure: Exception) -> None:
        """Close after a fault of ours outside any action."""
        self._house.log.failure("client failed", failure, client=self.id)
        self.close(INTERNAL, "internal error")
