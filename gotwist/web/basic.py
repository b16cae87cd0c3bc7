"""HTTP Basic: how scripts sign in, with a name and a password in every request.

Only where nobody can read along: over TLS, or from this machine itself.  Browsers are never
asked for it, since what they once send so they send for ever; who asks for it is.
"""

from __future__ import annotations

import base64
import binascii
import ipaddress

from gotwist.auth.credentials import PasswordCredentials
from gotwist.web.request import Request

_MAX_HEADER = 4096


def basic_credentials(request: Request) -> PasswordCredentials | None:
    """What a request brings along in ``Authorization: Basic``, where that may be believed."""
    values = request.requestHeaders.getRawHeaders("authorization", [])
    if len(values) != 1 or not is_private(request):
        return None
    return parse_basic(values[0])


def parse_basic(value: str) -> PasswordCredentials | None:
    """Read the header's value; None when it is of another scheme or cannot be read."""
    scheme, _, encoded = value.partition(" ")
    if scheme.lower() != "basic" or len(value) > _MAX_HEADER:
        return None
    try:
        text = base64.b64decode(encoded.strip(), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError, ValueError):
        return None
    user, colon, password = text.partition(":")
    return PasswordCredentials(user, password) if colon else None


def is_private(request: Request) -> bool:
    """Whether nobody between the client and us can read along."""
    if request.is_secure_for_client():
        return True
    try:
        return ipaddress.ip_address(request.client_address()).is_loopback
    except ValueError:
        # A UNIX socket has no address, and no network.
        return True


def wants_basic(request: Request) -> bool:
    """Whether a program asks, and not a browser, which would ask its user in a box of its own."""
    if request.getHeader("authorization") is not None:
        return True
    is_page = "text/html" in (request.getHeader("accept") or "")
    return request.getHeader("sec-fetch-mode") is None and not is_page


def challenge(request: Request, realm: str) -> None:
    """Say in the answer that HTTP Basic would be understood."""
    request.setHeader("www-authenticate", f'Basic realm="{realm}", charset="UTF-8"')
