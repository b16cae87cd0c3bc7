"""What the web door asks of whoever knows the sign-ins."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias

from gotwist.auth.conversation import Conversation, Proven
from gotwist.auth.credentials import Credentials


@dataclass(frozen=True)
class SignInView:
    """One valid sign-in, as far as pages and downloads need it."""

    upn: str
    session_id: str
    """Names the directory below the session directory; one path component."""
    attributes: Mapping[str, str] = field(default_factory=dict)
    """What settings for some users may depend on, ``upn`` included."""
    groups: tuple[str, ...] = ()


@dataclass(frozen=True)
class SignInTicket:
    """A sign-in just made: what the browser is to keep."""

    cookie_value: str
    view: SignInView
    max_age_s: int | None = None
    """``None``: until the browser closes."""


@dataclass(frozen=True)
class SignInLink:
    """Another way of signing in, offered on the sign-in page; a path below the prefix."""

    label: str
    path: str


FileSent: TypeAlias = Callable[[str, str, str, int], None]
"""Told of a file that begins to be sent: user, address, name and how many bytes."""


def no_file(user: str, address: str, name: str, size: int) -> None:
    """Nobody wants to know."""


class SignInDesk(Protocol):
    """Takes what people show of themselves, knows the sign-ins by their cookie, ends them."""

    def take_launch_token(self, token: str, peer: str) -> Awaitable[SignInTicket]:
        """Use up a one-time token.

        :raises MoreAsked: when it is good and a second factor is asked for.
        :raises Denied: when it is unknown, used or too old; one answer for all three.
        """

    def welcome(self, peer: str) -> Awaitable[SignInTicket | None]:
        """Sign in somebody who brings nothing, where the settings allow that; else ``None``."""

    def offer(self, credentials: Credentials, peer: str) -> Awaitable[SignInTicket]:
        """Judge credentials.

        :raises MoreAsked: with the question, when more is asked.
        :raises Denied: with the same text, whatever the reason.
        :raises Unavailable: when they cannot be judged now.
        """

    def go_on(
        self, conversation: Conversation, texts: Sequence[str], peer: str
    ) -> Awaitable[SignInTicket]:
        """Give the answers to a question; raises like :meth:`offer`."""

    def look(self, credentials: Credentials, peer: str) -> Awaitable[SignInView]:
        """Judge credentials for one request only, without any sign-in; raises like ``offer``."""

    def arrive(self, proven: Proven, peer: str) -> Awaitable[SignInTicket]:
        """Sign in whom a method has proven by pages of its own; raises like :meth:`offer`."""

    def turned_away(self, way: str, peer: str) -> None:
        """Hear that a method's own page has refused somebody, for who counts such things."""

    def find(self, cookie_value: str, peer: str = "") -> SignInView | None:
        """Give the valid sign-in with this cookie value, used from ``peer``."""

    def sign_out(self, cookie_value: str) -> Awaitable[None]:
        """End the sign-in everywhere; one that is over already is no error."""
