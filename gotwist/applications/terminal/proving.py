"""Checks of passwords by a privileged keeper, in the place of processes of the daemon's own."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from types import MappingProxyType

from gotwist.applications.terminal.answers import Message, number_in
from gotwist.auth.pam.checks import Accepted, Account, Asked, Check, Outcome, Refused
from gotwist.errors import Denied, Malformed, NotFound, Unavailable
from gotwist.keeper import forms

Prove = Callable[[Message], Awaitable[Message]]
"""Asks the keeper something for which it may take its time."""

# libpam's codes, for the log: wrong, unknown, and "nobody could be asked".
AUTH_ERR = 7
USER_UNKNOWN = 10
CONV_ERR = 19


class KeeperChecks:
    """Implements :class:`gotwist.auth.pam.checks.Checks`.

    :param spawn: runs an awaitable in the background and logs its failure with a context

    What the keeper would take for an attack never reaches it: it would hang up, and with it
    go the terminals of everybody.
    """

    def __init__(self, prove: Prove, spawn: Callable[[str, Awaitable[object]], None]) -> None:
        self._prove = prove
        self._spawn = spawn

    async def check(self, check: Check) -> Outcome:
        """Check one password.

        :raises Unavailable: it cannot be judged now.
        """
        if not forms.USER.fullmatch(check.user):
            return Refused(USER_UNKNOWN)
        if not forms.is_secret(check.password):
            return Refused(AUTH_ERR)
        request: Message = {
            "do": "authenticate",
            "user": check.user,
            "password": check.password,
            "service": check.service[:64].replace("\0", ""),
            "rhost": address(check.rhost),
            # Only a person at a browser opens terminals afterwards.
            "ticket": check.converses,
        }
        outcome = await self.judge(request)
        if isinstance(outcome, Asked) and not check.converses:
            outcome.talk.close()
            return Refused(CONV_ERR)
        return outcome

    async def judge(self, request: Message) -> Outcome:
        """Ask the keeper, and read its answer."""
        try:
            answer = await self._prove(request)
        except (Denied, Malformed):
            return Refused(AUTH_ERR)
        except NotFound as error:
            raise Unavailable("Too late; please begin again.") from error
        if "ask" in answer:
            prompts, said = answer["ask"], answer.get("messages")
            assert isinstance(prompts, list) and isinstance(said, list)
            return Asked(
                tuple((bool(is_hidden), str(text)) for text, is_hidden in prompts),
                tuple(map(str, said)),
                KeeperTalk(self, number_in(answer, "check")),
            )
        return Accepted(parse_account(answer))

    def give_up(self, check: int) -> None:
        """Give a check up, without waiting for that."""
        self._spawn("give a sign-in up", self.cancel(check))

    async def cancel(self, check: int) -> None:
        """Give a check up."""
        await self._prove({"do": "cancel", "check": check})


class KeeperTalk:
    """A check between two of its steps; single use."""

    def __init__(self, checks: KeeperChecks, check: int) -> None:
        self._checks = checks
        self._check = check

    async def answer(self, texts: Sequence[str]) -> Outcome:
        """Answer all prompts."""
        if len(texts) > forms.MAX_TEXTS or not all(map(forms.is_secret, texts)):
            await self._checks.cancel(self._check)
            return Refused(AUTH_ERR)
        return await self._checks.judge(
            {"do": "answer", "check": self._check, "texts": list(texts)}
        )

    def close(self) -> None:
        """Nobody is going to answer."""
        self._checks.give_up(self._check)


def address(text: str) -> str:
    """A person's address in the form the keeper takes; empty when it is of another."""
    return text if forms.ADDRESS.fullmatch(text) else ""


def parse_account(answer: Message) -> Account:
    """Read what the keeper says of a proven account."""
    proven = answer.get("proven")
    if not isinstance(proven, dict):
        raise Unavailable("The keeper gave an answer that cannot be read.")
    name, uid, groups = str(proven.get("user")), proven.get("uid"), proven.get("groups")
    return Account(
        name,
        uid if isinstance(uid, int) else None,
        tuple(map(str, groups)) if isinstance(groups, list) else (),
        MappingProxyType({"account": name}),
        str(answer.get("ticket", "")),
    )
