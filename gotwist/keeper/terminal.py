"""One terminal of the keeper: its ring, where a viewer may begin, and the brakes on reading."""

from __future__ import annotations

import os
import time

from gotwist.keeper.arena import OPENING, SLACK, Ring
from gotwist.keeper.guard import Guard
from gotwist.keeper.modes import CHANGES_MODES, Modes

DRAIN_BYTES = 65_536
DRAIN_NS = 1_000_000
# A first read this small is an echo or a prompt: asking again only costs time.
SMALL_READ = 512
FLOODING = 4_096
# So much without a pause makes a flood of it, and so long is a pause.
BURST = 32_768
PAUSE_NS = 5_000_000
BELL_BYTES = 131_072
SCAN_BYTES = 65_536
HIGH = 524_288
PRELUDE = 65_536
MAX_RESIZES = 64

# The brakes.  A terminal is read while its set of reasons is empty.
WINDOW = 1
HOLD = 2
SILENT = 4
CLOSED = 8


class Start:
    """Where a viewer begins, and what it must be told first."""

    __slots__ = ("columns", "offset", "redraw", "reset", "resizes", "restore", "rows")

    def __init__(self, offset: int, reset: bool, restore: bytes, redraw: bool) -> None:
        self.offset = offset
        self.reset = reset
        self.restore = restore
        self.redraw = redraw
        self.resizes: list[tuple[int, int, int]] = []
        self.rows = 0
        self.columns = 0


class Checkpoint:
    """A safe point in the output and what restores the modes there."""

    __slots__ = ("alternate", "offset", "restore")

    def __init__(self, offset: int, restore: bytes, alternate: bool) -> None:
        self.offset = offset
        self.restore = restore
        self.alternate = alternate


