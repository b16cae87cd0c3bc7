"""The witness of every sign-in: tells the audit stream who came in and who was refused.

Stands before the authenticator, so nothing that judges has to think of telling.  A cookie that
has expired is no attempt to guess anything, and whoever brings nothing is only asked to sign
in: neither is told, and fail2ban bans nobody for an old bookmark.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from gotwist.auth.authenticator import Admits
from gotwist.auth.conversation import Asking, Conversation, MoreAsked, Proven, Step
from gotwist.auth.credentials import CookieCredentials, Credentials, NoCredentials
from gotwist.auth.signins import SHOWN_ID, SignIn
from gotwist.errors import Denied, GotwistError, LimitReached


class Records(Protocol):
    """The part of the audit stream that is needed here."""

    def record(self, event: str, **fields: str | None) -> None:
        """Tell what has happened."""


class Witness:
    """An :class:`~gotwist.auth.authenticator.Admits` that tells what another one says."""

    def __init__(self, judge: Admits, audit: Records) -> None:
        self._judge = judge
        self._audit = audit

    async def authenticate(self, credentials: Credentials, peer: str) -> SignIn:
        """See :class:`~gotwist.auth.authenticator.Admits`."""
        if isinstance(credentials, CookieCredentials):
            return await self._judge.authenticate(credentials, peer)
        method, user = _method_of(credentials), _user_of(credentials)
        try:
            sign_in = await self._judge.authenticate(credentials, peer)
        except MoreAsked as more:
            raise _remembering(more, method, user) from None
        except GotwistError as error:
            if not isinstance(credentials, NoCredentials):
                self._refused(error, peer, method, user)
            raise
        return self._came_in(sign_in, peer)

    async def arrive(self, proven: Proven, peer: str) -> SignIn:
        """See :class:`~gotwist.auth.authenticator.Admits`."""
        method, user = proven.user.method, proven.user.upn
        try:
            sign_in = await self._judge.arrive(proven, peer)
        except MoreAsked as more:
            raise _remembering(more, method, user) from None
        except GotwistError as error:
            self._refused(error, peer, method, user)
            raise
        return self._came_in(sign_in, peer)

    async def go_on(self, conversation: Conversation, texts: Sequence[str], peer: str) -> SignIn:
        """See :class:`~gotwist.auth.authenticator.Admits`."""
        method, user = "conversation", None
        if isinstance(conversation, _Remembered):
            method, user = conversation.method, conversation.user
        try:
            sign_in = await self._judge.go_on(conversation, texts, peer)
        except MoreAsked as more:
            raise _remembering(more, method, user) from None
        except GotwistError as error:
            self._refused(error, peer, method, user)
            raise
        return self._came_in(sign_in, peer)

    def _came_in(self, sign_in: SignIn, peer: str) -> SignIn:
        self._audit.record(
            "signed_in",
            address=peer,
            method=sign_in.user.method,
            sign_in=sign_in.id[:SHOWN_ID],
            user=sign_in.user.upn,
        )
        return sign_in

    def _refused(self, error: GotwistError, peer: str, method: str, user: str | None) -> None:
        reason = "unavailable"
        if isinstance(error, LimitReached):
            reason = "limited"
        elif isinstance(error, Denied):
            reason = "denied"
        self._audit.record("sign_in_refused", address=peer, method=method, reason=reason, user=user)


class _Remembered:
    """A conversation of which it is known who is asked."""

    def __init__(self, conversation: Conversation, method: str, user: str | None) -> None:
        self._conversation = conversation
        self.method = method
        self.user = user

    async def answer(self, texts: Sequence[str]) -> Step:
        return await self._conversation.answer(texts)

    def close(self) -> None:
        self._conversation.close()


def _remembering(more: MoreAsked, method: str, user: str | None) -> MoreAsked:
    asking = more.asking
    return MoreAsked(Asking(asking.question, _Remembered(asking.conversation, method, user)))


def _method_of(credentials: Credentials) -> str:
    # By the kind of credentials: which method would have judged them is known only in the end.
    return type(credentials).__name__.removesuffix("Credentials").lower()


def _user_of(credentials: Credentials) -> str | None:
    user = getattr(credentials, "user", None)
    fields = getattr(credentials, "fields", None)
    if user is None and isinstance(fields, Mapping):
        user = fields.get("upn")
    return user if isinstance(user, str) else None
