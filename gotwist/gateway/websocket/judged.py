"""The beginning and the end of a WebSocket: how a handshake is judged, how a peer is cut off."""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus

from autobahn.twisted.websocket import WebSocketServerProtocol
from autobahn.websocket.types import ConnectionDeny, ConnectionRequest
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IConsumer, IPushProducer, ITransport
from twisted.logger import Logger

from gotwist.errors import Denied, GotwistError, Unavailable
from gotwist.gateway.clients import Peer
from gotwist.gateway.handshake import Connect, Handshake, parse_cookies
from gotwist.gateway.websocket.outside import ReactorClock, ReactorTimer

_log = Logger()

_CONNECTING = WebSocketServerProtocol.STATE_CONNECTING

_REFUSAL_STATUS = {Denied: 403, Unavailable: 429}


class _Transport(ITransport, IPushProducer, IConsumer):
    """What TCP, UNIX sockets and TLS over them can all do."""

    def abortConnection() -> None:
        """End it now."""


class JudgedWebSocket(WebSocketServerProtocol):
    """Asks the factory's admission about each handshake; ends what has failed for good."""

    transport: _Transport
    peer_info: Peer
    abort_after_s = 1.0

    _connect: Connect | None = None
    _is_judged = False
    _has_ended = False
    _abort_timer: ReactorTimer | None = None

    # -- handshake --------------------------------------------------------------------------

    def onConnect(  # type: ignore[override]  # a Deferred is allowed, only not declared
        self, request: ConnectionRequest
    ) -> Deferred[None]:
        """Let the admission decide; its refusals become HTTP answers."""
        self._is_judged = True
        return Deferred.fromCoroutine(self._judge(request))

    async def _judge(self, request: ConnectionRequest) -> None:
        handshake = Handshake(
            peer=self.peer_info,
            origin=request.headers.get("origin"),
            host=request.headers.get("host"),
            cookies=parse_cookies(request.headers.get("cookie", "")),
            params=request.params,
        )
        try:
            self._connect = await self.factory.admission.admit(handshake)
        except GotwistError as refusal:
            status = _REFUSAL_STATUS.get(type(refusal), 400)
            raise ConnectionDeny(status, refusal.message) from None
        except Exception:
            _log.failure("handshake of {peer} failed", peer=self.peer_info.address)
            raise ConnectionDeny(500, "") from None

    def succeedHandshake(self, result: object) -> None:
        """Go on, unless the peer has left while its handshake was judged."""
        if self.state == _CONNECTING:
            super().succeedHandshake(result)

    def failHandshake(
        self, reason: str, code: int = 400, responseHeaders: Sequence[tuple[str, str]] | None = None
    ) -> None:
        """Refuse, and close even when the peer goes on sending."""
        if self.state != _CONNECTING:
            return
        super().failHandshake(reason, code, responseHeaders)
        self._stop_reading_and_abort()

    def sendHttpErrorResponse(
        self, code: int, reason: str, responseHeaders: Sequence[tuple[str, str]] | None = None
    ) -> None:
        """Answer with number and phrase: Autobahn's reasons repeat the peer's own text."""
        body = f"{code} {HTTPStatus(code).phrase}\n".encode()
        lines = [
            f"HTTP/1.1 {code} {HTTPStatus(code).phrase}",
            "Content-Type: text/plain; charset=utf-8",
            f"Content-Length: {len(body)}",
            "Connection: close",
            *(f"{name}: {value}" for name, value in self.factory.refusal_headers),
            *(f"{name}: {value}" for name, value in responseHeaders or ()),
        ]
        self.sendData("\r\n".join(lines).encode() + b"\r\n\r\n" + body)

    # -- end ---------------------------------------------------------------------------------

    def abort(self) -> None:
        """End the connection now, whatever waits to be written."""
        self.dropConnection(abort=True)

    def dropConnection(self, abort: bool = False) -> None:
        """End the connection; a peer that does not read what is left has a second for it."""
        super().dropConnection(abort)
        if not abort:
            self._abort_later()

    def _fail_connection(self, code: int = 1001, reason: str = "going away") -> None:
        # Autobahn would go on reading and parsing what a broken or hostile peer sends.
        super()._fail_connection(code, reason)
        self._stop_reading_and_abort()

    def _stop_reading_and_abort(self) -> None:
        self.transport.pauseProducing()
        self._abort_later()

    def _abort_later(self) -> None:
        if self._abort_timer is None and not self._has_ended:
            self._abort_timer = ReactorClock(self.factory.reactor).call_later(
                self.abort_after_s, self.transport.abortConnection
            )

    def has_ended(self) -> None:
        """The connection is lost, and need not be cut off any more."""
        self._has_ended = True
        if self._abort_timer is not None:
            self._abort_timer.cancel()
