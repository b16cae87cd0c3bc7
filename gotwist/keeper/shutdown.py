"""Ends a keeper and all of its terminals, from a command line that has no reactor."""

from __future__ import annotations

import socket

from gotwist.keeper import wire


def shut_down(path: str, timeout_s: float = 15.0) -> bool:
    """Ask the keeper on ``path`` to end everything, and wait until it has; blocks.

    :returns: False when no keeper runs there
    :raises OSError: when it does not end in time, or may not be asked
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(timeout_s)
        try:
            connection.connect(path)
        except (FileNotFoundError, ConnectionRefusedError):
            return False
        hello = {"tag": 1, "do": "hello", "version": wire.VERSION, "persist": True}
        connection.sendall(wire.render_json(hello))
        connection.sendall(wire.render_json({"tag": 2, "do": "shutdown"}))
        while connection.recv(65_536):
            pass
    return True
