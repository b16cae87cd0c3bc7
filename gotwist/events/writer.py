"""Lines for a disk that may be slow or full: written by a thread of their own, dropped and
counted when it does not keep up, never waited for."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Sequence
from typing import Protocol

#: Lines that may wait; a second's worth of a flood, a few megabytes.
MAX_WAITING = 10_000
_BATCH = 500


class Sink(Protocol):
    """Where lines go; called in the writer's thread only, and may block there."""

    def write(self, lines: Sequence[bytes]) -> None:
        """Keep all of these lines; raises ``OSError`` when they could not be kept."""

    def close(self) -> None: ...


class LineWriter:
    """Hands lines to sinks, in their order.

    A sink that fails costs the lines of that batch there, and nothing else: each sink is told
    how many it has lost as soon as it takes lines again.

    :param lost_line: makes the line that tells of lost ones, of their number and the reason.
    :param on_trouble: called in the writer's thread with a reason when a sink begins to fail,
        and with None when it works again.
    """

    def __init__(
        self,
        sinks: Sequence[Sink],
        lost_line: Callable[[int, str], bytes],
        on_trouble: Callable[[str | None], object],
        max_waiting: int = MAX_WAITING,
    ) -> None:
        self._ends = [_End(sink, lost_line, on_trouble) for sink in sinks]
        self._max_waiting = max_waiting
        self._waiting: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        # Each of these two is changed by one thread only: by who puts, and by who writes.
        self._overflow = 0
        self._overflow_seen = 0
        self._thread: threading.Thread | None = None

    @property
    def waiting(self) -> int:
        """How many lines wait to be written."""
        return self._waiting.qsize()

    @property
    def lost(self) -> int:
        """How many lines were lost so far, in the worst place."""
        return max((end.lost for end in self._ends), default=0)

    def put(self, line: bytes) -> bool:
        """Have a line written soon; False when too many wait, and it is dropped."""
        if self._waiting.qsize() >= self._max_waiting:
            self._overflow += 1
            return False
        self._waiting.put(line)
        return True

    def start(self) -> None:
        """Begin to write; what was put before is not lost."""
        if self._thread is None:
            # As a daemon thread: a disk that hangs must not keep the process from ending.
            self._thread = threading.Thread(target=self._run, name="gotwist-audit", daemon=True)
            self._thread.start()

    def stop(self, done: Callable[[], object]) -> None:
        """Write what waits, close the sinks, and call ``done`` in the writer's thread."""
        if self._thread is None:
            self.start()
        self._done = done
        self._waiting.put(None)

    def _run(self) -> None:
        ends = False
        while not ends:
            lines = self._take()
            ends = lines[-1] is None
            wanted = [line for line in lines if line is not None]
            overflow = self._overflow
            for end in self._ends:
                end.write(wanted, overflow - self._overflow_seen)
            self._overflow_seen = overflow
        for end in self._ends:
            end.close()
        self._done()

    def _take(self) -> list[bytes | None]:
        lines = [self._waiting.get()]
        while lines[-1] is not None and len(lines) < _BATCH:
            try:
                lines.append(self._waiting.get_nowait())
            except queue.Empty:
                break
        return lines


class _End:
    """One sink, and what it has lost."""

    def __init__(
        self,
        sink: Sink,
        lost_line: Callable[[int, str], bytes],
        on_trouble: Callable[[str | None], object],
    ) -> None:
        self._sink = sink
        self._lost_line = lost_line
        self._on_trouble = on_trouble
        self._untold = 0
        self._reason = ""
        self._is_failing = False
        self.lost = 0

    def write(self, lines: Sequence[bytes], overflow: int) -> None:
        if overflow:
            self._lose(overflow, "too many lines at once")
        if not lines and not self._untold:
            return
        first = [self._lost_line(self._untold, self._reason)] if self._untold else []
        try:
            self._sink.write([*first, *lines])
        except Exception as problem:
            reason = getattr(problem, "strerror", None) or type(problem).__name__
            self._lose(len(lines), str(reason))
            if not self._is_failing:
                self._is_failing = True
                self._on_trouble(str(reason))
            return
        self._untold = 0
        if self._is_failing:
            self._is_failing = False
            self._on_trouble(None)

    def _lose(self, lines: int, reason: str) -> None:
        self._untold += lines
        self.lost += lines
        self._reason = reason

    def close(self) -> None:
        try:
            self._sink.close()
        except OSError as problem:
            self._on_trouble(problem.strerror or "error at close")
