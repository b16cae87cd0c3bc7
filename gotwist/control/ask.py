"""The command line's side of the control socket: ask once, wait, return the answer."""

from __future__ import annotations

import socket

from gotwist.control import wire
from gotwist.errors import Unavailable

TIMEOUT_S = 5.0


def ask(path: str, verb: str) -> dict[str, object]:
    """Ask the daemon that listens on ``path``; blocks up to :data:`TIMEOUT_S`.

    :raises Unavailable: when no daemon answers there
    :raises Malformed: when the daemon refuses, with its sentence
    """
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(TIMEOUT_S)
            connection.connect(path)
            connection.sendall(wire.render_request(verb))
            with connection.makefile("rb") as stream:
                line = stream.readline(wire.MAX_LINE + 1)
    except OSError as error:
        raise Unavailable(
            f"no gotwist daemon answers on {path} ({error.strerror or error}); "
            "is it running, as this user and with this runtime_dir?"
        ) from None
    if not line:
        raise Unavailable(f"{path} closed the connection: it belongs to another user's daemon")
    return wire.parse_answer(line)
