"""The sign-in desk of this house: launch links and cookies, judged by the authenticator."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from gotwist.auth.authenticator import Authenticates
from gotwist.auth.credentials import NoCredentials, TokenCredentials
from gotwist.auth.signins import SignIn, SignIns
from gotwist.auth.tokens import LAUNCH
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
        authenticator: Authenticates,
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
        return await self._ticket(
            await self._authenticator.authenticate(TokenCredentials(token, LAUNCH), peer)
        )

    async def welcome(self, peer: str) -> SignInTicket | None:
        """Sign in somebody who brings nothing, where the settings allow that."""
        if not self._welcomes:
            return None
        return await self._ticket(await self._authenticator.authenticate(NoCredentials(), peer))

    def find(self, cookie_value: str) -> SignInView | None:
        """Give the valid sign-in with this cookie value."""
        found = self._signins.find(cookie_value)
        if found is None or found.user.method not in self._methods:
            return None
        return SignInView(found.user.upn, found.session)

    async def sign_out(self, cookie_value: str) -> None:
        """End the sign-in everywhere."""
        found = self._signins.find(cookie_value)
        if found is not None:
            self._signins.revoke(found.id)
            await self._save()

    async def _ticket(self, sign_in: SignIn) -> SignInTicket:
        await self._save()
        view = SignInView(sign_in.user.upn, sign_in.session)
        return SignInTicket(sign_in.cookie, view, self.max_age_s)
