"""Which limits were hit, how often, by whom: counted always, told once per source and minute."""

from __future__ import annotations

from collections import Counter
from typing import Final

QUIET_S: Final = 60.0
_MAX_SOURCES: Final = 1_024


class LimitNotices:
    """Counts hits and says which of them are worth a log line."""

    def __init__(self) -> None:
        self.hits: Counter[str] = Counter()
        """How often each limit was hit since the start."""
        self._told: dict[tuple[str, str], float] = {}

    def hit(self, limit: str, source: str, now: float) -> bool:
        """Count a hit; true when this source has not been told of within the last minute.

        With very many sources at once only the first ones are told of: the log must not
        become what the attack fills.
        """
        self.hits[limit] += 1
        key = limit, source
        if now - self._told.get(key, -QUIET_S) < QUIET_S:
            return False
        self._told.pop(key, None)
        while self._told and now - next(iter(self._told.values())) >= QUIET_S:
            del self._told[next(iter(self._told))]
        if len(self._told) >= _MAX_SOURCES:
            return False
        self._told[key] = now
        return True
