"""Signing in by a Kerberos ticket: ``<url_prefix>auth/negotiate`` (RFC 4559).

    GET [?next=path]   without a ticket: 401 and the challenge; its page leads back
                       with one: 303 to the page, the cookie, and the service's own proof

Only over TLS, or from this machine.  Who is refused is not challenged again, so that no browser
asks for ever; where names and passwords are taken, Basic stands beside Negotiate.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Awaitable, Mapping
from ipaddress import ip_address
from typing import Final, Protocol

from gotwist.auth.conversation import Proven
from gotwist.auth.credentials import PasswordCredentials
from gotwist.auth.user import User
from gotwist.errors import Denied, Malformed, Unavailable
from gotwist.web.arrivals import Arrivals
from gotwist.web.fields import parse_fields, safe_next
from gotwist.web.leaf import HTML, Body, Leaf
from gotwist.web.pages import link_page, with_next
from gotwist.web.request import Request

PAGE: Final = "negotiate"
_TICKET_NEEDED: Final = (
    "Your browser has shown no Kerberos ticket: either you have none, or it is not set up to show "
    "it to this address."
)


class Accepted(Protocol):
    """A ticket that has been accepted."""

    @property
    def user(self) -> User:
        """Whose it was."""

    @property
    def reply(self) -> bytes:
        """What proves to the client that this is the service it meant; may be empty."""


class Negotiates(Protocol):
    """What judges tickets."""

    def judge(self, token: bytes, peer: str) -> Awaitable[Accepted]:
        """Judge a token.

        :raises Denied: when it is not good.
        :raises Unavailable: when it cannot be judged now.
        """


class NegotiatePage(Leaf):
    """The address at which a browser may show a ticket.

    :param basic_realm: named where a browser asks for a password; ``None``: passwords are not
        taken.
    """

    def __init__(
        self, arrivals: Arrivals, negotiator: Negotiates, basic_realm: str | None = None
    ) -> None:
        super().__init__()
        self._arrivals = arrivals
        self._negotiator = negotiator
        self._basic_realm = basic_realm

    def render_HEAD(self, request: Request) -> Body:
        """Answer without doing anything: link checkers ask like this."""
        request.setHeader("content-type", HTML)
        return b""

    def render_GET(self, request: Request) -> Body:
        """See the module."""
        if not (request.is_secure_for_client() or _is_loopback(request.client_address())):
            return self._refuse(request, 403, "Tickets and passwords are taken over HTTPS only.")
        if request.is_prefetch():
            return request.fail(503, "This link is for opening, not for fetching ahead.")
        fields = parse_fields(request.uri.partition(b"?")[2])
        if not request.is_navigation_of_the_user():
            request.setHeader("content-type", HTML)
            link = ("Sign in", self._here(fields))
            return link_page("Sign in", "Another page sent you here.", link)
        return self._judge(request, fields)

    async def _judge(self, request: Request, fields: Mapping[str, str]) -> bytes:
        next, peer = fields.get("next"), request.client_address()
        try:
            match read_authorization(request):
                case ("negotiate", token):
                    accepted = await self._negotiator.judge(token, peer)
                    self._prove(request, accepted.reply)
                    return await self._arrivals.arrive(request, Proven(accepted.user), next)
                case ("basic", pair) if self._basic_realm is not None:
                    judging = self._arrivals.desk.offer(read_basic(pair), peer)
                    return await self._arrivals.finish(request, judging, next)
                case _:
                    return self._challenge(request, fields)
        except (Denied, Malformed) as error:
            request.responseHeaders.removeHeader(b"www-authenticate")
            if self._basic_realm is None:
                return self._refuse(request, 403, error.message)
            self._offer_basic(request)
            return self._refuse(request, 401, error.message)
        except Unavailable as error:
            return self._refuse(request, 503, error.message)

    def _challenge(self, request: Request, fields: Mapping[str, str]) -> bytes:
        request.responseHeaders.addRawHeader("WWW-Authenticate", "Negotiate")
        self._offer_basic(request)
        # Chromium on Linux loads what it needs at the first challenge, and uses it at the next.
        return self._refuse(request, 401, _TICKET_NEEDED, ("Try again", self._here(fields)))

    def _here(self, fields: Mapping[str, str]) -> str:
        return with_next(f"{self._arrivals.prefix}auth/{PAGE}", safe_next(fields.get("next"), ""))

    def _offer_basic(self, request: Request) -> None:
        if self._basic_realm is not None:
            offer = f'Basic realm="{self._basic_realm}", charset="UTF-8"'
            request.responseHeaders.addRawHeader("WWW-Authenticate", offer)

    def _prove(self, request: Request, reply: bytes) -> None:
        if reply:
            text = base64.b64encode(reply).decode("ascii")
            request.setHeader("WWW-Authenticate", f"Negotiate {text}")

    def _refuse(self, request: Request, status: int, text: str, *links: tuple[str, str]) -> bytes:
        request.setResponseCode(status)
        request.setHeader("content-type", HTML)
        others = ("Other ways of signing in", self._arrivals.prefix)
        return link_page("Not signed in", text, *links, others)


def negotiates(request: Request) -> bool:
    """Tell whether a request shows a ticket."""
    return (request.getHeader("authorization") or "")[:10].lower() == "negotiate "


def read_authorization(request: Request) -> tuple[str, bytes] | None:
    """Give scheme, in lower case, and decoded credentials; ``None`` when none were sent.

    :raises Malformed: when there are several, or what is sent is not base 64.
    """
    lines = request.requestHeaders.getRawHeaders(b"authorization", [])
    if not lines:
        return None
    scheme, _, text = lines[0].partition(b" ")
    try:
        if len(lines) > 1:
            raise ValueError
        return scheme.decode("ascii").lower(), base64.b64decode(text.strip(), validate=True)
    except (ValueError, binascii.Error):
        raise Malformed("The browser has sent credentials that cannot be read.") from None


def read_basic(pair: bytes) -> PasswordCredentials:
    """Read what Basic sends; raises Malformed."""
    try:
        user, colon, password = pair.decode("utf-8").partition(":")
    except UnicodeDecodeError:
        colon = ""
    if not colon:
        raise Malformed("The browser has sent credentials that cannot be read.")
    return PasswordCredentials(user, password)


def _is_loopback(address: str) -> bool:
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return False