class Terminal:
    """Everything the keeper knows of one terminal; it does no bookkeeping of others."""

    __slots__ = (
        "_checkpoints", "_made_modes", "_prelude", "_quarter", "_resizes", "_scanned", "bell",
        "burst", "closing", "columns", "created", "drained", "drained_ns", "exited", "exited_at",
        "grace_runs", "guard", "head", "id", "label", "master", "need", "owner", "pid", "reasons",
        "ring", "rows", "rung", "session", "slot", "title_sent", "unwatched_since", "watchers",
    )  # fmt: skip

    def __init__(
        self, number: int, slot: int, pid: int, master: int, ring: Ring, rows: int, columns: int
    ) -> None:
        self.id = number
        self.slot = slot
        self.pid = pid
        # The process whose session this is; 0: not known yet.
        self.session = pid
        # The program above this terminal, which outlives its program; None: there is none.
        self.guard: Guard | None = None
        self.master = master
        self.ring = ring
        self.rows = rows
        self.columns = columns
        self.bell = slot.to_bytes(4, "little")
        self.label = ""
        self.created = time.time()
        self.exited: tuple[int | None, int | None] | None = None
        self.exited_at = 0.0
        # Monotonic second at which a closing terminal is killed; 0: it is not closing.
        self.closing = 0.0
        # The connection this terminal ends with, when it was not asked to persist.
        self.owner: object = None
        # Who hears bell and events, with the offset each has drawn up to (None: nobody looks).
        self.watchers: dict[object, int | None] = {}
        # What all viewers have drawn; None: read freely into the ring.
        self.need: int | None = 0
        self.unwatched_since = 0.0
        self.grace_runs = False
        self.reasons = 0
        self.head = 0
        self.drained = 0
        self.drained_ns = 0
        # Bytes since the last pause.
        self.burst = 0
        # Where the head stood when the bell rang last.
        self.rung = 0
        self.title_sent = ""
        # Made for the first control sequence.
        self._made_modes: Modes | None = None
        self._scanned = 0
        self._quarter = ring.size // 4
        self._checkpoints: tuple[Checkpoint, ...] = ()
        self._prelude = b""
        self._resizes = [(0, rows, columns)]

    def drain(self, key_time: memoryview, seen: int, once: bool) -> bool:
        """Read what is there into the ring, within limits; tell whether the line is dead.

        Stops early when a key is pressed anywhere (``key_time`` moves away from ``seen``).
        The caller publishes ``head`` afterwards.
        """
        view = self.ring.view
        opening = self.ring.opening if self.head < OPENING else None
        size = self.ring.size
        at = self.head % size
        total = 0
        dead = False
        readv = os.readv
        now = time.monotonic_ns
        start = now()
        limit = DRAIN_BYTES
        while True:
            try:
                if opening is None:
                    count = readv(self.master, (view[at : min(size, at + limit - total)],))
                else:
                    count = readv(self.master, (opening[at:], view[OPENING:limit]))
            except BlockingIOError:
                break
            except OSError:
                # EIO: nobody holds the other side any more.
                dead = True
                break
            if not count:
                dead = True
                break
            total += count
            at += count
            if at == size:
                at = 0
            elif opening is not None and at >= OPENING:
                opening = None
            if once or total >= limit or now() - start > DRAIN_NS:
                break
            if count < SMALL_READ and self.burst < BURST:
                break
            if key_time[0] != seen:
                break
        if start - self.drained_ns > PAUSE_NS:
            self.burst = 0
        self.burst += total
        self.head += total
        self.drained = total
        self.drained_ns = now()
        return dead

    @property
    def is_full(self) -> bool:
        """Tell whether the viewers are a whole window behind."""
        return self.need is not None and self.head - self.need >= min(HIGH, self.ring.size // 2)

    @property
    def is_flooding(self) -> bool:
        """Tell whether more comes than a person reads."""
        return self.drained >= FLOODING or self.burst >= BURST

    @property
    def is_trickling(self) -> bool:
        """Tell whether a flood comes in small pieces, which cost more to read than they bring."""
        return self.burst >= BURST and self.drained < FLOODING

    @property
    def may_wait(self) -> bool:
        """Tell whether viewers lose nothing when they hear of the newest output a bit later.

        In a long flood each bell costs them more than it tells.
        """
        return self.burst >= BURST and self.head - self.rung < BELL_BYTES and not self.is_full

    def update_need(self) -> bool:
        """Take the slowest watcher's offset over; tell whether anybody watches."""
        needs = [need for need in self.watchers.values() if need is not None]
        if needs:
            self.need = min(needs)
        return bool(needs)

    @property
    def tail(self) -> int:
        """The first offset a reader may still use."""
        return max(0, self.head - self.ring.size + SLACK)

    @property
    def must_scan(self) -> bool:
        """Tell whether enough unscanned output has gathered."""
        return self.head - self._scanned >= SCAN_BYTES

    @property
    def title(self) -> str:
        """The title the program has set, clean."""
        return self._made_modes.title if self._made_modes is not None else ""

    @property
    def _modes(self) -> Modes:
        if self._made_modes is None:
            self._made_modes = Modes()
        return self._made_modes

    def scan(self) -> None:
        """Follow modes and title up to the head; set a checkpoint when one is due."""
        last = self._checkpoints[-1].offset if self._checkpoints else 0
        start = self._scanned
        data = self.ring.copy(start, self.head)
        if self.head - last >= self._quarter:
            line_end = data.rfind(b"\n") + 1
            used = self._feed(data[:line_end] if line_end else data, start)
            offset = start + used
            if self._modes.is_safe and (not line_end or used == line_end):
                self._checkpoint(offset - (0 if line_end else _cut_character(data[:used])))
            self._feed(data[used:], offset)
        else:
            self._feed(data, start)

    def _feed(self, data: bytes, start: int) -> int:
        if self._made_modes is None and not any(byte in data for byte in CHANGES_MODES):
            self._scanned = start + len(data)
            return len(data)
        was_main = not self._modes.alternate
        used = self._modes.feed(data)
        self._scanned = start + used
        if self._modes.entered_at >= 0 and self._modes.alternate:
            self._keep_prelude(start + self._modes.entered_at)
        elif not self._modes.alternate and not was_main:
            self._prelude = b""
        return used

    def _keep_prelude(self, end: int) -> None:
        """Keep the main screen's last output, for when the ring has moved past it."""
        oldest = max(self.tail, end - PRELUDE)
        data = self.ring.copy(oldest, end)
        # From the start of a line, unless it is from the very start.
        self._prelude = data[data.find(b"\n") + 1 :] if oldest else data

    def _checkpoint(self, offset: int) -> None:
        restore = self._modes.restore()
        points = [*self._checkpoints, Checkpoint(offset, restore, bool(self._modes.alternate))]
        while len(points) > 1 and points[0].offset < self.tail:
            del points[0]
        self._checkpoints = tuple(points)

    def begin(self, have: int | None) -> Start:
        """Choose where a viewer begins that has drawn up to ``have`` (``None``: nothing)."""
        self.scan()
        tail = self.tail
        if have is not None and tail <= have <= self.head:
            start = Start(have, False, b"", False)
        elif tail == 0:
            start = Start(0, True, b"", False)
        else:
            start = self._begin_inside(tail)
        self._tell_sizes(start)
        return start

    def _begin_inside(self, tail: int) -> Start:
        for point in self._checkpoints:
            if point.offset >= tail:
                if not point.alternate:
                    return Start(point.offset, True, point.restore, False)
                return Start(point.offset, True, self._prelude + b"\x1b[m" + point.restore, True)
        # No safe point for a whole ring: begin now, with the modes as they are.
        return Start(self._scanned, True, self._modes.restore(), True)

    def _tell_sizes(self, start: Start) -> None:
        start.rows, start.columns = self.rows, self.columns
        start.resizes = [item for item in self._resizes if item[0] > start.offset]
        if not start.reset:
            start.resizes = [item for item in self._resizes[1:] if item[0] >= start.offset]
        if start.resizes:
            before = [item for item in self._resizes if item[0] <= start.offset]
            _, start.rows, start.columns = (before or self._resizes)[-1 if before else 0]

    def resized(self, rows: int, columns: int) -> None:
        """Remember a new size from here on."""
        self.rows, self.columns = rows, columns
        if self._resizes[-1][0] == self.head:
            self._resizes.pop()
        self._resizes.append((self.head, rows, columns))
        while len(self._resizes) > 1 and (
            len(self._resizes) > MAX_RESIZES or self._resizes[1][0] <= self.tail
        ):
            del self._resizes[0]


def _cut_character(data: bytes) -> int:
    """Count the bytes of an unfinished UTF-8 character at the end."""
    for back in range(1, min(4, len(data)) + 1):
        byte = data[-back]
        if byte >= 0xC0:
            length = 2 if byte < 0xE0 else 3 if byte < 0xF0 else 4
            return back if length > back else 0
        if byte < 0x80:
            return 0
    return 0
