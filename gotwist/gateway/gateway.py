"""The gateway: admits connections, makes their clients, and ends them when it must."""

from __future__ import annotations

from collections.abc import Iterable

from gotwist.auth.conversation import MoreAsked
from gotwist.auth.credentials import (
    CookieCredentials,
    Credentials,
    TokenCredentials,
)
from gotwist.auth.signins import SignIn
from gotwist.errors import Denied, Unavailable
from gotwist.gateway.application import Application
from gotwist.gateway.client import GatewayClient
from gotwist.gateway.clients import GOING_AWAY, NOT_AUTHENTICATED, Peer
from gotwist.gateway.house import House
from gotwist.gateway.outlet import Connection
from gotwist.gateway.rounds import Rounds
from gotwist.gateway.table import ActionTable, make_all_shared


class Gateway:
    """Everything behind the WebSocket.

    :param applications: those to serve, in the order in which they are told things.
    """

    def __init__(self, house: House, applications: Iterable[type[Application]]) -> None:
        self.house = house
        self.table = ActionTable(make_all_shared(applications, house))
        self._rechecks = Rounds(house.clock, house.limits.recheck_s, GatewayClient.check_again)
        self._unsubscribe = house.signins.subscribe(self._sign_in_ended)

    async def admit(self, peer: Peer, cookie: str | None, token: str | None) -> SignIn | None:
        """Judge a handshake, and give the sign-in that it brings along, if any.

        :param cookie: the value of the sign-in cookie.
        :raises Unavailable: when there are too many connections from this address.
        """
        house = self.house
        if house.clients.count_at(peer.address) >= house.limits.clients_per_address:
            raise Unavailable("Too many connections from your address.")
        sign_in = None
        if token is not None:
            sign_in = await self._try(TokenCredentials(token), peer)
        if sign_in is None and cookie is not None:
            sign_in = await self._try(CookieCredentials(cookie), peer)
        if sign_in is None:
            waiting = house.clients.count_unauthenticated_at(peer.address)
            if waiting >= house.limits.unauthenticated_per_address:
                raise Unavailable("Too many connections from your address.")
        return sign_in

    async def _try(self, credentials: Credentials, peer: Peer) -> SignIn | None:
        # A stale cookie is no reason to refuse the handshake: the page may hold a token.
        try:
            return await self.house.authenticator.authenticate(credentials, peer.address)
        except MoreAsked as more:
            # Nobody can be asked during a handshake.
            more.asking.conversation.close()
            return None
        except Denied:
            return None

    def connect(self, connection: Connection, peer: Peer, offered: SignIn | None) -> GatewayClient:
        """Make the client of a connection; call its ``opened()`` when it can be sent to."""
        return GatewayClient(self.house, self.table, self._rechecks, connection, peer, offered)

    def stop(self) -> None:
        """Say goodbye to every client, and tell the sessions that the daemon stops."""
        self._unsubscribe()
        for client in self.house.clients:
            client.close(GOING_AWAY, "the daemon stops")
        self.house.sessions.kill()

    def review(self) -> None:
        """The settings have changed: let every client have what it may have now."""
        for client in self.house.clients:
            client.review()

    def _sign_in_ended(self, id: str) -> None:
        for client in self.house.clients.of_sign_in(id):
            client.close(NOT_AUTHENTICATED, "signed out")
