"""Signing in by PAM: name and password first, then whatever else PAM asks."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeAlias

from gotwist.auth.conversation import Asking, Prompt, Proven, Question
from gotwist.auth.line import USER_PATTERN, Request, is_acceptable, is_field
from gotwist.auth.pam.checks import Accepted, Account, Asked, Check, Checks, Outcome, Refused
from gotwist.auth.user import User, check_upn
from gotwist.errors import Denied, Malformed

METHOD_PAM = "pam"
REFUSAL = "The user or the password is wrong, or the account may not be used."

MayUse: TypeAlias = Callable[[Account], bool]
"""Tells whether an account, once proven, may sign in here."""


class PamMethod:
    """The password method ``pam``; who asks it lets all refusals take the same time.

    :param service: PAM service that is asked
    :param realm: stands behind the account's name and an @ in the user's name; empty: nothing
    :param may_use: which accounts may sign in; refused like a wrong password
    :param told: called with PAM's code for a refusal, for the log
    """

    name = METHOD_PAM

    def __init__(
        self,
        checks: Checks,
        *,
        service: str,
        realm: str = "",
        user_pattern: str = USER_PATTERN,
        may_use: MayUse = lambda account: True,
        told: Callable[[int], None] = lambda code: None,
    ) -> None:
        self._checks = checks
        self._service = service
        self._realm = realm
        self._user_pattern = user_pattern
        self._may_use = may_use
        self._told = told

    async def start(self, user: str, password: str, peer: str) -> Proven | Asking:
        """Judge a name and a password.

        :raises Denied: always with the same text.
        :raises Unavailable: it cannot be judged now.
        """
        name = self._without_realm(user)
        if not is_acceptable(Request(name, password, self._service), self._user_pattern):
            raise Denied(REFUSAL)
        check = Check(name, password, self._service, rhost=peer, converses=True)
        return self.judge(await self._checks.check(check))

    def judge(self, outcome: Outcome) -> Proven | Asking:
        """Make of PAM's answer what the sign-in makes of it; raises ``Denied``."""
        if isinstance(outcome, Asked):
            prompts = tuple(Prompt(text, is_hidden) for is_hidden, text in outcome.prompts)
            return Asking(Question(prompts, outcome.messages), PamConversation(self, outcome))
        if isinstance(outcome, Accepted):
            user = self._user(outcome.account)
            if user is not None and self._may_use(outcome.account):
                return Proven(user, outcome.account.ticket)
        if isinstance(outcome, Refused):
            self._told(outcome.code)
        raise Denied(REFUSAL)

    def _without_realm(self, user: str) -> str:
        """The account's name, for people who type their whole name."""
        return user.removesuffix(f"@{self._realm}") if self._realm else user

    def _user(self, account: Account) -> User | None:
        upn = f"{account.name}@{self._realm}" if self._realm else account.name
        try:
            return User(check_upn(upn), METHOD_PAM, account.attributes, account.groups)
        except Malformed:
            return None


class PamConversation:
    """A sign-in that waits for the answers to what PAM has asked; single use."""

    def __init__(self, method: PamMethod, asked: Asked) -> None:
        self._method = method
        self._asked = asked

    def answer(self, texts: Sequence[str]) -> Awaitable[Proven | Asking]:
        """Give the answers to PAM.

        :raises Denied: a number of answers that was not asked for, or wrong ones.
        :raises Unavailable: it cannot be judged now, or comes too late.
        """
        return self._answer(texts)

    def close(self) -> None:
        """Give up."""
        self._asked.talk.close()

    async def _answer(self, texts: Sequence[str]) -> Proven | Asking:
        if len(texts) != len(self._asked.prompts) or not all(map(_is_answer, texts)):
            self.close()
            raise Denied(REFUSAL)
        return self._method.judge(await self._asked.talk.answer(texts))


def _is_answer(text: str) -> bool:
    return not text or is_field(text)
