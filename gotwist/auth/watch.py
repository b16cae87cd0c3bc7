"""Who wants to know of sign-ins and refusals: the audit trail, counters."""

from __future__ import annotations

from typing import Protocol

from gotwist.auth.certificates import COMMON_NAME
from gotwist.auth.credentials import (
    ApiCredentials,
    CertificateCredentials,
    Credentials,
    PasswordCredentials,
)
from gotwist.auth.user import User

WRONG = "wrong"
TOO_MANY = "too_many"
UNAVAILABLE = "unavailable"

NOTHING, COOKIE, ANSWER = "no", "cookie", "answer"
"""Three of the ways: nothing at all, the cookie of before, the answer to a question."""


class Watch(Protocol):
    """Is told of everything that shows who somebody is, or fails to.

    Names come from outside and may be anything; what was wrong is told to nobody else.
    """

    def signed_in(self, user: User, address: str, sign_in: str) -> None:
        """Somebody has proven to be ``user``.

        :param sign_in: the handle of the sign-in; empty for a single request without one.
        """

    def refused(self, name: str, way: str, address: str, why: str) -> None:
        """Somebody has not.

        :param name: who it claimed to be, as far as it did.
        :param way: ``password``, ``token``, ``api``, ``answer`` (to a question) or another kind.
        :param why: one of :data:`WRONG`, :data:`TOO_MANY`, :data:`UNAVAILABLE`.
        """


class NoWatch:
    """Nobody wants to know."""

    def signed_in(self, user: User, address: str, sign_in: str) -> None:
        """Nobody."""

    def refused(self, name: str, way: str, address: str, why: str) -> None:
        """Nobody."""


def claim_of(credentials: Credentials) -> tuple[str, str]:
    """The name that credentials claim, and what kind they are; nothing secret."""
    way = type(credentials).__name__.removesuffix("Credentials").lower()
    if isinstance(credentials, PasswordCredentials):
        return credentials.user[:128], way
    if isinstance(credentials, ApiCredentials):
        return str(credentials.fields.get("upn", ""))[:128], way
    if isinstance(credentials, CertificateCredentials):
        return dict(credentials.certificate.subject).get(COMMON_NAME, "")[:128], way
    return "", way
