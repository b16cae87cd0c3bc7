"""One HTTP connection: absolute deadlines, size limits, and an end that really ends.

twisted.web restarts its idle timer with every byte and bounds no body; here each phase of a
connection has one deadline that nothing renews:

    IDLE     waiting for the first byte of a request
    HEAD     reading a request head
    BODY     reading a request body
    BUSY     a resource works on the answer (no deadline, but see ``pauseProducing``)
    CLOSING  answered for the last time; what still comes in is thrown away
    GONE     over, or handed over to a WebSocket
"""

from __future__ import annotations

from enum import Enum, auto
from typing import Final, Protocol

from twisted.internet.interfaces import IDelayedCall, IReactorTime, ITCPTransport
from twisted.internet.protocol import connectionDone
from twisted.protocols.basic import LineReceiver
from twisted.python.failure import Failure
from twisted.web.http import HTTPChannel
from twisted.web.http_headers import Headers

from gotwist.web.connections import Connections
from gotwist.web.options import Limits
from gotwist.web.pages import error_page, reason_phrase
from gotwist.web.peers import peer_name
from gotwist.web.request import Request

LINGER_S: Final = 1.0
_DISCARD_BYTES: Final = 1_048_576
_LENGTH_DIGITS: Final = 18
_LIMITS: Final = {408: "time", 413: "body size", 414: "address length", 431: "head size"}


class Phase(Enum):
    """Where a connection stands; the module's docstring is the legend."""

    IDLE = auto()
    HEAD = auto()
    BODY = auto()
    BUSY = auto()
    CLOSING = auto()
    GONE = auto()


class ChannelHouse(Protocol):
    """What a connection needs from its site."""

    reactor: IReactorTime
    connections: Connections

    @property
    def limits(self) -> Limits: ...

    def is_proxy(self, peer: str) -> bool:
        """Tell whether this peer is a listed proxy."""

    def judge_head(self, request: Request, version: bytes, target: bytes) -> int | None:
        """Give the status of a refusal, or ``None``; fills in the request's view of the client."""

    def body_limit(self, target: bytes) -> int:
        """Give the largest body that may be sent to this target."""

    def note_limit(self, limit: str, peer: str) -> None:
        """Count, and perhaps log, that this peer has met a limit."""

    def complete_headers(self, headers: Headers, request: Request | None, *, tls: bool) -> None:
        """Add what every answer carries.

        :param tls: whether the connection itself, without any proxy, is one.
        """


