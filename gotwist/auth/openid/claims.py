"""From claims to a user: name, attributes and groups, and who is let in at all."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from gotwist.auth.openid.refusal import NOT_YOU, Refused
from gotwist.auth.openid.registration import ANY, Registration
from gotwist.auth.user import User, check_upn
from gotwist.errors import Malformed

MAX_GROUPS: Final = 1_000
_TEXT: Final = re.compile(r"[^\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]{1,256}")
_GROUP: Final = re.compile(r"[^\x00-\x20\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]{1,128}")
#: What the signed token alone says; the userinfo answer does not change it.
_SIGNED: Final = frozenset({"iss", "sub", "aud", "exp", "iat", "nbf", "azp", "nonce", "hd"})
#: What no provider decides, whatever the settings name.
RESERVED_ATTRIBUTES: Final = frozenset(
    {"address", "groups", "ip_address", "method", "role", "roles", "session", "ticket"}
    | {"gid", "uid", "upn", "user"}
)


def with_userinfo(
    claims: Mapping[str, object], userinfo: Mapping[str, object]
) -> Mapping[str, object]:
    """Add to an ID token's claims what the userinfo endpoint says of the same person.

    :raises Refused: when it speaks of another one, as an exchanged token would make it.
    """
    if userinfo.get("sub") != claims["sub"]:
        raise Refused("the userinfo is about somebody else")
    more = {name: item for name, item in userinfo.items() if name not in _SIGNED}
    return {**more, **claims}


def user_of(claims: Mapping[str, object], registration: Registration) -> User:
    """The user whom verified claims describe.

    :raises Refused: when they give no name, or a person who is not let in.
    """
    upn = claims.get(registration.upn_claim)
    if registration.upn_claim == "email":
        upn = _verified_email(claims)
    if not isinstance(upn, str):
        raise Refused(f"there is no usable claim {registration.upn_claim}", NOT_YOU)
    try:
        check_upn(upn)
    except Malformed:
        raise Refused(
            f"the claim {registration.upn_claim} cannot be a user's name", NOT_YOU
        ) from None
    _check_admission(claims, registration)
    return User(
        upn,
        registration.method,
        _attributes(claims, registration.attributes),
        _groups(claims.get(registration.groups_claim)) if registration.groups_claim else (),
    )


def _verified_email(claims: Mapping[str, object]) -> str | None:
    """The address in lower case; one that nobody has verified is anybody's."""
    email = claims.get("email")
    if not isinstance(email, str) or claims.get("email_verified") is not True:
        return None
    return email.lower() if re.fullmatch(r"[^@\s]{1,64}@[^@\s]{1,190}", email) else None


def _check_admission(claims: Mapping[str, object], registration: Registration) -> None:
    domains, emails = registration.domains, registration.emails
    if not (domains or emails) or ANY in domains:
        return
    email = _verified_email(claims)
    if email is not None and email in emails:
        return
    if registration.hosted_domain:
        domain = claims.get("hd")
    else:
        domain = email.rpartition("@")[2] if email else None
    if isinstance(domain, str) and domain.lower() in domains:
        return
    raise Refused("the account is of no allowed domain or address", NOT_YOU)


def _attributes(claims: Mapping[str, object], names: tuple[str, ...]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name in names:
        value = claims.get(name)
        if name == "email":
            # Policies may look at it, so it must be the person's.
            value = _verified_email(claims)
        if isinstance(value, bool):
            value = str(value).lower()
        elif isinstance(value, int):
            value = str(value)
        if name not in RESERVED_ATTRIBUTES and isinstance(value, str) and _TEXT.fullmatch(value):
            found[name] = value
    return found


def _groups(value: object) -> tuple[str, ...]:
    names = value if isinstance(value, list) else [value]
    good = (name for name in names if isinstance(name, str) and _GROUP.fullmatch(name))
    groups = tuple(dict.fromkeys(good))
    if len(groups) > MAX_GROUPS:
        # Some of them only could be the wrong ones: policies also take rights away.
        raise Refused("the account has too many groups", NOT_YOU)
    return groups
