"""Signing in at a provider: the address that sends people there, and to which they come back.

    GET  [?next=path]        303 to the provider, with a cookie that binds the sign-in to it
    GET  ?state=…&code=…     ends the sign-in; ?state=…&error=…: the provider says no

Both are one address.  Nobody is sent off by a page of another site: he gets a link instead.
"""

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from typing import Protocol

from gotwist.auth.conversation import Proven
from gotwist.auth.openid.flows import LIFETIME_S, Flow
from gotwist.auth.user import User
from gotwist.errors import Denied, Unavailable
from gotwist.web.arrivals import Arrivals
from gotwist.web.cookies import find_flow_cookie, set_flow_cookie
from gotwist.web.fields import parse_fields, safe_next
from gotwist.web.leaf import HTML, Body, Leaf, moved
from gotwist.web.pages import link_page, with_next
from gotwist.web.request import Request


class Party(Protocol):
    """What knows the provider."""

    def begin(
        self, redirect_uri: str, next: str, peer: str, binding: str | None
    ) -> Awaitable[tuple[str, Flow]]:
        """Give the provider's address for a new sign-in, and the sign-in.

        :raises Unavailable: when the provider is not there.
        """

    def finish(
        self, fields: Mapping[str, str], peer: str, binding: str | None
    ) -> Awaitable[tuple[User, Flow]]:
        """Give who has come back, and the sign-in that ends.

        :raises Denied: when it is not to be believed.
        :raises Unavailable: when the provider is not there.
        """


class ProviderPage(Leaf):
    """The address of one provider.

    :param method: the method's name, which is the address as well
    :param back: where the provider is told to send people, below the prefix
    """

    def __init__(self, arrivals: Arrivals, party: Party, method: str, back: str) -> None:
        super().__init__()
        self._arrivals = arrivals
        self._party = party
        self._method = method
        self._back = back

    def render_HEAD(self, request: Request) -> Body:
        """Answer without doing anything: link checkers ask like this."""
        request.setHeader("content-type", HTML)
        return b""

    def render_GET(self, request: Request) -> Body:
        """See the module."""
        if request.is_prefetch():
            return request.fail(503, "This link is for opening, not for fetching ahead.")
        fields = parse_fields(request.uri.partition(b"?")[2])
        if "state" in fields or "error" in fields:
            return self._come_back(request, fields)
        next = safe_next(fields.get("next"), "")
        if not request.is_navigation_of_the_user():
            here = f"{self._arrivals.prefix}auth/{self._method}"
            request.setHeader("content-type", HTML)
            link = ("Sign in", with_next(here, next))
            return link_page("Sign in", "Another page sent you here.", link)
        return self._send_off(request, next)

    async def _send_off(self, request: Request, next: str) -> bytes:
        binding = self._binding(request)
        redirect_uri = request.external_base_url() + self._back
        try:
            url, flow = await self._party.begin(
                redirect_uri, next, request.client_address(), binding
            )
        except Unavailable as error:
            return self._refuse(request, 503, error.message)
        request.cookies.append(
            set_flow_cookie(
                flow.binding,
                self._method,
                secure=request.is_secure_for_client(),
                max_age_s=int(LIFETIME_S),
            )
        )
        return moved(request, url, 303)

    async def _come_back(self, request: Request, fields: Mapping[str, str]) -> bytes:
        try:
            user, flow = await self._finished(request, fields)
            return await self._arrivals.arrive(request, Proven(user), flow.next)
        except Denied as error:
            return self._refuse(request, 403, error.message)
        except Unavailable as error:
            return self._refuse(request, 503, error.message)

    async def _finished(self, request: Request, fields: Mapping[str, str]) -> tuple[User, Flow]:
        peer = request.client_address()
        try:
            return await self._party.finish(fields, peer, self._binding(request))
        except Denied:
            # Who declines at the provider has tried nothing.
            if "error" not in fields:
                self._arrivals.desk.turned_away(self._method, peer)
            raise

    def _binding(self, request: Request) -> str | None:
        lines = request.requestHeaders.getRawHeaders("cookie", [])
        return find_flow_cookie(lines, self._method, secure=request.is_secure_for_client())

    def _refuse(self, request: Request, status: int, text: str) -> bytes:
        request.setResponseCode(status)
        request.setHeader("content-type", HTML)
        return link_page("Not signed in", text, ("Back to the sign-in page", self._arrivals.prefix))
