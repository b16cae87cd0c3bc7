"""HTTP byte by byte: a client that sends what no browser would."""

from __future__ import annotations

import socket
import ssl
from contextlib import suppress
from dataclasses import dataclass

from tests.integration.daemon import Daemon


@dataclass(frozen=True)
class Answer:
    """One HTTP answer; ``headers`` are lines with the names in lower case."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def header(self, name: str) -> str:
        """The value of a header that is there exactly once, else ``""``."""
        found = [value for key, value in self.headers if key == name]
        return found[0] if len(found) == 1 else ""


def dial(daemon: Daemon, timeout_s: float = 20.0, source: str = "") -> socket.socket:
    """A connection to the daemon, with TLS when it speaks that."""
    line = socket.create_connection(
        ("127.0.0.1", daemon.port), timeout_s, (source, 0) if source else None
    )
    return line if daemon.plain else wrap(line)


def wrap(line: socket.socket) -> ssl.SSLSocket:
    """TLS over a connection; the daemon's own certificate is not checked."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context.wrap_socket(line)


def drain(line: socket.socket) -> bytes:
    """Everything until the end; a reset is an end, a time-out is a failure."""
    got = bytearray()
    with suppress(ConnectionError, ssl.SSLError):
        while data := line.recv(65_536):
            got += data
    line.close()
    return bytes(got)


def exchange(daemon: Daemon, data: bytes, *, is_all: bool = False) -> list[Answer]:
    """Send bytes as they are and read all answers until the daemon closes.

    :param is_all: say that there will be no more: the answers that come at once are read
    """
    line = dial(daemon)
    with suppress(OSError):
        line.sendall(data)
        if is_all and daemon.plain:
            line.shutdown(socket.SHUT_WR)
    return parse_answers(drain(line))


def get(daemon: Daemon, target: str, *headers: str, method: str = "GET") -> Answer:
    """One well-formed request for a target that may be odd."""
    lines = [f"{method} {target} HTTP/1.1", f"Host: 127.0.0.1:{daemon.port}", "Connection: close"]
    text = "\r\n".join([*lines, *headers, "", ""])
    answers = exchange(daemon, text.encode("utf-8", "surrogateescape"))
    assert len(answers) == 1, (target, answers)
    return answers[0]


def parse_answers(data: bytes) -> list[Answer]:
    """Split a stream of answers."""
    answers = []
    while data:
        head, separator, data = data.partition(b"\r\n\r\n")
        assert separator, head
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = tuple(
            (name.lower(), value.strip())
            for name, _, value in (line.partition(":") for line in lines)
        )
        length = int(dict(headers).get("content-length", "0"))
        answers.append(Answer(int(first.split()[1]), headers, data[:length]))
        data = data[length:]
    return answers
