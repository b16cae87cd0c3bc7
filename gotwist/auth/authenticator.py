"""The authenticator: the one place that judges credentials, for every door."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Protocol, TypeAlias

from gotwist.auth.credentials import (
    CookieCredentials,
    Credentials,
    NoCredentials,
    TokenCredentials,
)
from gotwist.auth.signins import SignIn, SignIns
from gotwist.auth.tokens import LAUNCH, MAX_AGE_S, TokenStore, take_token
from gotwist.auth.user import User
from gotwist.errors import Denied

ANONYMOUS = "ANONYMOUS"
METHOD_NONE = "none"
METHOD_TOKEN = "token"
REFUSAL = "Please sign in."
"""The text of every refusal: which part was wrong is nobody's business."""

Checker: TypeAlias = Callable[[Credentials, str], Awaitable[SignIn]]
"""Given credentials and the peer's address; raises :class:`Denied`."""


class Authenticates(Protocol):
    """What a door needs: credentials and the peer's address in, a sign-in out."""

    def authenticate(self, credentials: Credentials, peer: str) -> Awaitable[SignIn]:
        """Judge ``credentials``; raises :class:`Denied`."""


class Authenticator:
    """Gives credentials to the checker of their type, and makes all refusals alike.

    :param checkers: by type of credentials; what has none is refused.
    """

    def __init__(self, checkers: Mapping[type, Checker]) -> None:
        self._checkers = dict(checkers)

    async def authenticate(self, credentials: Credentials, peer: str) -> SignIn:
        """Judge what was offered.

        :param peer: the address from which it came.
        :raises Denied: with :data:`REFUSAL`, whatever the reason.
        :raises Unavailable: when it cannot be judged now.
        """
        checker = self._checkers.get(type(credentials))
        if checker is None:
            raise Denied(REFUSAL)
        try:
            return await checker(credentials, peer)
        except Denied as reason:
            raise Denied(REFUSAL) from reason


def cookie_checker(signins: SignIns, methods: Iterable[str]) -> Checker:
    """Judge cookies, and believe only those of sign-ins by one of ``methods``.

    A cookie of the days when nobody was asked ends when somebody is, and the other way round.
    """
    allowed = frozenset(methods)

    async def check(credentials: Credentials, peer: str) -> SignIn:
        assert isinstance(credentials, CookieCredentials)
        found = signins.find(credentials.value)
        if found is None or found.user.method not in allowed:
            raise Denied(REFUSAL)
        return found

    return check


def anonymous_checker(signins: SignIns) -> Checker:
    """Let everybody in as the same user, each browser in a session of its own."""

    user = User(ANONYMOUS, METHOD_NONE)

    async def check(credentials: Credentials, peer: str) -> SignIn:
        return signins.issue(user, shared=False)

    return check


def token_checker(
    signins: SignIns,
    store: TokenStore,
    wall_now: Callable[[], float],
    max_age_s: Callable[[], Mapping[str, float]] = lambda: MAX_AGE_S,
) -> Checker:
    """Judge one-time tokens; ``max_age_s`` gives what holds now, by purpose."""

    async def check(credentials: Credentials, peer: str) -> SignIn:
        assert isinstance(credentials, TokenCredentials)
        record = await take_token(
            store, credentials.token, credentials.purpose, wall_now(), max_age_s()
        )
        return signins.issue(User(record.user, METHOD_TOKEN))

    return check


def build_authenticator(
    method: str,
    signins: SignIns,
    store: TokenStore,
    wall_now: Callable[[], float],
    *,
    launch_max_age_s: Callable[[], float] = lambda: MAX_AGE_S[LAUNCH],
) -> Authenticator:
    """The authenticator for the ``auth`` setting.

    Tokens are honoured whatever the method: they are how other programs send users here.

    :param launch_max_age_s: asked for each launch token, since it may change meanwhile.
    """
    checkers: dict[type, Checker] = {
        CookieCredentials: cookie_checker(signins, {method, METHOD_TOKEN}),
        TokenCredentials: token_checker(
            signins, store, wall_now, lambda: {**MAX_AGE_S, LAUNCH: launch_max_age_s()}
        ),
    }
    if method == METHOD_NONE:
        checkers[NoCredentials] = anonymous_checker(signins)
    return Authenticator(checkers)
