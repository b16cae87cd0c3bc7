"""What has been used once, on disk as well: a restart must not make it good again.

A line for each mark: until when it counts, in seconds since 1970, and the mark.  Lines are only
added; the file is written anew when most of them no longer count.
"""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from typing import Protocol

from gotwist.auth.replays import MemoryReplays

_LINE = re.compile(r"([0-9]{1,12}) ([!-~]{1,256})")


class InThread(Protocol):
    """Calls a blocking function in a thread."""

    def __call__(self, function: Callable[[], None], /) -> Awaitable[None]: ...


class FileReplays:
    """Remembers beyond the life of the daemon.

    A mark is in the file before anybody is let in by what it stands for.  A disk that fails
    refuses nobody: then memory alone remembers, and the operator is told.

    :param memory: what counts while the daemon runs.
    :param wall_now: seconds since 1970.
    :param tell: hears of a disk that fails.
    :param max_added: lines after which the file is written anew.
    """

    def __init__(
        self,
        path: Path,
        memory: MemoryReplays,
        wall_now: Callable[[], float],
        in_thread: InThread,
        tell: Callable[[OSError], None],
        max_added: int = 10_000,
    ) -> None:
        self._path = path
        self._memory = memory
        self._wall_now = wall_now
        self._in_thread = in_thread
        self._tell = tell
        self._max_added = max_added
        self._added = 0
        self._lock = threading.Lock()

    def load(self) -> None:
        """Take up what the daemon before this one remembered; blocks, before the reactor runs."""
        try:
            text = self._path.read_text("ascii", "replace")
        except FileNotFoundError:
            return
        except OSError as problem:
            self._tell(problem)
            return
        now = self._wall_now()
        for line in text.splitlines():
            # The last one may be torn, and then nobody was let in by it.
            match = _LINE.fullmatch(line)
            if match is not None and int(match[1]) > now:
                self._memory.note(match[2], int(match[1]) - now)
        self._keep(lambda: self._replace(self._lines()))

    async def remember(self, mark: str, ttl_s: float) -> bool:
        """See :class:`~gotwist.auth.replays.Replays`."""
        if not await self._memory.remember(mark, ttl_s):
            return False
        self._added += 1
        if self._added > self._max_added:
            self._added = 0
            lines = self._lines()
            await self._in_thread(lambda: self._keep(lambda: self._replace(lines)))
        else:
            line = self._line(mark, ttl_s)
            await self._in_thread(lambda: self._keep(lambda: self._add(line)))
        return True

    def _lines(self) -> list[str]:
        return [self._line(mark, left_s) for mark, left_s in self._memory.marks()]

    def _line(self, mark: str, left_s: float) -> str:
        return f"{int(self._wall_now() + left_s) + 1} {mark}\n"

    # In a thread, one after the other.  Without fsync: what has been written outlives the
    # daemon, and a machine takes longer to come back than anything here counts.

    def _keep(self, write: Callable[[], None]) -> None:
        with self._lock:
            try:
                write()
            except OSError as problem:
                self._tell(problem)

    def _add(self, line: str) -> None:
        self._write(self._path, os.O_APPEND, [line])

    def _replace(self, lines: Iterable[str]) -> None:
        fresh = self._path.with_name(f".{self._path.name}.new")
        self._write(fresh, os.O_TRUNC, lines)
        os.replace(fresh, self._path)

    def _write(self, path: Path, how: int, lines: Iterable[str]) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC | how
        with open(os.open(path, flags, 0o600), "w", encoding="ascii") as file:
            file.write("".join(lines))
