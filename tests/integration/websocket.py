"""A blocking WebSocket client for tests: nothing but sockets and the frames of RFC 6455."""

from __future__ import annotations

import base64
import json
import os
import socket
import ssl
import struct
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from gotwist.gateway import frames

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10


class Closed(Exception):
    """The connection has ended; ``code`` is None without a close frame."""

    def __init__(self, code: int | None) -> None:
        super().__init__(f"closed with {code}")
        self.code = code


class Refused(Exception):
    """The handshake was refused with this HTTP status."""

    def __init__(self, status: int) -> None:
        super().__init__(f"refused with {status}")
        self.status = status


class WebSocket:
    """One connection; reads block for at most ``timeout_s``."""

    def __init__(
        self,
        base: str,
        *,
        cookie: str = "",
        origin: str | None = "same",
        timeout_s: float = 20.0,
        query: str = "",
        host: str = "",
        tls: ssl.SSLContext | None = None,
    ) -> None:
        parts = urlsplit(base)
        assert parts.hostname is not None and parts.port is not None
        plain = socket.create_connection((parts.hostname, parts.port), timeout_s)
        if parts.scheme == "https":
            if tls is None:
                tls = ssl.create_default_context()
                tls.check_hostname = False
                tls.verify_mode = ssl.CERT_NONE
            self.socket: socket.socket = tls.wrap_socket(plain)
        else:
            self.socket = plain
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.timeout_s = timeout_s
        self.buffer = bytearray()
        lines = [
            f"GET {parts.path}ws{query} HTTP/1.1",
            f"Host: {host or parts.netloc}",
            "Upgrade: websocket",
            "Connection: Upgrade",
            "Sec-WebSocket-Version: 13",
            "Sec-WebSocket-Key: " + base64.b64encode(os.urandom(16)).decode(),
        ]
        if origin is not None:
            same = f"{parts.scheme}://{parts.netloc}"
            lines.append("Origin: " + (same if origin == "same" else origin))
        if cookie:
            lines.append("Cookie: " + cookie)
        self.socket.sendall("\r\n".join([*lines, "", ""]).encode())
        while b"\r\n\r\n" not in self.buffer:
            self._fill()
        head, _, rest = bytes(self.buffer).partition(b"\r\n\r\n")
        status = int(head.split()[1])
        if status != 101:
            self.socket.close()
            raise Refused(status)
        self.buffer = bytearray(rest)

    def _fill(self) -> None:
        data = self.socket.recv(1 << 16)
        if not data:
            raise Closed(None)
        self.buffer += data

    def _take(self, count: int) -> bytes:
        while len(self.buffer) < count:
            self._fill()
        taken = bytes(self.buffer[:count])
        del self.buffer[:count]
        return taken

    def send_raw(self, opcode: int, payload: bytes) -> None:
        """Send one final masked frame."""
        length = len(payload)
        if length < 126:
            head = bytes([0x80 | opcode, 0x80 | length])
        elif length < 65_536:
            head = struct.pack("!BBH", 0x80 | opcode, 0x80 | 126, length)
        else:
            head = struct.pack("!BBQ", 0x80 | opcode, 0x80 | 127, length)
        mask = os.urandom(4)
        key = int.from_bytes((mask * (length // 4 + 1))[:length], "big")
        masked = (int.from_bytes(payload, "big") ^ key).to_bytes(length, "big")
        self.socket.sendall(head + mask + masked)

    def send(self, action: str, value: object) -> None:
        """Send one action."""
        self.send_raw(TEXT, json.dumps({action: value}).encode())

    def send_frame(self, kind: int, terminal: int, offset: int, payload: bytes = b"") -> None:
        """Send one binary frame of ours."""
        self.send_raw(BINARY, frames.pack_header(kind, terminal, offset) + payload)

    def receive(self) -> tuple[int, bytes]:
        """The next text or binary message; answers pings.

        :raises Closed: at the end
        :raises TimeoutError: when nothing but pings has come for ``timeout_s``
        """
        deadline = time.monotonic() + self.timeout_s
        while time.monotonic() < deadline:
            first, second = self._take(2)
            length = second & 127
            if length == 126:
                (length,) = struct.unpack("!H", self._take(2))
            elif length == 127:
                (length,) = struct.unpack("!Q", self._take(8))
            payload = self._take(length)
            opcode = first & 15
            if opcode == PING:
                self.send_raw(PONG, payload)
            elif opcode == CLOSE:
                raise Closed(struct.unpack("!H", payload[:2])[0] if payload else None)
            elif opcode in (TEXT, BINARY):
                return opcode, payload
        raise TimeoutError("nothing but pings")

    def until_action(self, wanted: str) -> Any:
        """Read on to the value of an action; other messages are dropped.

        :raises AssertionError: on ``go:error``, unless that is wanted
        """
        while True:
            opcode, payload = self.receive()
            if opcode == TEXT:
                message = json.loads(payload)
                if wanted in message:
                    return message[wanted]
                if "go:error" in message:
                    raise AssertionError(f"waiting for {wanted}: {message}")

    def until(self, true: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
        """Read on to the first text message of which something is true, errors included."""
        while True:
            opcode, payload = self.receive()
            if opcode == TEXT:
                message = json.loads(payload)
                assert isinstance(message, dict)
                if true(message):
                    return message

    def close(self) -> None:
        """Cut the connection."""
        self.socket.close()


class Screen:
    """One terminal seen over a WebSocket: output put together by offset, acknowledged."""

    def __init__(self, websocket: WebSocket, **wanted: object) -> None:
        self.websocket = websocket
        websocket.send("terminal:new_terminal", {"rows": 24, "columns": 80, **wanted})
        self.attached = websocket.until_action("terminal:attached")
        assert isinstance(self.attached, dict)
        self.term = int(self.attached["term"])
        self.offset = self.start = int(self.attached["offset"])
        self.typed = int(self.attached["input"])
        self.output = bytearray()
        self.exited: dict[str, object] | None = None

    def type(self, data: bytes) -> None:
        """Send keystrokes."""
        self.websocket.send_frame(frames.Kind.INPUT, self.term, self.typed, data)
        self.typed += len(data)

    def read_one(self) -> None:
        """Take one message; output must continue exactly where it left off."""
        opcode, payload = self.websocket.receive()
        if opcode == TEXT:
            message = json.loads(payload)
            self.exited = message.get("terminal:term_exited", self.exited)
            return
        frame = frames.parse_frame(payload)
        if frame.kind == frames.Kind.OUTPUT and frame.terminal == self.term:
            assert frame.offset == self.offset, (frame.offset, self.offset)
            self.output += frame.payload
            self.offset += len(frame.payload)
            self.websocket.send_frame(frames.Kind.ACK, self.term, self.offset)

    def until(self, true: Callable[[bytes], object]) -> bytes:
        """Read until the output so far satisfies a condition; answers it."""
        while not true(bytes(self.output)):
            self.read_one()
        return bytes(self.output)

    def until_text(self, text: bytes) -> bytes:
        """Read until the output holds ``text``."""
        return self.until(lambda output: text in output)
