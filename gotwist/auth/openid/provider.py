"""A provider as its discovery document describes it (OpenID Connect Discovery 1.0).

    GET <issuer>/.well-known/openid-configuration

Only what is used is read.  Its ``issuer`` must be the one that was asked, letter for letter;
every address must be https, or plain http on loopback when the issuer itself is there.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from gotwist.errors import Malformed

#: Asymmetric algorithms only.  ``none`` proves nothing, and with HS* a public key could be
#: taken for the secret.
ALGORITHMS: Final = (
    *("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
    *("ES256", "ES384", "ES512", "EdDSA"),
)
WELL_KNOWN: Final = "/.well-known/openid-configuration"
_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})
_URL: Final = re.compile(r"https?://[\x21-\x7e]{1,2000}")


@dataclass(frozen=True)
class Provider:
    """The addresses of one provider, and what it can do."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str | None = None
    algorithms: tuple[str, ...] = ("RS256",)
    secret_in_form: bool = False
    """Whether it wants the client secret in the form and not in a header."""
    names_itself: bool = False
    """Whether it says in each answer who it is (RFC 9207)."""


def is_plain_allowed(issuer: str) -> bool:
    """Whether an issuer is on this machine, so that plain http may be spoken to it."""
    return urlsplit(issuer).hostname in _LOOPBACK


def check_url(url: object, *, plain_allowed: bool) -> str:
    """Give an address back when requests may go there.

    :raises Malformed: for everything but https, save http on loopback where that is allowed.
    """
    if not isinstance(url, str) or not _URL.fullmatch(url):
        raise Malformed("an address is not one")
    try:
        parts = urlsplit(url)
        host = parts.hostname
        _ = parts.port
    except ValueError:
        raise Malformed("an address is not one") from None
    if not host or "@" in parts.netloc or "#" in url or "\\" in url:
        raise Malformed("an address is not one")
    if parts.scheme != "https" and not (plain_allowed and host in _LOOPBACK):
        raise Malformed("an address is not https")
    return url


def discovery_url(issuer: str) -> str:
    """Where an issuer's discovery document is."""
    return issuer.rstrip("/") + WELL_KNOWN


def parse_provider(document: Mapping[str, object], issuer: str) -> Provider:
    """Read a discovery document.

    :param issuer: the one that was asked.
    :raises Malformed: when it is another's, or lacks what is needed.
    """
    if document.get("issuer") != issuer:
        raise Malformed("the discovery document is another issuer's")
    plain = is_plain_allowed(issuer)

    def url(name: str) -> str:
        return check_url(document.get(name), plain_allowed=plain)

    offered = _texts(document.get("id_token_signing_alg_values_supported")) or ("RS256",)
    algorithms = tuple(name for name in ALGORITHMS if name in offered)
    if not algorithms:
        raise Malformed("the provider signs with no algorithm that is accepted here")
    ways = _texts(document.get("token_endpoint_auth_methods_supported"))
    return Provider(
        issuer=issuer,
        authorization_endpoint=url("authorization_endpoint"),
        token_endpoint=url("token_endpoint"),
        jwks_uri=url("jwks_uri"),
        userinfo_endpoint=url("userinfo_endpoint") if "userinfo_endpoint" in document else None,
        algorithms=algorithms,
        secret_in_form="client_secret_post" in ways and "client_secret_basic" not in ways,
        names_itself=document.get("authorization_response_iss_parameter_supported") is True,
    )


def _texts(value: object) -> tuple[str, ...]:
    return tuple(item for item in value if isinstance(item, str)) if isinstance(value, list) else ()
