"""Takes a connection over from twisted.web: what came as a request goes on as a WebSocket.

Autobahn has such a resource too.  It would load twisted.web's templates, with an XML parser and
a second kind of URL: 1.5 MB, to say that a leaf has no children.
"""

from __future__ import annotations

from typing import Protocol

from twisted.internet.interfaces import IAddress, IProtocol, IPushProducer, ITransport
from twisted.protocols.policies import ProtocolWrapper
from twisted.web.iweb import IRequest
from twisted.web.resource import IResource
from twisted.web.server import NOT_DONE_YET
from zope.interface import implementer


class Factory(Protocol):
    """Makes the protocols that take over."""

    def buildProtocol(self, address: IAddress | None) -> IProtocol: ...


class _Transport(ITransport, IPushProducer):
    """What TCP, UNIX sockets and TLS over them can all do."""

    protocol: object


@implementer(IResource)
class TakeoverResource:
    """A leaf: every request to it, children included, becomes a connection of the factory."""

    isLeaf = True

    def __init__(self, factory: Factory) -> None:
        self._factory = factory

    def getChildWithDefault(self, name: bytes, request: IRequest) -> IResource:
        """Not asked of leaves."""
        return self

    def putChild(self, path: bytes, child: IResource) -> None:
        """Not done to leaves."""

    def render(self, request: IRequest) -> object:
        """Put a new protocol in the place of the HTTP channel, and let it read the request."""
        channel = request.channel  # type: ignore[attr-defined]  # not in the interface
        transport: _Transport = channel.transport
        protocol = self._factory.buildProtocol(transport.getPeer())
        # The channel must not touch what is no longer its own.
        channel.transport = None
        if isinstance(transport, ProtocolWrapper):
            # TLS, which is itself a protocol of the socket below.
            transport.wrappedProtocol = protocol
        else:
            transport.protocol = protocol
        protocol.makeConnection(transport)
        # The channel has paused it while a request is answered.
        transport.resumeProducing()
        protocol.dataReceived(_render_request(request))
        return NOT_DONE_YET


def _render_request(request: IRequest) -> bytes:
    """Write a request as it came, but for the order of what twisted.web has sorted."""
    lines = [b"%b %b HTTP/1.1" % (request.method, request.uri)]
    for name, values in request.requestHeaders.getAllRawHeaders():
        lines.append(b"%b: %b" % (name, b",".join(values)))
    lines += [b"", request.content.read()]
    return b"\r\n".join(lines)
