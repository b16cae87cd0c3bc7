"""Signing in by a Kerberos ticket: ``<url_prefix>auth/negotiate`` (RFC 4559).

    GET [?next=path]   without a ticket: 401 and the challenge; its page leads back
                       with one: 303 to the page, the cookie, and the service's own proof

Only over TLS, or from this machine.  Who is refused is not challenged again, so that no browser
asks for ever.  Where names and passwords are taken, programs are offered Basic beside Negotiate.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Awaitable, Mapping
from typing import Final, Protocol

from gotwist.auth.conversation import Proven
from gotwist.auth.user import User
from gotwist.errors import Denied, Malformed, Unavailable
from gotwist.web.arrivals import Arrivals
from gotwist.web.basic import basic_credentials, is_private, wants_basic
from gotwist.web.fields import parse_fields, safe_next
from gotwist.web.leaf import HTML, Body, Leaf
from gotwist.web.pages import link_page, with_next
from gotwist.web.request import Request

METHOD: Final = "kerberos"
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
        if not is_private(request):
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
        values = request.requestHeaders.getRawHeaders(b"authorization", [])
        try:
            if negotiates(request):
                accepted = await self._accepted(values[0], peer)
                self._prove(request, accepted.reply)
                return await self._arrivals.arrive(request, Proven(accepted.user), next)
            basic = None if self._basic_realm is None else basic_credentials(request)
            if basic is not None:
                return await self._arrivals.finish(
                    request, self._arrivals.desk.offer(basic, peer), next
                )
            return self._challenge(request, fields)
        except (Denied, Malformed) as error:
            request.responseHeaders.removeHeader(b"www-authenticate")
            status = 401 if self._offer_basic(request) else 403
            return self._refuse(request, status, error.message)
        except Unavailable as error:
            return self._refuse(request, 503, error.message)

    async def _accepted(self, value: bytes, peer: str) -> Accepted:
        try:
            return await self._negotiator.judge(read_token(value), peer)
        except Denied:
            self._arrivals.desk.turned_away(METHOD, peer)
            raise

    def _challenge(self, request: Request, fields: Mapping[str, str]) -> bytes:
        request.responseHeaders.addRawHeader("WWW-Authenticate", "Negotiate")
        self._offer_basic(request)
        # Chromium on Linux loads what it needs at the first challenge, and uses it at the next.
        return self._refuse(request, 401, _TICKET_NEEDED, ("Try again", self._here(fields)))

    def _here(self, fields: Mapping[str, str]) -> str:
        return with_next(f"{self._arrivals.prefix}auth/{PAGE}", safe_next(fields.get("next"), ""))

    def _offer_basic(self, request: Request) -> bool:
        """Offer Basic to a program; a browser would ask its user in a box of its own."""
        if self._basic_realm is None or not wants_basic(request):
            return False
        offer = f'Basic realm="{self._basic_realm}", charset="UTF-8"'
        request.responseHeaders.addRawHeader("WWW-Authenticate", offer)
        return True

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
    """Tell whether a request shows a ticket, and nothing else."""
    values = request.requestHeaders.getRawHeaders(b"authorization", [])
    return len(values) == 1 and values[0].partition(b" ")[0].lower() == b"negotiate"


def read_token(value: bytes) -> bytes:
    """Read the header's value.

    :raises Malformed: when it is not base 64.
    """
    try:
        return base64.b64decode(value.partition(b" ")[2].strip(), validate=True)
    except (ValueError, binascii.Error):
        raise Malformed("The browser has sent a ticket that cannot be read.") from None
