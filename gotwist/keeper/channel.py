"""Between the keeper and the small programs it starts: one JSON object per packet.

A sequenced-packet socket keeps messages apart by itself and tells when the other end has gone.
The programs find their end as descriptor 3.
"""

from __future__ import annotations

import json
import os
import socket
import sys

DESCRIPTOR = 3
MAX_BYTES = 131_072


class Gone(Exception):
    """The other end has gone, or does not speak our language."""


def send(sock: socket.socket, message: dict[str, object]) -> None:
    """Send one message.

    :raises Gone: when nobody will ever read it.
    """
    try:
        sock.send(json.dumps(message).encode())
    except OSError as error:
        raise Gone from error


def receive(sock: socket.socket) -> dict[str, object]:
    """Wait for one message; on a non-blocking socket ``BlockingIOError`` when there is none.

    :raises Gone: when none will come any more.
    """
    try:
        data = sock.recv(MAX_BYTES)
    except BlockingIOError:
        raise
    except OSError as error:
        raise Gone from error
    try:
        message = json.loads(data)
    except ValueError as error:
        raise Gone from error
    if not isinstance(message, dict):
        raise Gone
    return message


def start(program: str, tty: str | None = None) -> tuple[int, socket.socket]:
    """Start one of the programs that ``helper.py`` knows, in a session of its own.

    :param tty: opened as its standard input and output, without becoming its controlling
        terminal; what it writes to standard error goes where the keeper's does.
    :returns: process id and our end of its channel, non-blocking.
    """
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "helper.py")
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    try:
        place = tty or "/dev/null"
        pid = os.posix_spawn(
            sys.executable,
            # Isolated and without site packages, as the keeper itself.
            [sys.executable, "-I", "-S", path, program],
            {},
            setsid=True,
            setsigdef=range(1, 32),
            setsigmask=(),
            file_actions=(
                (os.POSIX_SPAWN_DUP2, theirs.fileno(), DESCRIPTOR),
                (os.POSIX_SPAWN_OPEN, 0, place, os.O_RDWR | os.O_NOCTTY, 0),
                (os.POSIX_SPAWN_DUP2, 0, 1),
            ),
        )
    except BaseException:
        ours.close()
        raise
    finally:
        theirs.close()
    ours.setblocking(False)
    return pid, ours
