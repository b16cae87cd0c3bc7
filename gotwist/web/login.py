"""``<url_prefix>auth``: the launch link, sign-out, and the question whether one is signed in.

    GET  ?check=…              authenticated | unauthenticated
    GET  ?token=…[&next=path]  takes the token, sets the cookie, 303 to the page
    GET  ?logout=…[&redirect=path]   signs out; the body is where to go (old clients)
    POST token=…[&next=path] | logout=…[&redirect=path]      the same as forms

HEAD and prefetching never take a token.  A GET that a foreign page caused takes none either:
it gets a button, which makes the sign-in the user's own act and lets the Strict cookie travel
with the redirect that follows.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import parse_qsl

from gotwist.web.cookies import clear_cookie, set_cookie
from gotwist.web.leaf import HTML, Body, Leaf, moved
from gotwist.web.pages import confirm_page
from gotwist.web.request import Request
from gotwist.web.signin import SignInDesk, SignInTicket

_MAX_FIELDS = 16


def safe_next(value: str | None, default: str) -> str:
    """Give a path of this site, or ``default``.

    A second slash, a backslash (browsers read it as a slash) or a control character (which
    they leave out) could lead to another host.
    """
    if (
        value
        and len(value) <= 2_048
        and value.startswith("/")
        and value[1:2] not in ("/", "\\")
        and value.isascii()
        and value.isprintable()
    ):
        return value.replace(" ", "%20")
    return default


def parse_fields(text: bytes) -> Mapping[str, str]:
    """Read query or form fields; of equal names the first counts, bad text gives nothing."""
    try:
        pairs = parse_qsl(
            text.decode("ascii"),
            keep_blank_values=True,
            max_num_fields=_MAX_FIELDS,
            errors="strict",
        )
    except ValueError:
        return {}
    fields: dict[str, str] = {}
    for name, value in pairs:
        fields.setdefault(name, value)
    return fields


def start_sign_in(request: Request, ticket: SignInTicket) -> None:
    """Give the browser its cookie."""
    secure = request.is_secure_for_client()
    line = set_cookie(ticket.cookie_value, secure=secure, max_age_s=ticket.max_age_s)
    request.cookies.append(line)


class AuthResource(Leaf):
    """The sign-in address."""

    def __init__(self, desk: SignInDesk, prefix: str) -> None:
        super().__init__()
        self._desk = desk
        self._prefix = prefix

    def render_HEAD(self, request: Request) -> Body:
        """Answer without doing anything: link checkers ask like this."""
        request.setHeader("content-type", HTML)
        return b""

    def render_GET(self, request: Request) -> Body:
        """See the module."""
        fields = parse_fields(request.uri.partition(b"?")[2])
        if "check" in fields:
            return self._check(request)
        if not ({"token", "logout"} & fields.keys()):
            return moved(request, self._prefix, 303)
        if _is_prefetch(request):
            return request.fail(503, "This link is for opening, not for fetching ahead.")
        if request.is_navigation_of_the_user():
            return self._act(request, fields, form=False)
        if "token" in fields:
            request.setHeader("content-type", HTML)
            known = {name: fields[name] for name in ("token", "next") if name in fields}
            return confirm_page(self._prefix + "auth", known)
        return request.fail(403)

    def render_POST(self, request: Request) -> Body:
        """See the module."""
        if not request.is_from_this_site():
            return request.fail(403)
        return self._act(request, parse_fields(request.body()), form=True)

    def _check(self, request: Request) -> bytes:
        cookie = request.sign_in_cookie()
        known = cookie is not None and self._desk.find(cookie) is not None
        request.setHeader("content-type", "text/plain; charset=utf-8")
        return b"authenticated" if known else b"unauthenticated"

    async def _act(self, request: Request, fields: Mapping[str, str], *, form: bool) -> bytes:
        if "token" in fields:
            ticket = await self._desk.take_launch_token(fields["token"], request.client_address())
            start_sign_in(request, ticket)
            return moved(request, safe_next(fields.get("next"), self._prefix), 303)
        if "logout" not in fields:
            return request.fail(400)
        if (cookie := request.sign_in_cookie()) is not None:
            await self._desk.sign_out(cookie)
        request.cookies.append(clear_cookie(secure=request.is_secure_for_client()))
        target = safe_next(fields.get("redirect"), self._prefix)
        if form:
            return moved(request, target, 303)
        request.setHeader("content-type", "text/plain; charset=utf-8")
        return target.encode("ascii")


def _is_prefetch(request: Request) -> bool:
    names = ("sec-purpose", "purpose", "x-moz", "x-purpose")
    return any("prefetch" in (request.getHeader(name) or "").lower() for name in names)
