"""The base of our resources: typed, named methods, our own error pages."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Final

from twisted.web.iweb import IRequest
from twisted.web.resource import Resource

from gotwist.web.request import Request

Body = bytes | int | Awaitable[bytes | int]
"""A body, ``NOT_DONE_YET``, or either of them later."""
HTML: Final = "text/html; charset=utf-8"


class Leaf(Resource):
    """A resource without children: a deeper path is not found."""

    def getChild(self, path: bytes, request: IRequest) -> Resource:
        return NotFound()


class NotFound(Resource):
    """Answers 404, whatever is asked below it."""

    isLeaf = True

    def render(self, request: Request) -> bytes:
        return request.fail(404)


def moved(request: Request, target: str, status: int) -> bytes:
    """Answer with a redirect to a path or URL of ours."""
    request.setResponseCode(status)
    request.setHeader("location", target)
    request.setHeader("content-type", "text/plain; charset=utf-8")
    return b""


def decode_path(segments: list[bytes]) -> list[str] | None:
    """Decode path segments; ``None`` when one is not UTF-8."""
    try:
        return [segment.decode("utf-8") for segment in segments]
    except UnicodeDecodeError:
        return None
