"""The WebSocket protocol: Autobahn's, with our options, limits and shortcuts."""

from __future__ import annotations

import re
from collections.abc import Callable

from twisted.internet.interfaces import IPushProducer
from twisted.logger import Logger
from zope.interface import implementer

from gotwist.gateway.clients import Buffer
from gotwist.gateway.frames import BINARY, TEXT, unmask_small
from gotwist.gateway.handshake import Handler
from gotwist.gateway.websocket.judged import JudgedWebSocket
from gotwist.gateway.websocket.resting import can_rest, rest
from gotwist.gateway.websocket.shortcuts import (
    has_queue,
    is_between_messages,
    is_direct,
    silence_option_dump,
    slim_transport,
    write_now,
)

silence_option_dump()

_log = Logger()

_CONNECTING = JudgedWebSocket.STATE_CONNECTING
_OPEN = JudgedWebSocket.STATE_OPEN
_INTERNAL = 1011
_PONG = 0x8A
_SMALL = 132  # a whole frame of 125 bytes, masked, and one more


# Options are attributes of the class: Autobahn copies into each instance only what the class
# does not have.  `state`, `log`, `factory` and `transport` are Autobahn's own names.
@implementer(IPushProducer)
@can_rest
class GuardedWebSocket(JudgedWebSocket):
    """One connection; what it carries goes to the handler that its admission made."""

    # What differs from connection to connection; see ``resting``.
    __slots__ = ("_is_direct", "factory", "handler", "peer_info", "state", "transport")

    logOctets = False
    logFrames = False
    trackTimings = False
    utf8validateIncoming = True
    applyMask = True
    maxFramePayloadSize = 65_536
    maxMessagePayloadSize = 65_536
    autoFragmentSize = 0
    failByDrop = False
    echoCloseCodeReason = False
    openHandshakeTimeout = 5
    closeHandshakeTimeout = 2
    tcpNoDelay = True
    # Autobahn would have two timers for each connection; the factory's rounds are one for all.
    autoPingInterval = 0
    autoPingTimeout = 0
    autoPingSize = 12
    autoPingRestartOnAnyTraffic = False
    versions = (13,)
    webStatus = False
    requireMaskedClientFrames = True
    maskServerFrames = False
    serveFlashSocketPolicy = False
    flashSocketPolicy = None
    # The origin is judged by our own rule in onConnect, which can say 403.
    allowedOrigins = ("*",)
    allowedOriginsPatterns = (re.compile(".*"),)
    allowNullOrigin = True
    trustXForwardedFor = 0

    handler: Handler | None
    max_unsent = 256 * 1024

    _is_full = False
    _is_reading_paused = False
    _unsent = 0

    @staticmethod
    def perMessageCompressionAccept(offers: object) -> None:
        """No compression: it is slow, and tells lengths of secrets beside an attacker's text."""

    def __init__(self) -> None:
        super().__init__()
        self.handler = None
        self._is_direct = False

    # -- life -------------------------------------------------------------------------------

    def succeedHandshake(self, result: object) -> None:
        """Open, and rest until something comes."""
        super().succeedHandshake(result)
        rest(self)

    def onOpen(self) -> None:
        """Become the transport's producer and make the handler."""
        assert self._connect is not None
        self._is_direct = is_direct(self.transport)
        if self._is_direct:
            slim_transport(self.transport)
        # twisted.web's channel is still registered; pauses would go to it, or nowhere.
        self.unregisterProducer()
        self.registerProducer(self, True)
        try:
            self.handler = self._connect(self)
        except Exception:
            _log.failure("client of {peer} failed", peer=self.peer_info.address)
            self.close(_INTERNAL, "internal error")
            return
        finally:
            self._connect = None
        self.factory.pings.add(self)
        self._call(self.handler.opened)

    def onClose(self, wasClean: bool, code: int | None, reason: str | None) -> None:
        """Tell the handler that the connection has ended."""
        self.has_ended()
        self.factory.pings.remove(self)
        handler, self.handler = self.handler, None
        if handler is not None:
            try:
                handler.closed()
            except Exception:
                _log.failure("end of client of {peer} failed", peer=self.peer_info.address)

    def close(self, code: int, reason: str) -> None:
        """Say goodbye; the peer has 2 s to answer."""
        # Not sendClose: that refuses 1011.
        if self.state == _OPEN:
            self.sendCloseFrame(code, reason.encode()[:123], isReply=False)

    def ping(self) -> None:
        """Drop a peer that has not answered since the last time, or else ask it again."""
        if self.state != _OPEN:
            return
        # While it is we who do not listen, there can be no answer.
        if self.autoPingPending is None or self._is_reading_paused:
            self._sendAutoPing()
        else:
            self.onAutoPingTimeout()

    # -- in ---------------------------------------------------------------------------------

    def dataReceived(self, data: bytes) -> None:
        """Take a small frame that came alone and whole by the short way, all else by Autobahn."""
        if self.state == _OPEN:
            if len(data) < _SMALL and is_between_messages(self):
                first = data[0]
                if first == BINARY:
                    message = unmask_small(data, BINARY)
                    if message is not None:
                        self.onMessage(message, True)
                        return
                elif first == TEXT:
                    message = unmask_small(data, TEXT)
                    if message is not None and _is_utf8(message):
                        self.onMessage(message, False)
                        return
        elif self.state == _CONNECTING and self._is_judged:
            # Nobody speaks before the handshake is answered; Autobahn would judge it twice.
            self.abort()
            return
        elif self.failedByMe:
            return
        # Autobahn's own dataReceived only adds a debug line, which costs more than this.
        self._dataReceived(data)
        # With the answer to our ping; after each message it would cost a quarter of that.
        if data[0] == _PONG:
            rest(self)

    def onMessage(self, message: bytes, isBinary: bool) -> None:
        """Give the handler one message."""
        if self.state != _OPEN or self.handler is None:
            return
        try:
            if isBinary:
                self.handler.receive_binary(message)
            else:
                self.handler.receive_text(message)
        except Exception as failure:
            self.handler.fail(failure)

    def onPing(self, payload: bytes) -> None:
        """Answer, unless the peer does not read its answers."""
        if self.handler is not None:
            self._call(self.handler.receive_ping)
        if not self._is_full:
            super().onPing(payload)

    def pause_reading(self) -> None:
        """Read nothing until :meth:`resume_reading`."""
        if self.state == _OPEN and not self._is_reading_paused:
            self._is_reading_paused = True
            self.transport.pauseProducing()

    def resume_reading(self) -> None:
        """Read again."""
        if self._is_reading_paused:
            self._is_reading_paused = False
            if self.state == _OPEN:
                self.transport.resumeProducing()

    def _call(self, function: Callable[[], None]) -> None:
        # Autobahn swallows what onOpen raises, and ends the connection without a word.
        try:
            function()
        except Exception as failure:
            if self.handler is not None:
                self.handler.fail(failure)

    # -- out --------------------------------------------------------------------------------

    def send_wire(self, *buffers: Buffer) -> None:
        """Write buffers that are a whole frame; nothing once the connection is closing."""
        if self.state != _OPEN:
            return
        if self._is_full:
            self._unsent += sum(map(len, buffers))
            if self._unsent > self.max_unsent:
                _log.info("{peer} does not read and is dropped", peer=self.peer_info.address)
                self.abort()
                return
        if self._is_direct and not has_queue(self):
            write_now(self.transport, buffers)
        else:
            self.sendData(b"".join(buffers))

    def pauseProducing(self) -> None:
        """The transport holds more than it wants to."""
        if not self._is_full:
            self._is_full = True
            self._unsent = 0
            if self.handler is not None:
                self.handler.set_writable(False)

    def resumeProducing(self) -> None:
        """The transport has written everything."""
        if self._is_full:
            self._is_full = False
            handler = self.handler
            if handler is not None:
                self._call(lambda: handler.set_writable(True))

    def stopProducing(self) -> None:
        """The transport has ended, which :meth:`onClose` tells."""


def _is_utf8(message: bytes) -> bool:
    try:
        message.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
