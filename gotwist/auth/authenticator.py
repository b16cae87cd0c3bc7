"""The authenticator: the one place that judges credentials, for every door."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from typing import Protocol, TypeAlias, TypeVar

from gotwist.auth.conversation import Asking, Conversation, MoreAsked, Proven, Step
from gotwist.auth.credentials import (
    AnswerCredentials,
    CookieCredentials,
    Credentials,
    NoCredentials,
    TokenCredentials,
)
from gotwist.auth.guard import TooManyFailures
from gotwist.auth.signins import SignIn, SignIns
from gotwist.auth.tokens import LAUNCH, MAX_AGE_S, TokenStore, take_token
from gotwist.auth.user import User
from gotwist.auth.watch import (
    ANSWER,
    COOKIE,
    NOTHING,
    TOO_MANY,
    UNAVAILABLE,
    WRONG,
    NoWatch,
    Watch,
    claim_of,
)
from gotwist.errors import Denied, Unavailable

T = TypeVar("T")

ANONYMOUS = "ANONYMOUS"
METHOD_NONE = "none"
METHOD_TOKEN = "token"
REFUSAL = "Please sign in."
"""The text of every refusal: which part was wrong is nobody's business."""

Checker: TypeAlias = Callable[[Credentials, str], Awaitable[SignIn | Step]]
"""Given credentials and the peer's address; raises :class:`Denied`.

Most give :class:`Proven`, of which the authenticator makes a sign-in.
"""

SecondFactor: TypeAlias = Callable[[Proven, str], Awaitable[Step]]
"""Given what the first factor has proven and the peer's address; asks more, or is content."""


class Authenticates(Protocol):
    """What a door needs: credentials and the peer's address in, a sign-in out."""

    def authenticate(self, credentials: Credentials, peer: str) -> Awaitable[SignIn]:
        """Judge ``credentials``; raises :class:`Denied`."""


class Authenticator:
    """Gives credentials to the checker of their type, and makes all refusals alike.

    :param checkers: by type of credentials; what has none is refused.
    :param signins: where those who have proven who they are get their sign-in.
    :param second_factor: asked about everybody who has proven who they are.
    :param watch: is told of sign-ins and refusals.
    """

    def __init__(
        self,
        checkers: Mapping[type, Checker],
        signins: SignIns,
        second_factor: SecondFactor | None = None,
        watch: Watch | None = None,
    ) -> None:
        self._checkers = dict(checkers)
        self._signins = signins
        self._second_factor = second_factor
        self._watch = watch or NoWatch()

    async def authenticate(self, credentials: Credentials, peer: str) -> SignIn:
        """Judge what was offered.

        :param peer: the address from which it came.
        :raises MoreAsked: when more is asked: a Denied for doors that cannot ask.
        :raises Denied: with :data:`REFUSAL`, whatever the reason.
        :raises Unavailable: when it cannot be judged now.
        """
        if isinstance(credentials, AnswerCredentials):
            return await self.go_on(credentials.conversation, credentials.texts, peer)
        judged = await self._judge(credentials, peer)
        return self._sign_in(judged, peer) if isinstance(judged, Proven) else judged

    async def prove(self, credentials: Credentials, peer: str) -> Proven:
        """Judge credentials that stand for one request only; raises like ``authenticate``."""
        try:
            judged = await self._judge(credentials, peer)
        except MoreAsked as more:
            more.asking.conversation.close()
            raise
        if not isinstance(judged, Proven):
            return Proven(judged.user, judged.ticket)
        self._watch.signed_in(judged.user, peer, "")
        return judged

    async def arrive(self, proven: Proven, peer: str) -> SignIn:
        """Sign in whom a method has proven by pages of its own; raises like ``authenticate``."""
        step = self._first(_at_once(proven), peer)
        judged = await self._watched(step, (proven.user.upn, proven.user.method), peer)
        return self._sign_in(judged, peer)

    def turned_away(self, way: str, peer: str) -> None:
        """Hear that a method's own page has refused somebody."""
        self._watch.refused("", way, peer, WRONG)

    async def go_on(self, conversation: Conversation, texts: Sequence[str], peer: str) -> SignIn:
        """Give the answers to a question; raises like :meth:`authenticate`."""
        name = conversation.name if isinstance(conversation, _Claimed) else ""
        judged = await self._watched(conversation.answer(texts), (name, ANSWER), peer)
        return self._sign_in(judged, peer)

    async def _judge(self, credentials: Credentials, peer: str) -> SignIn | Proven:
        checker = self._checkers.get(type(credentials), _nobody)
        judging = checker(credentials, peer)
        return await self._watched(self._first(judging, peer), claim_of(credentials), peer)

    async def _first(self, judging: Awaitable[T | Step], peer: str) -> T | Step:
        step = await judging
        if self._second_factor is None:
            return step
        return await _followed(step, self._second_factor, peer)

    async def _watched(
        self, judging: Awaitable[T | Step], claim: tuple[str, str], peer: str
    ) -> T | Proven:
        name, way = claim
        try:
            step = await judging
        except Denied as reason:
            # Browsers come with nothing or an old cookie all the time: no attempt at anything.
            if way not in (NOTHING, COOKIE):
                self._watch.refused(name, way, peer, WRONG)
            raise Denied(REFUSAL) from reason
        except Unavailable as reason:
            why = TOO_MANY if isinstance(reason, TooManyFailures) else UNAVAILABLE
            self._watch.refused(name, way, peer, why)
            raise
        if isinstance(step, Asking):
            raise MoreAsked(Asking(step.question, _Claimed(step.conversation, name)))
        return step

    def _sign_in(self, proven: Proven, peer: str) -> SignIn:
        sign_in = self._signins.issue(proven.user, address=peer, ticket=proven.ticket)
        self._watch.signed_in(proven.user, peer, sign_in.handle)
        return sign_in


