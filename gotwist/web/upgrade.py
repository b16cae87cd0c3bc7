"""Guards the WebSocket's address, so that Autobahn only sees what may become a WebSocket.

Autobahn answers refusals by itself and without our headers; whatever can be refused before the
connection is handed over is refused here.
"""

from __future__ import annotations

from collections.abc import Callable

from twisted.web.resource import IResource

from gotwist.web.leaf import Body, Leaf
from gotwist.web.request import Request

MayUpgrade = Callable[[Request], bool]
"""Judges a handshake before it happens (the Origin above all); False is answered with 403."""


class UpgradeResource(Leaf):
    """The WebSocket's address.

    :param inner: takes the connection over when it renders (as ``WebSocketResource`` does).
    """

    def __init__(self, inner: IResource, may_upgrade: MayUpgrade | None = None) -> None:
        super().__init__()
        self._inner = inner
        self._may_upgrade = may_upgrade

    def render_GET(self, request: Request) -> Body:
        """Hand over, or say why not."""
        if not _asks_for_websocket(request):
            request.setHeader("upgrade", "websocket")
            return request.fail(426)
        if request.getHeader("sec-websocket-version") != "13":
            request.setHeader("sec-websocket-version", "13")
            return request.fail(426)
        if self._may_upgrade is not None and not self._may_upgrade(request):
            return request.fail(403)
        if request.host_text is not None:
            # Behind a listed proxy: the name that the browser used, which is what Origin has.
            request.requestHeaders.setRawHeaders("host", [request.host_text])
        answer: Body = self._inner.render(request)
        return answer

    def render_HEAD(self, request: Request) -> Body:
        """A HEAD never becomes a WebSocket."""
        return request.fail(426)


def _asks_for_websocket(request: Request) -> bool:
    connection = ",".join(request.requestHeaders.getRawHeaders("connection", [])).lower()
    return (
        request.clientproto == b"HTTP/1.1"
        and (request.getHeader("upgrade") or "").strip().lower() == "websocket"
        and "upgrade" in (token.strip() for token in connection.split(","))
    )
