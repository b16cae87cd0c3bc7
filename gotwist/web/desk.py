"""The sign-in desk of this house: launch links and cookies, judged by the authenticator."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from gotwist.auth.authenticator import Authenticator
from gotwist.auth.conversation import Conversation, Proven
from gotwist.auth.credentials import Credentials, NoCredentials, TokenCredentials
from gotwist.auth.signins import SignIn, SignIns
from gotwist.auth.tokens import LAUNCH
from gotwist.auth.user import User
from gotwist.web.signin import SignInTicket, SignInView


class Desk:
    """Implements :class:`gotwist.web.signin.SignInDesk`.

    :param save: keeps the sign-ins where a restarted daemon finds them; awaited before the
        browser gets its cookie, so that no cookie is worth less than it seems
    :param methods: a cookie counts only when its sign-in was made by one of these
    :param welcomes: whether somebody who brings nothing is signed in (``auth=none``)
    :param max_age_s: how long the browser keeps the cookie
    """

    def __init__(
        self,
        authenticator: Authenticator,
        signins: SignIns,
        save: Callable[[], Awaitable[None]],
        *,
        methods: frozenset[str],
        welcomes: bool,
        max_age_s: int,
    ) -> None:
        self._authenticator = authenticator
        self._signins = signins
        self._save = save
        self._methods = methods
        self._welcomes = welcomes
        self.max_age_s = max_age_s

    async def take_launch_token(self, token: str, peer: str) -> SignInTicket:
        """Use up a launch token; raises :class:`~gotwist.errors.Denied`."""
        return await self.offer(TokenCredentials(token, LAUNCH), peer)

    async def welcome(self, peer: str) -> SignInTicket | None:
        """Sign in somebody who brings nothing, where the settings allow that."""
        return await self.offer(NoCredentials(), peer) if self._welcomes else None

    async def offer(self, credentials: Credentials, peer: str) -> SignInTicket:
        """See :class:`~gotwist.web.signin.SignInDesk`."""
        return await self._ticket(await self._authenticator.authenticate(credentials, peer))

    async def go_on(
        self, conversation: Conversation, texts: Sequence[str], peer: str
    ) -> SignInTicket:
        """See :class:`~gotwist.web.signin.SignInDesk`."""
        return await self._ticket(await self._authenticator.go_on(conversation, texts, peer))

    async def look(self, credentials: Credentials, peer: str) -> SignInView:
        """See :class:`~gotwist.web.signin.SignInDesk`."""
        user = (await self._authenticator.prove(credentials, peer)).user
        return _view(user, self._signins.session_of(user), peer)

    async def arrive(self, proven: Proven, peer: str) -> SignInTicket:
        """See :class:`~gotwist.web.signin.SignInDesk`."""
        return await self._ticket(await self._authenticator.arrive(proven, peer))

    def turned_away(self, way: str, peer: str) -> None:
        """See :class:`~gotwist.web.signin.SignInDesk`."""
        self._authenticator.turned_away(way, peer)

    def find(self, cookie_value: str, peer: str = "") -> SignInView | None:
        """Give the valid sign-in with this cookie value."""
        found = self._signins.find(cookie_value)
        if found is None or found.user.method not in self._methods:
            return None
        return _view(found.user, found.session, peer)

    async def sign_out(self, cookie_value: str) -> None:
        """End the sign-in everywhere."""
        found = self._signins.find(cookie_value)
        if found is not None:
            self._signins.revoke(found.id)
            await self._save()

    async def _ticket(self, sign_in: SignIn) -> SignInTicket:
        await self._save()
        view = _view(sign_in.user, sign_in.session, sign_in.address)
        return SignInTicket(sign_in.cookie, view, self.max_age_s)


def _view(user: User, session: str, peer: str) -> SignInView:
    user = user.seen_at(peer)
    return SignInView(user.upn, session, user.facts, user.groups)
