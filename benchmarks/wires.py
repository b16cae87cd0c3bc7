"""What each server's own browser client says, without a socket: messages in, bytes to send out.

Every wire is one connection with one terminal. ``message`` gets what is no output, with
the number of output bytes before it, and gives the answer. ``drawn`` is told how much
output has been drawn and gives the acknowledgements that server's own client would send
then. ``bye`` is what must be said for the terminal to end with the connection.
"""

import json
import secrets
from dataclasses import dataclass
from typing import Protocol

from benchmarks.frames import BINARY, CLOSE, PING, PONG, TEXT, Shape, masked

ACK_EVERY = 131_072


class Closed(Exception):
    """The server ended the connection."""


class Wire(Protocol):
    """One client connection of one server's protocol."""

    ready: bool
    restored: bytes

    @property
    def shape(self) -> Shape | None: ...

    def hello(self) -> bytes: ...

    def message(self, opcode: int, payload: bytes, output: int) -> bytes: ...

    def type(self, keys: bytes) -> bytes: ...

    def drawn(self, total: int) -> bytes: ...

    def bye(self) -> bytes: ...


def _control(opcode: int, payload: bytes) -> bytes:
    """What every client does with a control frame."""
    if opcode == PING:
        return masked(PONG, payload)
    if opcode == CLOSE:
        raise Closed(f"closed by the server: {payload[:2].hex()} {payload[2:]!r}")
    return b""


class HangsUp:
    """The terminal ends with its connection: nothing to say, and nothing restored."""

    restored = b""

    def bye(self) -> bytes:
        return b""


class BareWire(HangsUp):
    """Nothing but bytes."""

    shape = None
    ready = True

    def hello(self) -> bytes:
        return b""

    def message(self, opcode: int, payload: bytes, output: int) -> bytes:
        return b""

    def type(self, keys: bytes) -> bytes:
        return keys

    def drawn(self, total: int) -> bytes:
        return b""


class TtydWire(HangsUp):
    """ttyd 1.7: one command byte, then the data.

    Its page asks for more (``RESUME``) after each 100,000 bytes that xterm.js has parsed,
    and says ``PAUSE`` with more than ten of those waiting: this client draws what it reads
    at once, so it never has.
    """

    shape = Shape(b"0", 1)
    limit = 100_000

    def __init__(self, rows: int = 24, columns: int = 80) -> None:
        self.ready = True
        self._size = {"columns": columns, "rows": rows}
        self._resumed = 0

    def hello(self) -> bytes:
        return masked(BINARY, json.dumps({"AuthToken": "", **self._size}).encode())

    def message(self, opcode: int, payload: bytes, output: int) -> bytes:
        return _control(opcode, payload)

    def type(self, keys: bytes) -> bytes:
        return masked(BINARY, b"0" + keys)

    def drawn(self, total: int) -> bytes:
        if total - self._resumed <= self.limit:
            return b""
        self._resumed = total
        return masked(BINARY, b"3")


class TerminadoWire(HangsUp):
    """terminado 0.18: JSON arrays, no acknowledgement."""

    shape = Shape(b'["stdout", "', 12, 2, escaped=True)

    def __init__(self, rows: int = 24, columns: int = 80) -> None:
        self.ready = True
        self._size = (rows, columns)

    def hello(self) -> bytes:
        return masked(TEXT, json.dumps(["set_size", *self._size]).encode())

    def message(self, opcode: int, payload: bytes, output: int) -> bytes:
        return _control(opcode, payload)

    def type(self, keys: bytes) -> bytes:
        return masked(TEXT, json.dumps(["stdin", keys.decode()]).encode())

    def drawn(self, total: int) -> bytes:
        return b""