class Channel(HTTPChannel):
    """HTTP/1.1 over one connection, for strangers."""

    def __init__(self, house: ChannelHouse) -> None:
        super().__init__()
        limits = house.limits
        self.house = house
        self.site = self.factory = house
        self.requestFactory = Request
        self.timeOut = None
        self.MAX_LENGTH = limits.line_bytes
        self.maxHeaders = limits.headers
        self.totalHeadersSize = limits.head_bytes
        self.peer = ""
        self._limits = limits
        self._phase = Phase.IDLE
        self._in_headers = False
        self._discarded = 0
        self._deadline: IDelayedCall | None = None

    # the transport, and its being taken away

    @property
    def transport(self):  # type: ignore[no-untyped-def]
        """The transport; who sets it to ``None`` takes the connection over (as Autobahn does)."""
        return self.__dict__.get("_transport")

    @transport.setter
    def transport(self, transport) -> None:  # type: ignore[no-untyped-def]
        if transport is None and self._phase is not Phase.GONE:
            self._hand_over()
        self.__dict__["_transport"] = transport

    def _hand_over(self) -> None:
        # As long as this channel is the transport's producer, loseConnection() over TLS never
        # ends, and the new owner cannot register one.
        self._arm(None)
        self._phase = Phase.GONE
        self.house.connections.release(self)
        self._release_transport()
        self.requests.clear()
        self._dataBuffer.clear()
        self._buffer = b""

    def _release_transport(self) -> None:
        # HTTPChannel is the producer of its own transport from the start.
        self._networkProducer.unregisterProducer()  # type: ignore[attr-defined]

    @property
    def is_handed_over(self) -> bool:
        """True when a WebSocket (or the like) has this connection now."""
        return self._phase is Phase.GONE and self.transport is None

    # phases

    def _arm(self, seconds: float | None) -> None:
        if self._deadline is not None and self._deadline.active():
            self._deadline.cancel()
        self._deadline = None
        if seconds is not None:
            self._deadline = self.house.reactor.callLater(seconds, self._expired)

    def _enter(self, phase: Phase, seconds: float | None) -> None:
        self._phase = phase
        self.house.connections.waits(self, waits=phase in (Phase.IDLE, Phase.HEAD))
        self._arm(seconds)

    def _expired(self) -> None:
        self._deadline = None
        if self._phase in (Phase.HEAD, Phase.BODY):
            self.refuse(408)
        elif self._phase is Phase.IDLE and not self._waitingForTransport:
            self._enter(Phase.CLOSING, LINGER_S)
            HTTPChannel.loseConnection(self)
        else:
            self.drop()

    def connectionMade(self) -> None:
        self.peer = peer_name(self.transport.getPeer())
        exempt = self.house.is_proxy(self.peer)
        if not self.house.connections.admit(self, self.peer, self._limits, exempt=exempt):
            self._phase = Phase.CLOSING
            self.house.note_limit("connections", self.peer)
            self.transport.abortConnection()
            return
        super().connectionMade()
        # No byte yet, but a TLS handshake counts as well: from the connection on.
        self._enter(Phase.IDLE, self._limits.head_s)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self._arm(None)
        self._phase = Phase.GONE
        self.house.connections.release(self)
        super().connectionLost(reason)

    # bytes in

    def dataReceived(self, data: bytes) -> None:
        if self._phase in (Phase.CLOSING, Phase.GONE):
            self._discard(len(data))
            return
        if self._phase is Phase.IDLE:
            self._enter(Phase.HEAD, self._limits.head_s)
        LineReceiver.dataReceived(self, data)
        if self._phase is Phase.IDLE and self._buffer:
            self._enter(Phase.HEAD, self._limits.head_s)

    def _discard(self, size: int) -> None:
        self._discarded += size
        if self._discarded > _DISCARD_BYTES and self.transport is not None:
            self.transport.pauseProducing()

    def lineReceived(self, line: bytes) -> None:
        if self._phase is Phase.CLOSING:
            return
        if self._phase is Phase.IDLE:
            self._enter(Phase.HEAD, self._limits.head_s)
        if self._receivedHeaderSize + len(line) > self.totalHeadersSize:
            self.refuse(431)
        elif self._in_headers and line[:1] in (b" ", b"\t"):
            self.refuse(400)
        else:
            self._expect_headers(self._in_headers or bool(line))
            super().lineReceived(line)

    def lineLengthExceeded(self, line: bytes) -> None:
        if self._phase is not Phase.CLOSING:
            self.refuse(431 if self._in_headers else 414)

    def headerReceived(self, line: bytes) -> bool:
        if self._phase is Phase.CLOSING:
            return False
        if self._receivedHeaderCount >= self.maxHeaders:
            self.refuse(431)
            return False
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length" and len(value.strip()) > _LENGTH_DIGITS:
            # Python itself refuses to read a number of thousands of digits, with a traceback.
            self.refuse(400)
            return False
        return bool(super().headerReceived(line))

    def allHeadersReceived(self) -> None:
        if self._phase is Phase.CLOSING:
            return
        request = self.requests[-1]
        target: bytes = self._path
        status = self.house.judge_head(request, self._version, target)
        if status is None:
            request.body_limit = self.house.body_limit(target)
            if self.length is not None and self.length > request.body_limit:
                status = 413
        if status is not None:
            self.refuse(status)
            return
        super().allHeadersReceived()
        if self.length != 0:
            self._enter(Phase.BODY, self._limits.body_s)

    def _expect_headers(self, expected: bool) -> None:
        self._in_headers = expected
        self.MAX_LENGTH = self._limits.field_bytes if expected else self._limits.line_bytes

    def rawDataReceived(self, data: bytes) -> None:
        if self._phase is not Phase.CLOSING:
            super().rawDataReceived(data)

    def allContentReceived(self) -> None:
        if self._phase is Phase.CLOSING:
            return
        self._expect_headers(False)
        self._enter(Phase.BUSY, None)
        super().allContentReceived()

    # bytes out

    def writeHeaders(self, version: bytes, code: bytes, reason: bytes, headers: Headers) -> None:
        request = self.requests[0] if self.requests else None
        self.house.complete_headers(headers, request, tls=bool(self.isSecure()))
        super().writeHeaders(version, code, reason_phrase(int(code)), headers)

    def requestDone(self, request: Request) -> None:
        if self._phase is Phase.BUSY and self.persistent:
            unread = self._waitingForTransport
            self._enter(Phase.IDLE, self._limits.stall_s if unread else self._limits.idle_s)
        super().requestDone(request)

    def pauseProducing(self) -> None:
        """The client does not read: it has ``stall_s`` to go on reading."""
        super().pauseProducing()
        if self._phase in (Phase.IDLE, Phase.BUSY):
            self._arm(self._limits.stall_s)

    def resumeProducing(self) -> None:
        super().resumeProducing()
        if self._phase is Phase.IDLE:
            self._arm(self._limits.idle_s)
        elif self._phase is Phase.BUSY:
            self._arm(None)

    # the end

    def refuse(self, status: int) -> None:
        """Answer a request that is not read to its end, then close within a second.

        What the client still sends is read and dropped for that second: closing at once
        would reset the connection and take the answer away again.
        """
        if self._phase in (Phase.CLOSING, Phase.GONE):
            return
        self._enter(Phase.CLOSING, LINGER_S)
        if (limit := _LIMITS.get(status)) is not None:
            self.house.note_limit(limit, self.peer)
        body = error_page(status)
        headers = Headers({b"Connection": [b"close"], b"Content-Length": [b"%d" % len(body)]})
        headers.setRawHeaders(b"Content-Type", [b"text/html; charset=utf-8"])
        self.writeHeaders(b"HTTP/1.1", b"%d" % status, b"", headers)
        self.transport.write(body)
        self._release_transport()
        if ITCPTransport.providedBy(self.transport) and not self.isSecure():
            self.transport.loseWriteConnection()
        else:
            self.transport.loseConnection()

    def _respondToBadRequestAndDisconnect(self) -> None:
        self.refuse(400)

    def loseConnection(self) -> None:
        if self._phase not in (Phase.CLOSING, Phase.GONE):
            self._enter(Phase.CLOSING, self._limits.stall_s)
        super().loseConnection()

    def drop(self) -> None:
        """End at once."""
        self._enter(Phase.CLOSING, None)
        if self.transport is not None:
            self.transport.abortConnection()
