"""What is exchanged with a provider: the way there, the way back, code against tokens."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import quote_plus, urlencode

from gotwist.auth.openid.flows import Flow
from gotwist.auth.openid.provider import Provider
from gotwist.auth.openid.refusal import DECLINED, UNREACHABLE, Refused
from gotwist.auth.openid.registration import Registration
from gotwist.errors import Malformed, Unavailable

MAX_CODE: Final = 4_096
MAX_TOKEN: Final = 65_536
_ERROR: Final = re.compile(r"[a-z_]{1,64}")
_VISIBLE: Final = re.compile(r"[\x20-\x7e]+")
_BUSY: Final = frozenset({"temporarily_unavailable", "server_error"})


@dataclass(frozen=True)
class Tokens:
    """What the provider gives for a code."""

    id_token: str = field(repr=False)
    access_token: str | None = field(default=None, repr=False)


def authorization_url(provider: Provider, registration: Registration, flow: Flow) -> str:
    """The address to which the browser is sent."""
    parameters = {
        "response_type": "code",
        "client_id": registration.client_id,
        "redirect_uri": flow.redirect_uri,
        "scope": " ".join(registration.scopes),
        "state": flow.state,
        "nonce": flow.nonce,
        "code_challenge": flow.challenge,
        "code_challenge_method": "S256",
    }
    if registration.hosted_domain and len(registration.domains) == 1:
        # Only a hint: which account comes back is checked all the same.
        parameters["hd"] = registration.domains[0]
    glue = "&" if "?" in provider.authorization_endpoint else "?"
    return f"{provider.authorization_endpoint}{glue}{urlencode(parameters)}"


def code_of(fields: Mapping[str, str], provider: Provider) -> str:
    """The code in what the browser brought back, its ``state`` being judged already.

    :raises Refused: when there is none, or another provider says it is its (RFC 9207).
    :raises Unavailable: when the provider says that it is not able now.
    """
    issuer = fields.get("iss")
    if issuer is None and provider.names_itself:
        raise Refused("the answer does not say which provider it is from")
    if issuer is not None and issuer != provider.issuer:
        raise Refused("the answer is from another provider")
    if "error" in fields:
        error = fields["error"]
        if error == "access_denied":
            raise Refused("the person or the provider declined", DECLINED)
        if error in _BUSY:
            raise Unavailable(UNREACHABLE)
        shown = error if _ERROR.fullmatch(error) else "an error of no known form"
        raise Refused(f"the provider answered {shown}")
    code = fields.get("code", "")
    if not 0 < len(code) <= MAX_CODE or not _VISIBLE.fullmatch(code):
        raise Refused("the answer has no code")
    return code


def token_request(
    provider: Provider, registration: Registration, flow: Flow, code: str
) -> tuple[dict[str, str], dict[str, str]]:
    """The form and the headers with which a code is exchanged."""
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": flow.redirect_uri,
        "code_verifier": flow.verifier,
    }
    if registration.client_secret and not provider.secret_in_form:
        # Both are encoded as in a form before they are joined (RFC 6749, 2.3.1).
        name, secret = quote_plus(registration.client_id), quote_plus(registration.client_secret)
        joined = base64.b64encode(f"{name}:{secret}".encode()).decode()
        return form, {"Authorization": f"Basic {joined}"}
    form["client_id"] = registration.client_id
    if registration.client_secret:
        form["client_secret"] = registration.client_secret
    return form, {}


def parse_tokens(answer: Mapping[str, object]) -> Tokens:
    """Read the answer to :func:`token_request`.

    :raises Malformed: without an ID token.
    """
    id_token, access_token = answer.get("id_token"), answer.get("access_token")
    if not isinstance(id_token, str) or not 0 < len(id_token) <= MAX_TOKEN:
        raise Malformed("the provider gave no ID token")
    usable = (
        isinstance(access_token, str)
        and 0 < len(access_token) <= MAX_TOKEN
        and _VISIBLE.fullmatch(access_token)
        and str(answer.get("token_type", "")).lower() == "bearer"
    )
    return Tokens(id_token, str(access_token) if usable else None)


def error_of(answer: Mapping[str, object]) -> str:
    """The error that a provider names, as far as it may stand in a log."""
    error = answer.get("error")
    return error if isinstance(error, str) and _ERROR.fullmatch(error) else "no known error"