class WettyWire(HangsUp):
    """wetty 3: Socket.IO 4 over Engine.IO 4, WebSocket from the start.

    The page commits each 256 KiB it has drawn.
    """

    shape = Shape(b'42["data","', 11, 2, escaped=True)
    ack_bytes = 262_144

    def __init__(self, rows: int = 24, columns: int = 80) -> None:
        self.ready = False
        self._size = {"cols": columns, "rows": rows}
        self._committed = 0

    def hello(self) -> bytes:
        return b""

    def _emit(self, *event: object) -> bytes:
        return masked(TEXT, b"42" + json.dumps(event, separators=(",", ":")).encode())

    def message(self, opcode: int, payload: bytes, output: int) -> bytes:
        if opcode != TEXT:
            return _control(opcode, payload)
        if payload.startswith(b"0"):
            return masked(TEXT, b"40")
        if payload == b"2":
            return masked(TEXT, b"3")
        if payload.startswith(b'42["login"'):
            self.ready = True
            return self._emit("resize", self._size)
        if payload.startswith(b'42["logout"'):
            raise Closed("the program has ended")
        return b""

    def type(self, keys: bytes) -> bytes:
        return self._emit("input", keys.decode())

    def drawn(self, total: int) -> bytes:
        answer = b""
        while total - self._committed >= self.ack_bytes:
            self._committed += self.ack_bytes
            answer += self._emit("commit", self.ack_bytes)
        return answer


@dataclass
class Attachment:
    """Where a gotwist terminal stands for this client."""

    term: int = 0
    start: int = 0
    typed: int = 0
    acknowledged: int = 0


class GotwistWire:
    """gotwist, as ``docs/protocol.md`` section 1 says.

    :param term: number of a terminal to join; 0 opens a new one, None only signs in.
    """

    shape = Shape(b"\x01", 16)
    restore = 5

    def __init__(
        self,
        term: int | None = 0,
        command: str = "bench",
        location: str = "default",
        rows: int = 24,
        columns: int = 80,
    ) -> None:
        self.ready = False
        self.signed_in = False
        #: The last screen the daemon restored, which is no output.
        self.restored = b""
        self.pongs = 0
        self.at = Attachment()
        self._term = term
        self._location = location
        self._open: dict[str, object] = {
            "rows": rows,
            "columns": columns,
            "command": command,
            "viewer": secrets.token_hex(8),
        }
        if term:
            self._open["term"] = term

    @property
    def term(self) -> int:
        """Number of the terminal, once attached."""
        return self.at.term

    @staticmethod
    def action(name: str, value: object) -> bytes:
        """One action in one frame."""
        return masked(TEXT, json.dumps({name: value}, separators=(",", ":")).encode())

    def hello(self) -> bytes:
        return self.action("go:authenticate", {"auth": None, "location": self._location})

    def message(self, opcode: int, payload: bytes, output: int) -> bytes:
        if opcode == BINARY and payload[0] == self.restore:
            self.restored = payload[16:]
        if opcode != TEXT:
            return _control(opcode, payload)
        answer = b""
        for name, value in json.loads(payload).items():
            if name == "go:set_username" and not self.signed_in:
                self.signed_in = True
                if self._term is None:
                    self.ready = True
                else:
                    answer += self.action("terminal:new_terminal", self._open)
            elif name == "terminal:attached":
                self.at.term = int(value["term"])
                # Not the first ``attached`` of this line: what came before is not counted.
                self.at.start = int(value["offset"]) - output
                self.ready = True
            elif name == "go:pong":
                self.pongs += 1
            elif name in ("go:error", "go:reauthenticate", "terminal:term_exited"):
                raise Closed(f"{name}: {value!r}")
        return answer

    def _frame(self, kind: int, offset: int, payload: bytes = b"") -> bytes:
        head = bytes((kind, 0, 0, 0)) + self.at.term.to_bytes(4, "big") + offset.to_bytes(8, "big")
        return masked(BINARY, head + payload)

    def type(self, keys: bytes) -> bytes:
        frame = self._frame(2, self.at.typed, keys)
        self.at.typed += len(keys)
        return frame

    def drawn(self, total: int) -> bytes:
        if total - self.at.acknowledged < ACK_EVERY:
            return b""
        self.at.acknowledged = total
        return self._frame(3, self.at.start + total)

    def bye(self) -> bytes:
        # The terminal would outlive this connection.
        if self._term == 0 and self.at.term:
            return self.action("terminal:kill_terminal", self.at.term)
        return b""
