"""Monotonic timers for a loop of one thread."""

from __future__ import annotations

import heapq
import time
from collections.abc import Callable


class Timers:
    """Calls that are due at a time.  A call that is no longer wanted checks that itself."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Callable[[], None]]] = []
        self._count = 0

    def after(self, delay_s: float, call: Callable[[], None]) -> None:
        """Call once, ``delay_s`` seconds from now."""
        self._count += 1
        heapq.heappush(self._heap, (time.monotonic() + delay_s, self._count, call))

    def wait_s(self) -> float:
        """Tell how long the loop may sleep; negative: for ever."""
        if not self._heap:
            return -1.0
        return max(0.0, self._heap[0][0] - time.monotonic())

    def run(self) -> None:
        """Call what is due."""
        heap = self._heap
        while heap and heap[0][0] <= time.monotonic():
            heapq.heappop(heap)[2]()
