"""Credentials: what somebody offers to show who they are."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias


@dataclass(frozen=True)
class NoCredentials:
    """Nothing is offered; enough only where the daemon asks nobody who they are."""


@dataclass(frozen=True)
class CookieCredentials:
    """The value of the sign-in cookie, as the browser sent it."""

    value: str = field(repr=False)


@dataclass(frozen=True)
class TokenCredentials:
    """A one-time token and the purpose for which it is presented (``web`` or ``launch``)."""

    token: str = field(repr=False)
    purpose: str = "web"


Credentials: TypeAlias = NoCredentials | CookieCredentials | TokenCredentials
