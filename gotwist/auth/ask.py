"""Asking an authentication service, for any program: standard library only, no reactor.

:func:`authenticate` blocks, :func:`authenticate_async` is for programs on asyncio; programs on
Twisted use :mod:`gotwist.auth.unix.client`.  The service may be gotwist's or x2gobroker's.
"""

from __future__ import annotations

import logging
import os
import socket as sockets
import time

from gotwist.auth.line import Request, parse_answer, render_line
from gotwist.errors import GotwistError, Unavailable

DEFAULT_SERVICE = "x2gobroker"
DEFAULT_TIMEOUT_S = 30.0
#: Where to ask unless this variable says otherwise: the service alone as root, root's daemon.
DEFAULT_SOCKETS = ("/run/gotwist-auth/authservice.sock", "/run/gotwist/authservice.sock")
SOCKET_VARIABLE = "GOTWIST_AUTHSERVICE_SOCKET"
ANSWER_BYTES = 1024

log = logging.getLogger("gotwist.auth")


def authenticate(
    username: str,
    password: str,
    service: str = DEFAULT_SERVICE,
    *,
    socket: str | None = None,
    timeout: float = DEFAULT_TIMEOUT_S,
) -> bool:
    """Tell whether this is the password of an account that may be used now.

    No answer is a no: when the service cannot be reached, is too slow or talks nonsense, the
    reason goes to the logger ``gotwist.auth`` and the result is False.

    :param service: PAM service to be asked; the other side has a list of allowed ones
    :param socket: path; by default $GOTWIST_AUTHSERVICE_SOCKET or where root's service listens
    :param timeout: seconds in all
    """
    try:
        return ask(username, password, service, socket=socket, timeout=timeout)
    except GotwistError as problem:
        return refused(problem)


async def authenticate_async(
    username: str,
    password: str,
    service: str = DEFAULT_SERVICE,
    *,
    socket: str | None = None,
    timeout: float = DEFAULT_TIMEOUT_S,
) -> bool:
    """The same as :func:`authenticate`, as a coroutine of asyncio."""
    import asyncio

    async def talk(line: bytes) -> bool:
        reader, writer = await asyncio.open_unix_connection(path)
        try:
            writer.write(line)
            await writer.drain()
            said = b""
            while (verdict := parse_answer(said)) is None:
                more = await reader.read(ANSWER_BYTES)
                if not more:
                    raise hung_up(path)
                said += more
            return verdict
        finally:
            writer.close()

    path = socket_path(socket)
    try:
        line = render_line(Request(username, password, service))
        try:
            return await asyncio.wait_for(talk(line), timeout)
        except TimeoutError:
            raise too_slow(path, timeout) from None
        except OSError as problem:
            raise unreachable(path, problem) from None
    except GotwistError as problem:
        return refused(problem)


def ask(
    username: str,
    password: str,
    service: str = DEFAULT_SERVICE,
    *,
    socket: str | None = None,
    timeout: float = DEFAULT_TIMEOUT_S,
) -> bool:
    """The same as :func:`authenticate`, for programs that tell a no from no answer.

    :raises Unavailable: there is no answer.
    :raises Malformed: user, password or service hold what a line cannot carry.
    """
    path = socket_path(socket)
    line = render_line(Request(username, password, service))
    deadline = time.monotonic() + timeout
    try:
        with sockets.socket(sockets.AF_UNIX, sockets.SOCK_STREAM) as connection:
            connection.settimeout(timeout)
            connection.connect(path)
            connection.sendall(line)
            said = b""
            while (verdict := parse_answer(said)) is None:
                # One deadline for all: a service that dribbles must not be waited for longer.
                connection.settimeout(max(0.001, deadline - time.monotonic()))
                more = connection.recv(ANSWER_BYTES)
                if not more:
                    raise hung_up(path)
                said += more
            return verdict
    except TimeoutError:
        raise too_slow(path, timeout) from None
    except OSError as problem:
        raise unreachable(path, problem) from None


def socket_path(chosen: str | None) -> str:
    """Where to ask."""
    there = (path for path in DEFAULT_SOCKETS if os.path.exists(path))
    return chosen or os.environ.get(SOCKET_VARIABLE) or next(there, DEFAULT_SOCKETS[0])


def refused(problem: GotwistError) -> bool:
    """Log why there is no verdict, which is a no."""
    log.error("authentication failed: %s", problem.message)
    return False


def unreachable(path: str, problem: OSError) -> Unavailable:
    """Make the error for a socket that cannot be asked."""
    return Unavailable(
        f"the authentication service on {path} cannot be reached: {problem.strerror or problem}"
    )


def too_slow(path: str, timeout: float) -> Unavailable:
    """Make the error for a service that does not answer in time."""
    return Unavailable(
        f"the authentication service on {path} has not answered within {timeout:g} s"
    )


def hung_up(path: str) -> Unavailable:
    """Make the error for a service that ends the connection, as it does for those not allowed."""
    return Unavailable(
        f"the authentication service on {path} hung up; this account may not be allowed to ask"
    )
