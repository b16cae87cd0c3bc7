"""A client's rights: who has signed in, what that user may use, and what changes about that."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping, Sequence

from gotwist.auth.signins import SignIn
from gotwist.auth.user import User
from gotwist.gateway.application import Application
from gotwist.gateway.clients import Peer
from gotwist.gateway.house import House
from gotwist.gateway.outlet import Connection, Outlet
from gotwist.gateway.standing import Standing


class Rightful(Outlet):
    """The part of a client that knows its user and serves what that user may use."""

    __slots__ = ("_apps", "_served", "_standing", "sign_in")

    def __init__(self, house: House, connection: Connection, peer: Peer) -> None:
        super().__init__(house, connection, peer)
        self.sign_in: SignIn | None = None
        # The client's own instances, which come when its connection opens.
        self._apps: tuple[Application, ...] = ()
        self._standing = Standing(house.settings, None)
        self._served: frozenset[str] = frozenset()

    @property
    def user(self) -> User | None:
        """Who has signed in, if anybody."""
        return self.sign_in.user if self.sign_in is not None else None

    @property
    def origin(self) -> Mapping[str, str]:
        """See :class:`~gotwist.gateway.clients.Client`."""
        known = {"address": self.peer.address, "client": self.id}
        if self.sign_in is not None:
            known |= {"sign_in": self.sign_in.handle, "user": self.sign_in.user.upn}
        return known

    @property
    def applications(self) -> Sequence[Application]:
        """This client's applications, as far as its user may use them."""
        return tuple(a for a in self._apps if self.may_use(a.name))

    def settings(self, application: str) -> Mapping[str, object]:
        """See :class:`~gotwist.gateway.clients.Client`."""
        return self._standing.of(application)

    def may_use(self, application: str) -> bool:
        """See :class:`~gotwist.gateway.clients.Client`."""
        return self._standing.may_use(application)

    def let_in(self, sign_in: SignIn, standing: Standing) -> None:
        """Note who it is from now on, and what the settings say of them."""
        self.sign_in, self._standing = sign_in, standing

    def serve(self) -> Sequence[Application]:
        """Note that the user has the applications now that the settings give, and give them."""
        served = self.applications
        self._served = frozenset(application.name for application in served)
        return served

    def review(self) -> None:
        """See :class:`~gotwist.gateway.clients.Client`."""
        if self.sign_in is None or not self.is_open:
            return
        before = self._served
        self.serve()
        for application in self._apps:
            try:
                self._review(application, before)
            except Exception as failure:
                self._house.log.failure("review failed", failure, application=application.name)

    def _review(self, application: Application, before: frozenset[str]) -> None:
        name = application.name
        if name not in self._served:
            if name in before:
                application.on_refused()
        elif name in before:
            application.on_settings()
        elif (answer := application.authenticate()) is not None:
            self._house.spawn(_awaited(answer))


async def _awaited(answer: Awaitable[None]) -> None:
    await answer
