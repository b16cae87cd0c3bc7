"""Asking an authentication service from a program on Twisted."""

from __future__ import annotations

from typing import cast

from twisted.internet.defer import Deferred, TimeoutError
from twisted.internet.endpoints import UNIXClientEndpoint, connectProtocol
from twisted.internet.error import ConnectError
from twisted.internet.interfaces import IReactorTime, IReactorUNIX
from twisted.internet.protocol import Protocol, connectionDone
from twisted.internet.tcp import Connection
from twisted.logger import Logger
from twisted.python.failure import Failure

from gotwist.auth.ask import (
    DEFAULT_SERVICE,
    DEFAULT_TIMEOUT_S,
    hung_up,
    socket_path,
    too_slow,
)
from gotwist.auth.line import Request, parse_answer, render_line
from gotwist.errors import GotwistError, Unavailable

log = Logger()


class IClientReactor(IReactorTime, IReactorUNIX):
    """What asking needs of a reactor."""


class AskProtocol(Protocol):
    """One question."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._said = b""
        self.answered: Deferred[bool] = Deferred(lambda _: self._hang_up())

    def ask(self, line: bytes) -> Deferred[bool]:
        """Send the line, and give what will be the answer."""
        assert self.transport is not None
        self.transport.write(line)
        return self.answered

    def dataReceived(self, data: bytes) -> None:
        """Collect the answer."""
        self._said += data
        verdict = parse_answer(self._said)
        if verdict is not None and not self.answered.called:
            self.answered.callback(verdict)
            self._hang_up()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Tell that there will be none."""
        if not self.answered.called:
            self.answered.errback(hung_up(self._path))

    def _hang_up(self) -> None:
        cast(Connection, self.transport).abortConnection()


async def ask(
    reactor: IClientReactor,
    username: str,
    password: str,
    service: str = DEFAULT_SERVICE,
    *,
    socket: str | None = None,
    timeout: float = DEFAULT_TIMEOUT_S,
) -> bool:
    """Tell whether this is the password of an account that may be used now.

    :raises Unavailable: there is no answer.
    :raises Malformed: user, password or service hold what a line cannot carry.
    """
    path = socket_path(socket)
    line = render_line(Request(username, password, service))

    async def talk() -> bool:
        endpoint = UNIXClientEndpoint(reactor, path)
        protocol: AskProtocol = await connectProtocol(endpoint, AskProtocol(path))
        return await protocol.ask(line)

    asking = Deferred.fromCoroutine(talk())
    asking.addTimeout(timeout, reactor)
    try:
        return await asking
    except TimeoutError:
        raise too_slow(path, timeout) from None
    except ConnectError as problem:
        raise Unavailable(
            f"the authentication service on {path} cannot be reached: {problem}"
        ) from None


def authenticate(
    reactor: IClientReactor,
    username: str,
    password: str,
    service: str = DEFAULT_SERVICE,
    *,
    socket: str | None = None,
    timeout: float = DEFAULT_TIMEOUT_S,
) -> Deferred[bool]:
    """The same as :func:`gotwist.auth.authenticate`, without blocking."""

    async def run() -> bool:
        try:
            return await ask(reactor, username, password, service, socket=socket, timeout=timeout)
        except GotwistError as problem:
            log.error("authentication failed: {problem}", problem=problem.message)
            return False

    return Deferred.fromCoroutine(run())
