"""A registration: what the operator has agreed with a provider, and what its word is worth."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

METHOD_OIDC: Final = "oidc"
METHOD_GOOGLE: Final = "google"
GOOGLE_ISSUER: Final = "https://accounts.google.com"
ANY: Final = "*"


@dataclass(frozen=True)
class Registration:
    """This daemon as a client of one provider."""

    method: str
    """``oidc`` or ``google``: the method of the users who come this way."""
    title: str
    """What the sign-in page calls it."""
    issuer: str
    client_id: str
    client_secret: str = field(default="", repr=False)
    """Empty: a public client, which has only PKCE to show."""
    issuer_aliases: tuple[str, ...] = ()
    """Other spellings of the issuer in ID tokens."""
    scopes: tuple[str, ...] = ("openid",)
    upn_claim: str = "sub"
    groups_claim: str = ""
    attributes: tuple[str, ...] = ()
    """Claims that become attributes of the user."""
    asks_userinfo: bool = False
    """Whether the userinfo endpoint is asked for what the ID token does not say."""
    domains: tuple[str, ...] = ()
    """Domains whose people are let in; with neither these nor ``emails`` everybody is."""
    emails: tuple[str, ...] = ()
    hosted_domain: bool = False
    """A domain is what Google calls ``hd``, not what stands behind the @ of an address."""


def google_registration(
    key: str,
    secret: str,
    *,
    domains: tuple[str, ...] = (),
    emails: tuple[str, ...] = (),
    issuer: str = GOOGLE_ISSUER,
) -> Registration:
    """Google's accounts, named by their e-mail address."""
    return Registration(
        method=METHOD_GOOGLE,
        title="Google",
        issuer=issuer,
        client_id=key,
        client_secret=secret,
        # Google's documentation allows for the name without its scheme.
        issuer_aliases=("accounts.google.com",) if issuer == GOOGLE_ISSUER else (),
        scopes=("openid", "email", "profile"),
        upn_claim="email",
        attributes=("email", "name", "given_name", "family_name", "locale", "hd", "sub"),
        domains=domains,
        emails=emails,
        hosted_domain=True,
    )