async def _nobody(credentials: Credentials, peer: str) -> Proven:
    raise Denied("no method that is on understands this")


async def _at_once(proven: Proven) -> Proven:
    return proven


async def _followed(step: T, second_factor: SecondFactor, peer: str) -> T | Step:
    """Ask for the second factor as soon as the first has proven something."""
    if isinstance(step, Proven):
        return await second_factor(step, peer)
    if isinstance(step, Asking):
        return Asking(step.question, _FirstFactor(step.conversation, second_factor, peer))
    return step


class _Claimed:
    """A conversation of which it is known who is claimed to answer."""

    def __init__(self, conversation: Conversation, name: str) -> None:
        self._conversation, self.name = conversation, name

    async def answer(self, texts: Sequence[str]) -> Step:
        return await self._conversation.answer(texts)

    def close(self) -> None:
        self._conversation.close()


class _FirstFactor:
    """A conversation after whose end another factor is asked for."""

    def __init__(self, conversation: Conversation, second: SecondFactor, peer: str) -> None:
        self._conversation, self._second, self._peer = conversation, second, peer

    async def answer(self, texts: Sequence[str]) -> Step:
        step = await self._conversation.answer(texts)
        return await _followed(step, self._second, self._peer)

    def close(self) -> None:
        self._conversation.close()


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
        return signins.issue(user, shared=False, address=peer)

    return check


def token_checker(
    store: TokenStore,
    wall_now: Callable[[], float],
    max_age_s: Callable[[], Mapping[str, float]] = lambda: MAX_AGE_S,
) -> Checker:
    """Judge one-time tokens; ``max_age_s`` gives what holds now, by purpose."""

    async def check(credentials: Credentials, peer: str) -> Proven:
        assert isinstance(credentials, TokenCredentials)
        record = await take_token(
            store, credentials.token, credentials.purpose, wall_now(), max_age_s()
        )
        return Proven(User(record.user, METHOD_TOKEN))

    return check


def build_authenticator(
    methods: Collection[str],
    signins: SignIns,
    store: TokenStore,
    wall_now: Callable[[], float],
    *,
    launch_max_age_s: Callable[[], float] = lambda: MAX_AGE_S[LAUNCH],
    more: Mapping[type, Checker] | None = None,
    second_factor: SecondFactor | None = None,
    watch: Watch | None = None,
) -> Authenticator:
    """The authenticator for the ``auth`` setting.

    Tokens are honoured whatever the methods: they are how other programs send users here.

    :param launch_max_age_s: asked for each launch token, since it may change meanwhile.
    :param more: the checkers that the methods bring along.
    """
    assert not isinstance(methods, str), "several methods, of which each is a text"
    checkers: dict[type, Checker] = {
        **(more or {}),
        CookieCredentials: cookie_checker(signins, {*methods, METHOD_TOKEN}),
        TokenCredentials: token_checker(
            store, wall_now, lambda: {**MAX_AGE_S, LAUNCH: launch_max_age_s()}
        ),
    }
    if METHOD_NONE in methods:
        checkers[NoCredentials] = anonymous_checker(signins)
    return Authenticator(checkers, signins, second_factor, watch)
