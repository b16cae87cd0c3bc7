"""The ID token: whether a provider has signed it, for us, for this sign-in, just now."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import jwt
from jwt.exceptions import PyJWTError

from gotwist.auth.openid.keys import KeySet
from gotwist.auth.openid.provider import Provider
from gotwist.auth.openid.refusal import Refused
from gotwist.auth.openid.registration import Registration

LEEWAY_S: Final = 120.0
"""How far the provider's clock and ours may be apart."""
MAX_AGE_S: Final = 600.0
_REQUIRED: Final = ["iss", "sub", "aud", "exp", "iat", "nonce"]


class UnknownKey(Refused):
    """The token names a key that is not among those known; the provider may have new ones."""


@dataclass(frozen=True)
class Expected:
    """What an ID token must match."""

    provider: Provider
    registration: Registration
    nonce: str
    wall_now: float


def verify_id_token(token: str, keys: KeySet, expected: Expected) -> Mapping[str, object]:
    """Give the claims of a token that is what is expected.

    :raises UnknownKey: when it is signed with a key that ``keys`` does not hold.
    :raises Refused: whatever else is wrong.
    """
    algorithms = expected.provider.algorithms
    try:
        header = jwt.get_unverified_header(token)
        algorithm = header.get("alg")
        # Before any key is looked for: what the token says of itself chooses nothing.
        if algorithm not in algorithms:
            raise Refused("the ID token is signed with an algorithm that is not accepted")
        key = keys.find(header.get("kid"), algorithm)
        if key is None:
            raise UnknownKey("the ID token is signed with an unknown key")
        claims: Mapping[str, object] = jwt.decode(
            token,
            key,
            algorithms=[algorithm],
            audience=expected.registration.client_id,
            issuer=[expected.provider.issuer, *expected.registration.issuer_aliases],
            # The times are judged below, by the daemon's own clock.
            options={
                "require": _REQUIRED,
                "verify_exp": False,
                "verify_iat": False,
                "verify_nbf": False,
            },
        )
    except (PyJWTError, ValueError, TypeError, RecursionError) as error:
        raise Refused(f"the ID token is not good ({type(error).__name__})") from None
    _check_party(claims, expected.registration.client_id)
    _check_times(claims, expected.wall_now)
    nonce = claims["nonce"]
    if not isinstance(nonce, str) or not hmac.compare_digest(
        nonce.encode(), expected.nonce.encode()
    ):
        raise Refused("the ID token belongs to another sign-in")
    subject = claims["sub"]
    if not isinstance(subject, str) or not 0 < len(subject) <= 255:
        raise Refused("the ID token names nobody")
    return claims


def _check_party(claims: Mapping[str, object], client_id: str) -> None:
    audience = claims["aud"]
    several = isinstance(audience, list) and len(audience) > 1
    if ("azp" in claims or several) and claims.get("azp") != client_id:
        raise Refused("the ID token was issued to another party")


def _check_times(claims: Mapping[str, object], now: float) -> None:
    expires, issued = _time(claims["exp"]), _time(claims["iat"])
    if expires <= now - LEEWAY_S:
        raise Refused("the ID token has expired")
    if not now - MAX_AGE_S - LEEWAY_S <= issued <= now + LEEWAY_S:
        raise Refused("the ID token was not issued just now")
    if "nbf" in claims and _time(claims["nbf"]) > now + LEEWAY_S:
        raise Refused("the ID token is not valid yet")


def _time(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e11:
        raise Refused("the ID token has a time that is none")
    return float(value)
