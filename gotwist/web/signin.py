"""What the web door asks of whoever knows the sign-ins."""

from __future__ import annotations

from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class SignInView:
    """One valid sign-in, as far as pages and downloads need it."""

    upn: str
    session_id: str
    """Names the directory below the session directory; one path component."""


@dataclass(frozen=True)
class SignInTicket:
    """A sign-in just made: what the browser is to keep."""

    cookie_value: str
    view: SignInView
    max_age_s: int | None = None
    """``None``: until the browser closes."""


class SignInDesk(Protocol):
    """Takes launch tokens, knows the sign-ins by their cookie, ends them."""

    def take_launch_token(self, token: str, peer: str) -> Awaitable[SignInTicket]:
        """Use up a one-time token.

        :raises Denied: when it is unknown, used or too old; one answer for all three.
        """

    def welcome(self, peer: str) -> Awaitable[SignInTicket | None]:
        """Sign in somebody who brings nothing, where the settings allow that; else ``None``."""

    def find(self, cookie_value: str) -> SignInView | None:
        """Give the valid sign-in with this cookie value."""

    def sign_out(self, cookie_value: str) -> Awaitable[None]:
        """End the sign-in everywhere; one that is over already is no error."""
