"""Credentials: what somebody offers to show who they are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from gotwist.auth.certificates import ClientCertificate
from gotwist.auth.conversation import Conversation


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


@dataclass(frozen=True)
class PasswordCredentials:
    """A user's name and password."""

    user: str
    password: str = field(repr=False)


@dataclass(frozen=True)
class ApiCredentials:
    """The signed object with which another site vouches for a user, not judged in any way."""

    fields: Mapping[str, object] = field(repr=False)


@dataclass(frozen=True)
class CertificateCredentials:
    """A certificate by which TLS has let somebody in."""

    certificate: ClientCertificate


@dataclass(frozen=True)
class AnswerCredentials:
    """The answers to a question that was asked after the first credentials."""

    conversation: Conversation
    texts: tuple[str, ...] = field(repr=False)


Credentials: TypeAlias = (
    NoCredentials
    | CookieCredentials
    | TokenCredentials
    | PasswordCredentials
    | ApiCredentials
    | CertificateCredentials
    | AnswerCredentials
)
