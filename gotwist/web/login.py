"""``<url_prefix>auth``: the sign-in form, the launch link, sign-out, and whether one is in.

    GET  ?check=…              authenticated | unauthenticated
    GET  ?token=…[&next=path]  takes the token, sets the cookie, 303 to the page
    GET  ?logout=…[&redirect=path]   signs out; the body is where to go (old clients)
    GET  [?next=path]          the sign-in page, or the way on for who is signed in already;
                               programs are told that HTTP Basic is understood, and may use it
    POST token=…[&next=path] | logout=…[&redirect=path]      the same as forms
    POST user=…&password=…[&next=path]     the sign-in form
    POST answers=n&a0=…&a1=…               the answers to a question

HEAD and prefetching never take a token.  A GET that a foreign page caused takes none either:
it gets a button, which makes the sign-in the user's own act and lets the Strict cookie travel
with the redirect that follows.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress

from gotwist.auth.conversation import MAX_ANSWER
from gotwist.auth.credentials import PasswordCredentials
from gotwist.auth.guard import TooManyFailures
from gotwist.errors import Denied, Unavailable
from gotwist.web.arrivals import Arrivals
from gotwist.web.basic import basic_credentials, challenge, wants_basic
from gotwist.web.cookies import clear_cookie
from gotwist.web.fields import parse_fields, safe_next
from gotwist.web.leaf import HTML, Body, Leaf, moved
from gotwist.web.pages import confirm_page, sign_in_page
from gotwist.web.request import Request
from gotwist.web.ways import Ways

WRONG = "This name and password do not belong together, or may not sign in here."
"""The one text for every refusal of the form: which part was wrong is nobody's business."""

BEGIN_ANEW = "That was not right, or took too long. Please begin anew."


def show_sign_in(
    request: Request, ways: Ways, prefix: str, *, next: str | None = None, refusal: str = ""
) -> bytes:
    """Answer with the sign-in page."""
    if request.code == 200:
        request.setResponseCode(401)
        # Only who brings something of the kind is told that it would be understood: a browser
        # would put a box of its own over the page.
        if ways.basic_realm is not None and request.getHeader("authorization") is not None:
            challenge(request, ways.basic_realm)
    request.setHeader("content-type", HTML)
    return sign_in_page(
        prefix + "auth",
        has_form=ways.has_form,
        has_launch_links=ways.has_launch_links,
        links=tuple((link.label, prefix + link.path) for link in ways.links),
        next=safe_next(next, ""),
        refusal=refusal,
    )


class AuthResource(Leaf):
    """The sign-in address."""

    def __init__(self, arrivals: Arrivals, ways: Ways) -> None:
        super().__init__()
        self._arrivals = arrivals
        self._desk = arrivals.desk
        self._prefix = arrivals.prefix
        self._ways = ways
        for name, make in ways.pages.items():
            self.putChild(name.encode(), make(arrivals))

    def render_HEAD(self, request: Request) -> Body:
        """Answer without doing anything: link checkers ask like this."""
        request.setHeader("content-type", HTML)
        return b""

    def render_GET(self, request: Request) -> Body:
        """See the module."""
        fields = parse_fields(request.uri.partition(b"?")[2])
        if "check" in fields:
            return self._check(request)
        for detour in self._ways.detours:
            if (name := detour(request, fields)) is not None:
                answer: Body = self.children[name.encode()].render(request)
                return answer
        if not ({"token", "logout"} & fields.keys()):
            return self._begin(request, fields)
        if request.is_prefetch():
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
        fields = parse_fields(request.body())
        if "answers" in fields:
            return self._answer(request, fields)
        if "user" in fields and self._ways.has_form:
            return self._enter(request, fields)
        return self._act(request, fields, form=True)

    async def _begin(self, request: Request, fields: Mapping[str, str]) -> bytes:
        next, ways = fields.get("next"), self._ways
        if self._is_signed_in(request) or not (ways.has_form or ways.links):
            return moved(request, safe_next(next, self._prefix), 303)
        credentials = None if ways.basic_realm is None else basic_credentials(request)
        if credentials is not None:
            judging = self._desk.offer(credentials, request.client_address())
            with suppress(Denied):
                return await self._arrivals.finish(request, judging, next)
        elif ways.basic_realm is not None and wants_basic(request):
            challenge(request, ways.basic_realm)
        return show_sign_in(request, ways, self._prefix, next=next)

    async def _enter(self, request: Request, fields: Mapping[str, str]) -> bytes:
        credentials = PasswordCredentials(fields["user"], fields.get("password", ""))
        judging = self._desk.offer(credentials, request.client_address())
        next = fields.get("next")
        try:
            return await self._arrivals.finish(request, judging, next)
        except Denied:
            return show_sign_in(request, self._ways, self._prefix, next=next, refusal=WRONG)
        except Unavailable as error:
            return self._refuse(request, error, next)

    async def _answer(self, request: Request, fields: Mapping[str, str]) -> bytes:
        texts = [fields[name] for name in (f"a{index}" for index in range(16)) if name in fields]
        if any(len(text.encode()) > MAX_ANSWER for text in texts):
            texts = []
        try:
            return await self._arrivals.answer(request, texts)
        except Denied:
            return show_sign_in(request, self._ways, self._prefix, refusal=BEGIN_ANEW)
        except Unavailable as error:
            return self._refuse(request, error, None)

    def _refuse(self, request: Request, error: Unavailable, next: str | None) -> bytes:
        request.setResponseCode(429 if isinstance(error, TooManyFailures) else 503)
        return show_sign_in(request, self._ways, self._prefix, next=next, refusal=error.message)

    def _is_signed_in(self, request: Request) -> bool:
        cookie = request.sign_in_cookie()
        return cookie is not None and self._desk.find(cookie) is not None

    def _check(self, request: Request) -> bytes:
        request.setHeader("content-type", "text/plain; charset=utf-8")
        return b"authenticated" if self._is_signed_in(request) else b"unauthenticated"

    async def _act(self, request: Request, fields: Mapping[str, str], *, form: bool) -> bytes:
        if "token" in fields:
            judging = self._desk.take_launch_token(fields["token"], request.client_address())
            return await self._arrivals.finish(request, judging, fields.get("next"))
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
