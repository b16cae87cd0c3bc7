"""Conversations: signing in by a password, in as many steps as the method asks for.

A password method is started with a name and a password.  It either has its answer at once
(:class:`Proven`, or an error) or asks something more (:class:`Asking`): a second password, a
code, a new password in place of one that has expired.  Whoever started it shows the question
to the person and gives the answers back, until there is nothing more to ask.
"""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias

from gotwist.auth.user import User
from gotwist.errors import Denied

MAX_ANSWER = 1024
"""The longest answer to a prompt, in bytes."""


@dataclass(frozen=True)
class Prompt:
    """One thing that is asked; ``is_hidden``: what is typed must not be shown."""

    text: str
    is_hidden: bool


@dataclass(frozen=True)
class Question:
    """What is asked at one step, and what the method says besides.

    Without prompts there is only something to be read; it is answered by no texts.
    """

    prompts: tuple[Prompt, ...]
    messages: tuple[str, ...] = ()


@dataclass(frozen=True)
class Proven:
    """Who somebody has proven to be.

    ``ticket`` is what a privileged keeper wants to see before it starts anything as this user.
    """

    user: User
    ticket: str = field(default="", repr=False)


class Conversation(Protocol):
    """A sign-in between two of its steps.

    Used once: each answer gives the result or the next conversation.
    """

    def answer(self, texts: Sequence[str]) -> Awaitable[Step]:
        """Give the answers to all prompts, in their order.

        :raises Denied: whatever was wrong; the sign-in has to begin anew.
        :raises Unavailable: it cannot be judged now.
        """

    def close(self) -> None:
        """Give up: nobody is going to answer."""


@dataclass(frozen=True)
class Asking:
    """More is asked before anything is proven."""

    question: Question
    conversation: Conversation


Step: TypeAlias = Proven | Asking


class MoreAsked(Denied):
    """Right so far, but more is asked; for doors that cannot ask, a refusal like any other."""

    def __init__(self, asking: Asking) -> None:
        super().__init__("More is asked than this way of signing in can answer.")
        self.asking = asking


class PasswordMethod(Protocol):
    """A way of signing in that begins with a name and a password."""

    @property
    def name(self) -> str:
        """The method's name in the settings, and of the users it proves."""

    def start(self, user: str, password: str, peer: str) -> Awaitable[Step]:
        """Judge a name and a password that came from the address ``peer``.

        Both have been checked for their form.  Never blocks.

        :raises Denied: unknown, wrong, locked, expired: one answer for all.
        :raises Unavailable: it cannot be judged now.
        """
