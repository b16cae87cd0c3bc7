"""The tree of addresses: the prefix, the page, and what hangs below it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from twisted.web.iweb import IRequest
from twisted.web.resource import IResource, Resource

from gotwist.auth.conversation import MoreAsked
from gotwist.errors import Denied
from gotwist.web.arrivals import Arrivals, start_sign_in
from gotwist.web.basic import basic_credentials
from gotwist.web.handlers import Handlers, find_resource
from gotwist.web.leaf import HTML, Body, Leaf, NotFound, decode_path, moved
from gotwist.web.login import AuthResource, show_sign_in
from gotwist.web.pages import main_page
from gotwist.web.questions import OpenQuestions
from gotwist.web.request import Request
from gotwist.web.signin import FileSent, SignInDesk, SignInView, no_file
from gotwist.web.static import Bundle, StaticResource
from gotwist.web.upgrade import MayUpgrade, UpgradeResource
from gotwist.web.ways import Ways


@dataclass(frozen=True)
class HouseParts:
    """What the web door's addresses need from the rest of the house."""

    desk: SignInDesk
    bundle: Bundle
    page_settings: Callable[[SignInView], Mapping[str, object]]
    """Gives what the page is told at its start; it goes into the page as JSON."""
    questions: OpenQuestions = field(kw_only=True)
    ways: Ways = field(default_factory=Ways, kw_only=True)
    applications: Callable[[], tuple[str, ...]] = tuple
    """Gives the names of the applications in force, for the OPTIONS document."""
    api_methods: Callable[[], tuple[str, ...]] = tuple
    """Gives the signature methods of API objects, for the OPTIONS document; none: no API."""
    websocket: IResource | None = None
    may_upgrade: MayUpgrade | None = None
    handlers: Handlers = field(default_factory=Handlers)
    on_file: FileSent = no_file
    """Is told of each file that is sent to a user."""


class PrefixRoot(Resource):
    """Everything at and below ``url_prefix``."""

    def __init__(self, parts: HouseParts, prefix: str, downloads: IResource | None) -> None:
        super().__init__()
        self._parts = parts
        self._prefix = prefix
        arrivals = Arrivals(parts.desk, prefix, parts.questions)
        self.putChild(b"", MainPage(parts, arrivals))
        self.putChild(b"auth", AuthResource(arrivals, parts.ways))
        self.putChild(b"healthz", Health())
        self.putChild(b"static", StaticResource(parts.bundle))
        if parts.websocket is not None:
            self.putChild(b"ws", UpgradeResource(parts.websocket, parts.may_upgrade))
        if downloads is not None:
            self.putChild(b"downloads", downloads)

    def render_GET(self, request: Request) -> Body:
        """Add the slash without which relative addresses in the page would be wrong."""
        query = request.uri.partition(b"?")[2].decode("ascii")
        return moved(request, self._prefix + (f"?{query}" if query else ""), 301)

    def getChild(self, path: bytes, request: IRequest) -> Resource:
        segments = decode_path([path, *request.postpath])
        return find_resource(self._parts.handlers, self._parts.desk, segments, request)


class Elsewhere(Resource):
    """Above or beside the prefix there is nothing."""

    def getChild(self, path: bytes, request: IRequest) -> Resource:
        return NotFound()

    def render(self, request: Request) -> bytes:
        """Not found."""
        return request.fail(404)


class MainPage(Leaf):
    """The terminal page, or the sign-in page for strangers."""

    def __init__(self, parts: HouseParts, arrivals: Arrivals) -> None:
        super().__init__()
        self._parts = parts
        self._arrivals = arrivals
        self._prefix = arrivals.prefix

    async def render_GET(self, request: Request) -> bytes:
        """Give the page to who is signed in, or brings along what signs in."""
        parts, peer = self._parts, request.client_address()
        cookie = request.sign_in_cookie()
        view = None if cookie is None else parts.desk.find(cookie, peer)
        if view is not None:
            return self._page(request, view)
        ticket = await parts.desk.welcome(peer)
        basic = () if parts.ways.basic_realm is None else (basic_credentials,)
        for bring in (*parts.ways.brings, *basic):
            credentials = bring(request) if ticket is None else None
            if credentials is None:
                continue
            try:
                ticket = await parts.desk.offer(credentials, peer)
            except MoreAsked as more:
                if bring is not basic_credentials:
                    return self._arrivals.ask(request, more.asking)
                # The program that sent these cannot be asked anything.
                more.asking.conversation.close()
            except Denied:
                continue
        if ticket is None:
            # Who wanted a certain location gets there after signing in.
            here = request.uri.decode("ascii") if b"?" in request.uri else None
            return show_sign_in(request, parts.ways, self._prefix, next=here)
        start_sign_in(request, ticket)
        return self._page(request, ticket.view)

    def _page(self, request: Request, view: SignInView) -> bytes:
        parts = self._parts
        request.setHeader("content-type", HTML)
        if parts.bundle.template is None:
            return request.fail(
                503, "The browser part is not built: there is no static/index.html."
            )
        return main_page(
            parts.bundle.template,
            parts.bundle.manifest,
            parts.page_settings(view),
            self._prefix,
        )

    render_HEAD = render_GET

    def render_OPTIONS(self, request: Request) -> bytes:
        """Tell embedding sites what there is; no sign-in needed, so nothing that needs one."""
        document: dict[str, object] = {"applications": list(self._parts.applications())}
        if methods := self._parts.api_methods():
            document["auth_api"] = {"hmacs": list(methods), "versions": ["1.0"]}
        request.setHeader("allow", "HEAD,GET,POST,OPTIONS")
        request.setHeader("access-control-allow-origin", "*")
        request.setHeader("content-type", "application/json; charset=UTF-8")
        return json.dumps(document).encode("ascii")


class Health(Leaf):
    """For load balancers: the reactor turns. Nothing else is told."""

    def render_GET(self, request: Request) -> bytes:
        """Say ok."""
        request.setHeader("content-type", "text/plain; charset=utf-8")
        return b"ok\n"


def build_root(parts: HouseParts, prefix: str, downloads: IResource | None = None) -> Resource:
    """Build the tree for a prefix such as ``/`` or ``/a/b/``."""
    top: Resource = PrefixRoot(parts, prefix, downloads)
    for segment in reversed(prefix.strip("/").split("/")) if prefix != "/" else ():
        above = Elsewhere()
        above.putChild(segment.encode(), top)
        top = above
    return top
