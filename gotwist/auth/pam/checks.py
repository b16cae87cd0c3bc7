"""Checks of passwords by PAM: what is asked, what comes back, and who answers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Protocol, TypeAlias

from gotwist.auth.pam.wire import Message, Odd

TTY = "gotwist"
"""What PAM is told of the terminal: there is none yet."""
LOCAL = "localhost"
"""The remote host of those who ask over a UNIX socket."""

SHORTEST_S = 1.0
LONGEST_S = 2.0


@dataclass(frozen=True)
class Check:
    """One password to be checked.

    ``rhost`` is the address of the person, ``converses`` whether there is one who could be
    asked more.
    """

    user: str
    password: str = field(repr=False)
    service: str
    rhost: str = LOCAL
    converses: bool = False
    tty: str = TTY


@dataclass(frozen=True)
class Account:
    """The account whose password was right, as this machine knows it.

    ``uid`` is None when PAM knows the user and the machine does not.
    """

    name: str
    uid: int | None = None
    groups: tuple[str, ...] = ()
    attributes: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    ticket: str = field(default="", repr=False)


@dataclass(frozen=True)
class Accepted:
    """The password is right, and the account may be used."""

    account: Account


@dataclass(frozen=True)
class Refused:
    """It is not; ``code`` is PAM's and for the log alone."""

    code: int


@dataclass(frozen=True)
class Asked:
    """PAM wants to know more: prompts as (is hidden, text), and what it says besides."""

    prompts: tuple[tuple[bool, str], ...]
    messages: tuple[str, ...]
    talk: Talk


Outcome: TypeAlias = Accepted | Refused | Asked


class Talk(Protocol):
    """A check between two of its steps; single use."""

    def answer(self, texts: Sequence[str]) -> Awaitable[Outcome]:
        """Answer all prompts; raises ``Unavailable``, also when it comes too late."""

    def close(self) -> None:
        """Nobody is going to answer."""


class Checks(Protocol):
    """Who checks: the workers of this process, or somebody with more rights."""

    def check(self, check: Check) -> Awaitable[Outcome]:
        """Check one password.

        :raises Unavailable: it cannot be judged now.
        """


def failure_wait_s(draw: Callable[[], float], elapsed_s: float) -> float:
    """How long a refusal still has to wait: all take the same time, whatever was wrong.

    :param draw: gives a random number from 0 to 1
    :param elapsed_s: since the request
    """
    return max(0.0, SHORTEST_S + (LONGEST_S - SHORTEST_S) * draw() - elapsed_s)


def check_message(check: Check) -> Message:
    """Write a check for the worker."""
    return {
        "do": "check",
        "user": check.user,
        "password": check.password,
        "service": check.service,
        "rhost": check.rhost,
        "tty": check.tty,
        "converse": check.converses,
    }


def parse_done(message: Message) -> Accepted | Refused:
    """Read what a worker says at the end of a check; raises ``Odd``."""
    code, account = message.get("done"), message.get("account")
    if type(code) is not int:
        raise Odd("no result")
    if code != 0:
        return Refused(code)
    if not isinstance(account, dict):
        raise Odd("no account")
    uid, groups, attributes = account["uid"], account["groups"], account["attributes"]
    return Accepted(
        Account(
            str(account["name"]),
            uid if isinstance(uid, int) else None,
            tuple(map(str, groups)),
            MappingProxyType({str(name): str(text) for name, text in attributes.items()}),
        )
    )


def parse_ask(message: Message) -> tuple[tuple[tuple[bool, str], ...], tuple[str, ...]]:
    """Read what a worker asks: the prompts, and what is said besides; raises ``Odd``."""
    prompts, said = message.get("ask"), message.get("said")
    if not isinstance(prompts, list) or not isinstance(said, list):
        raise Odd("no question")
    return tuple((bool(hidden), str(text)) for hidden, text in prompts), tuple(map(str, said))
