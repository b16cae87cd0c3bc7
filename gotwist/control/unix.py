"""The control socket's door: a UNIX socket that only the daemon's own account may use.

The peer's uid is asked from the kernel (SO_PEERCRED); anybody else is closed without a word.
"""

from __future__ import annotations

import errno
import os
import socket
import struct
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress

from twisted.application.service import Service
from twisted.internet.defer import Deferred, succeed
from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import IListeningPort, IReactorTime, IReactorUNIX
from twisted.internet.protocol import Factory
from twisted.internet.tcp import Connection
from twisted.logger import Logger
from twisted.protocols.basic import LineOnlyReceiver
from twisted.protocols.policies import TimeoutMixin

from gotwist.control import wire
from gotwist.errors import GotwistError, Unavailable

PEER_CREDENTIALS = struct.Struct("3i")
IDLE_S = 10.0
Verb = Callable[[], Awaitable[Mapping[str, object]]]


class ControlProtocol(LineOnlyReceiver, TimeoutMixin):
    """One caller; each line is answered in order."""

    delimiter = b"\n"
    MAX_LENGTH = wire.MAX_LINE
    log = Logger()
    factory: ControlFactory

    def callLater(self, period: float, function: Callable[[], None]) -> object:
        """Take timers from the reactor that was handed in."""
        return self.factory.clock.callLater(period, function)

    def connectionMade(self) -> None:
        """Let nobody in but the account the daemon runs as, and root."""
        transport = self.transport
        assert isinstance(transport, Connection)
        peer = transport.getHandle().getsockopt(
            socket.SOL_SOCKET, socket.SO_PEERCRED, PEER_CREDENTIALS.size
        )
        uid = PEER_CREDENTIALS.unpack(peer)[1]
        if uid not in (0, os.geteuid()):
            self.log.warn("control socket: refused uid {uid}", uid=uid)
            transport.abortConnection()
            return
        self.setTimeout(IDLE_S)
        self.answered: Deferred[None] = succeed(None)

    def connectionLost(self, reason: object = None) -> None:
        """Stop the timer."""
        self.setTimeout(None)

    def lineReceived(self, line: bytes) -> None:
        """Run one request; answers come in the order of the requests."""
        self.resetTimeout()
        self.answered.addCallback(lambda _: Deferred.fromCoroutine(self._answer(line)))

    async def _answer(self, line: bytes) -> None:
        asked = "nothing that could be read"
        try:
            asked = wire.parse_request(line).do
            verb = self.factory.verbs.get(asked)
            if verb is None:
                answer = wire.render_refusal(f'"{asked[:32]}" is not known here')
            else:
                answer = wire.render_answer(await verb())
        except GotwistError as error:
            answer = wire.render_refusal(error.message)
        except Exception:
            self.log.failure("control socket: {verb} failed", verb=asked)
            answer = wire.render_refusal("internal error; see the log")
        assert self.transport is not None
        self.transport.write(answer)


class ControlFactory(Factory):
    """Builds one protocol per caller."""

    noisy = False

    def __init__(self, verbs: Mapping[str, Verb], clock: IReactorTime) -> None:
        self.verbs = verbs
        self.clock = clock

    def buildProtocol(self, address: object) -> ControlProtocol:  # type: ignore[override]
        """Make the protocol of one caller."""
        protocol = ControlProtocol()
        protocol.factory = self
        return protocol


class IControlReactor(IReactorTime, IReactorUNIX):
    """What the control door needs of a reactor."""


class ControlDoor(Service):
    """Listens on ``path`` (mode 0600, in a directory of mode 0700) while it runs."""

    log = Logger()

    def __init__(self, reactor: IControlReactor, path: str, verbs: Mapping[str, Verb]) -> None:
        self.reactor = reactor
        self.path = path
        self.verbs = verbs
        self.port: IListeningPort | None = None

    def privilegedStartService(self) -> None:
        """Bind; a stale socket of a daemon that was killed is replaced.

        :raises Unavailable: when a daemon that lives has it, or it cannot be made
        """
        super().privilegedStartService()
        _remove_stale(self.path)
        mask = os.umask(0o177)
        try:
            self.port = self.reactor.listenUNIX(
                self.path, ControlFactory(self.verbs, self.reactor), mode=0o600
            )
        except CannotListenError as error:
            raise Unavailable(f"{self.path}: {_reason(error)}") from error
        finally:
            os.umask(mask)

    def startService(self) -> None:
        """Bind, unless that has been done before privileges were given up."""
        if self.port is None:
            self.privilegedStartService()
        super().startService()
        self.log.info("control: UNIX socket {path} (this account only)", path=self.path)

    def stopService(self) -> object:
        """Stop listening and remove the socket."""
        super().stopService()
        port, self.port = self.port, None
        return port.stopListening() if port is not None else None


def _reason(error: CannotListenError) -> str:
    problem = error.socketError
    if getattr(problem, "errno", None) == errno.EADDRINUSE:
        return "another gotwist daemon runs here; end it, or choose another --runtime_dir"
    return getattr(problem, "strerror", None) or str(problem)


def _remove_stale(path: str) -> None:
    with suppress(FileNotFoundError):
        if os.lstat(path).st_uid != os.geteuid():
            return
        probe = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            probe.connect(path)
        except ConnectionRefusedError:
            os.unlink(path)
        finally:
            probe.close()
