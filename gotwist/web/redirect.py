"""The plain listener beside HTTPS: it sends browsers on and does nothing else."""

from __future__ import annotations

from twisted.web.iweb import IRequest
from twisted.web.resource import Resource

from gotwist.web.leaf import moved
from gotwist.web.options import WebSettings
from gotwist.web.request import Request


class RedirectResource(Resource):
    """308 to the configured host; never to the one in ``Host``, which a stranger chose.

    What carries secrets (the WebSocket, sign-in, downloads, anything sent) is refused: it has
    crossed the network in the clear already, and an error makes that visible.
    """

    isLeaf = True

    def __init__(self, settings: WebSettings, port: int) -> None:
        super().__init__()
        host = f"[{settings.public_host}]" if ":" in settings.public_host else settings.public_host
        self._target = f"https://{host}" + ("" if port == 443 else f":{port}")
        self._refused = tuple(settings.prefix + name for name in ("ws", "auth", "downloads"))

    def getChild(self, path: bytes, request: IRequest) -> Resource:
        return self

    def render(self, request: Request) -> bytes:
        """Send on, or refuse."""
        path = "/" + "/".join(part.decode("utf-8", "replace") for part in request.postpath or [])
        if request.method not in (b"GET", b"HEAD") or path.startswith(self._refused):
            return request.fail(403, "Use https for this.")
        # ASCII without control characters: the head was judged.
        return moved(request, self._target + request.uri.decode("ascii"), 308)
