"""A keeper, a ring and a client in memory, for tests of the terminal application."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from gotwist.applications.terminal.keeping import Login
from gotwist.errors import NotFound
from gotwist.gateway import frames


class MemoryRing:
    """Output by slot; ``lowest`` is what has been overwritten."""

    def __init__(self) -> None:
        self.output: dict[int, bytearray] = {}
        self.lowest = 0

    def head(self, slot: int) -> int:
        return len(self.output.setdefault(slot, bytearray()))

    def tail(self, slot: int) -> int:
        return self.lowest

    def view(self, slot: int, start: int, end: int) -> tuple[memoryview, ...]:
        if start < self.lowest:
            raise IndexError("outside the ring")
        return (memoryview(bytes(self.output[slot][start:end])),)


@dataclass
class MemoryPort:
    """A client that remembers what it was sent."""

    is_writable: bool = True
    sent: list[tuple[str, object]] = field(default_factory=list)
    frames: list[tuple[int, int, int, bytes]] = field(default_factory=list)

    def send(self, action: str, value: object) -> None:
        self.sent.append((action, value))

    def send_frame(self, *buffers: bytes | memoryview) -> None:
        frame = frames.parse_frame(b"".join(bytes(buffer) for buffer in buffers))
        self.frames.append((frame.kind, frame.terminal, frame.offset, bytes(frame.payload)))

    def send_wire(self, *buffers: bytes | memoryview) -> None:
        whole = b"".join(bytes(buffer) for buffer in buffers)
        self.send_frame(whole[{126: 4, 127: 10}.get(whole[1], 2) :])

    def output(self) -> bytes:
        return b"".join(
            payload for kind, _, _, payload in self.frames if kind == frames.Kind.OUTPUT
        )

    def named(self, action: str) -> list[object]:
        return [value for name, value in self.sent if name == action]


@dataclass
class MemoryHeld:
    terminal: int
    slot: int
    label: str
    rows: int = 24
    columns: int = 80
    title: str = ""
    exited: tuple[int | None, int | None] | None = None


@dataclass
class MemoryBeginning:
    offset: int
    live: int
    reset: bool
    restore: bytes = b""
    resizes: Sequence[tuple[int, int, int]] = ()
    rows: int = 24
    columns: int = 80
    redraw: bool = False


class MemoryKeeper:
    """Holds terminals without any process; programs starting with ``no-`` do not exist."""

    epoch = 1

    def __init__(self) -> None:
        self.arena = MemoryRing()
        self.held: dict[int, MemoryHeld] = {}
        self.needs: list[tuple[int, int | None]] = []
        self.sizes: list[tuple[int, int, int]] = []
        self.typed: dict[tuple[int, int], bytearray] = {}
        self.logins: list[tuple[Login, dict[str, str]]] = []
        self.opened: list[tuple[tuple[str, ...], dict[str, str], str]] = []
        self.redrawn: list[int] = []

    async def login(
        self, login: Login, place: Mapping[str, str], rows: int, columns: int, label: str
    ) -> MemoryHeld:
        self.logins.append((login, dict(place)))
        return await self.open([login.command], place, "", rows, columns, label)

    async def open(
        self,
        argv: Sequence[str],
        env: Mapping[str, str],
        cwd: str,
        rows: int,
        columns: int,
        label: str,
    ) -> MemoryHeld:
        if argv[0].startswith("no-"):
            raise NotFound(f"{argv[0]} does not exist")
        terminal = len(self.opened) + 1
        self.opened.append((tuple(argv), dict(env), cwd))
        self.held[terminal] = MemoryHeld(terminal, terminal - 1, label, rows, columns)
        return self.held[terminal]

    async def list(self) -> list[MemoryHeld]:
        return list(self.held.values())

    async def adopt(self, terminal: int) -> None:
        return None

    async def attach(self, terminal: int, have: int | None) -> MemoryBeginning:
        held = self.held[terminal]
        head = self.arena.head(held.slot)
        if have is not None and self.arena.lowest <= have <= head:
            return MemoryBeginning(have, head, reset=False)
        return MemoryBeginning(self.arena.lowest, head, reset=True)

    async def resize(self, terminal: int, rows: int, columns: int) -> int:
        self.sizes.append((terminal, rows, columns))
        return self.arena.head(self.held[terminal].slot)

    async def redraw(self, terminal: int) -> None:
        self.redrawn.append(terminal)

    async def label(self, terminal: int, label: str) -> None:
        self.held[terminal].label = label

    async def close(self, terminal: int) -> None:
        self.held.pop(terminal, None)

    def need(self, terminal: int, offset: int | None) -> None:
        self.needs.append((terminal, offset))

    def type(self, terminal: int, viewer: int, offset: int, data: bytes) -> int:
        stream = self.typed.setdefault((terminal, viewer), bytearray())
        stream += data[len(stream) - offset :]
        return len(stream)

    def applied(self, terminal: int, viewer: int) -> int:
        return len(self.typed.get((terminal, viewer), b""))

    def print(self, terminal: int, data: bytes) -> int:
        """Pretend that a program printed; answers its slot."""
        slot = self.held[terminal].slot
        self.arena.output.setdefault(slot, bytearray()).extend(data)
        return slot
