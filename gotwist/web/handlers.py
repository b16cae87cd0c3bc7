"""Addresses that applications and plugins add below the prefix, found by regular expression."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import cast
from urllib.parse import unquote

from twisted.web.iweb import IRequest
from twisted.web.resource import IResource, Resource, getChildForRequest

from gotwist.web.leaf import Body, NotFound
from gotwist.web.request import Request
from gotwist.web.signin import SignInDesk, SignInView

Answer = Callable[[Request, "re.Match[str]", SignInView | None], Body]


@dataclass(frozen=True)
class Handler:
    """One added address."""

    pattern: re.Pattern[str]
    answer: IResource | Answer
    is_public: bool
    max_body: int | None


class Handlers:
    """The table of added addresses; the first whose pattern matches in full answers.

    The daemon's own addresses (``ws``, ``auth``, ``static/`` …) come before all of these.
    """

    def __init__(self) -> None:
        self._handlers: list[Handler] = []

    def add_handler(
        self,
        pattern: str,
        answer: IResource | Answer,
        *,
        is_public: bool = False,
        max_body: int | None = None,
    ) -> Callable[[], None]:
        """Add an address; gives the function that takes it away again.

        :param pattern: matched against the decoded path after the prefix, in full; a resource
            with children gets what follows the match when the pattern ends in a slash.
        :param is_public: without it the asker must be signed in, and a POST must come from a
            page of ours.
        :param max_body: allows larger bodies than the usual limit.
        :raises re.error: when the pattern is none.
        """
        handler = Handler(re.compile(pattern), answer, is_public, max_body)
        self._handlers.append(handler)

        def remove() -> None:
            if handler in self._handlers:
                self._handlers.remove(handler)

        return remove

    def put(self, pattern: str, answer: object) -> None:
        """Add an address for an application, whose every client may give it again.

        :raises TypeError: when ``answer`` is neither a resource nor a function.
        :raises re.error: when the pattern is none.
        """
        if not (IResource.providedBy(answer) or callable(answer)):
            raise TypeError(f"{answer!r} cannot answer a request")
        handler = Handler(re.compile(pattern), cast("IResource | Answer", answer), False, None)
        for index, other in enumerate(self._handlers):
            if other.pattern == handler.pattern:
                self._handlers[index] = handler
                return
        self._handlers.append(handler)

    def find(self, path: str) -> tuple[Handler, re.Match[str]] | None:
        """Find who answers for a path, given decoded and without the prefix."""
        for handler in self._handlers:
            match = handler.pattern.fullmatch(path)
            if match is None and handler.pattern.pattern.endswith("/"):
                match = handler.pattern.match(path)
            if match is not None:
                return handler, match
        return None

    def body_limit(self, prefix: str, target: bytes) -> int | None:
        """Give the body limit of the handler for this target, if it has one of its own."""
        path = unquote(target.partition(b"?")[0].decode("ascii", "replace"))
        found = self.find(path[len(prefix) :]) if path.startswith(prefix) else None
        return found[0].max_body if found else None


class HandlerResource(Resource):
    """Lets a handler answer, after it is clear who asks."""

    isLeaf = True

    def __init__(self, handler: Handler, match: re.Match[str], desk: SignInDesk) -> None:
        super().__init__()
        self._handler, self._match, self._desk = handler, match, desk

    def render(self, request: Request) -> Body:
        """Check, then hand on."""
        cookie = request.sign_in_cookie()
        view = None if cookie is None else self._desk.find(cookie, request.client_address())
        if not self._handler.is_public:
            if view is None:
                return request.fail(401)
            if request.method == b"POST" and not request.is_from_this_site():
                return request.fail(403)
        answer = self._handler.answer
        if not IResource.providedBy(answer):
            return answer(request, self._match, view)
        rest = self._match.string[self._match.end() :]
        request.postpath = [part.encode() for part in rest.split("/")] if rest else []
        inner: Body = getChildForRequest(answer, request).render(request)
        return inner


def find_resource(
    handlers: Handlers, desk: SignInDesk, path: list[str] | None, request: IRequest
) -> Resource:
    """Give the resource for a path that is none of our own."""
    found = None if path is None else handlers.find("/".join(path))
    return NotFound() if found is None else HandlerResource(*found, desk)
