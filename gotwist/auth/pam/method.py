"""Signing in by PAM: name and password first, then whatever else PAM asks."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeAlias

from gotwist.auth.conversation import Asking, Prompt, Proven, Question
from gotwist.auth.line import USER_PATTERN, Request, is_acceptable, is_field
from gotwist.auth.pam.checks import Accepted, Account, Asked, Check, Checks, Outcome, Refused
from gotwist.auth.pam.checks import failure_wait_s as wait_s
from gotwist.auth.pam.judging import Wait
from gotwist.auth.user import User, check_upn
from gotwist.errors import Denied, Malformed

METHOD_PAM = "pam"
REFUSAL = "The user or the password is wrong, or the account may not be used."

MayUse: TypeAlias = Callable[[Account], bool]
"""Tells whether an account, once proven, may sign in here."""


class PamMethod:
    """The password method ``pam``.

    :param service: PAM service that is asked
    :param realm: stands behind the account's name and an @ in the user's name; empty: nothing
    :param now: monotonic seconds
    :param wait: waits by a timer
    :param may_use: which accounts may sign in; refused like a wrong password
    :param told: called with PAM's code for a refusal, for the log
    """

    name = METHOD_PAM

    def __init__(
        self,
        checks: Checks,
        now: Callable[[], float],
        wait: Wait,
        *,
        service: str,
        realm: str = "",
        user_pattern: str = USER_PATTERN,
        may_use: MayUse = lambda account: True,
        told: Callable[[int], None] = lambda code: None,
        draw: Callable[[], float] = random.random,
    ) -> None:
        self._checks = checks
        self._now = now
        self._wait = wait
        self._service = service
        self._realm = realm
        self._user_pattern = user_pattern
        self._may_use = may_use
        self._told = told
        self._draw = draw

    async def start(self, user: str, password: str, peer: str) -> Proven | Asking:
        """Judge a name and a password; a refusal takes the same time whatever it is for.

        :raises Denied: always with the same text.
        :raises Unavailable: it cannot be judged now.
        """
        begun = self._now()
        name = self._without_realm(user)
        if not is_acceptable(Request(name, password, self._service), self._user_pattern):
            return await self._refuse(begun)
        check = Check(name, password, self._service, rhost=peer, converses=True)
        return await self.judge(begun, await self._checks.check(check))

    async def judge(self, begun: float, outcome: Outcome) -> Proven | Asking:
        """Make of PAM's answer what the sign-in makes of it.

        :param begun: when the person's request came
        """
        if isinstance(outcome, Asked):
            prompts = tuple(Prompt(text, is_hidden) for is_hidden, text in outcome.prompts)
            conversation = PamConversation(self, self._now, outcome)
            return Asking(Question(prompts, outcome.messages), conversation)
        if isinstance(outcome, Accepted):
            user = self._user(outcome.account)
            if user is not None and self._may_use(outcome.account):
                return Proven(user, outcome.account.ticket)
        if isinstance(outcome, Refused):
            self._told(outcome.code)
        return await self._refuse(begun)

    async def _refuse(self, begun: float) -> Proven:
        await self._wait(wait_s(self._draw, self._now() - begun))
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

    def __init__(self, method: PamMethod, now: Callable[[], float], asked: Asked) -> None:
        self._method = method
        self._now = now
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
        begun = self._now()
        return await self._method.judge(begun, await self._asked.talk.answer(texts))


def _is_answer(text: str) -> bool:
    return not text or is_field(text)
