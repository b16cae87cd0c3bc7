"""The watcher: notices changed settings files and puts them in force, or logs why not."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol, TypeVar

from twisted.internet.defer import DeferredLock
from twisted.logger import Logger

from gotwist.errors import GotwistError
from gotwist.settings.disk import (
    Fingerprint,
    changed_names,
    fingerprint_of,
    read_settings_files,
)
from gotwist.settings.error import SettingsError
from gotwist.settings.source import SettingsSource

T = TypeVar("T")


class InThread(Protocol):
    """Calls a blocking function in a thread of a private pool."""

    def __call__(self, function: Callable[[], T], /) -> Awaitable[T]: ...


class News(Protocol):
    """Who hears of changed settings beside the log."""

    def reloaded(self, files: Sequence[str], options: Sequence[str]) -> None:
        """These files have changed, and these options with them."""

    def refused(self, problem: SettingsError) -> None:
        """What the files say now is wrong and not in force."""


class SettingsWatcher:
    """Compares the settings directory with what it last saw; :meth:`check` is a chore."""

    log = Logger()

    def __init__(
        self,
        source: SettingsSource,
        directory: str,
        in_thread: InThread,
        news: News | None = None,
        seen: Fingerprint | None = None,
    ) -> None:
        self._news = news
        self._source = source
        self._directory = directory
        self._in_thread = in_thread
        self._seen = seen
        self._trouble: str | None = None
        # A reload asked for by hand must not overtake one that is reading.
        self._lock = DeferredLock()

    async def check(self) -> None:
        """Reload the settings if a file has changed; never raises for a bad file.

        One error is logged per change of state: a file that stays bad is not told again.
        """
        await self._lock.acquire()
        try:
            await self._check()
        except SettingsError as problem:
            if self._news is not None:
                self._news.refused(problem)
            self._tell(problem.message)
        except GotwistError as problem:
            # Not what the files say, but that they could not be read: try again.
            self._seen = None
            self._tell(problem.message)
        finally:
            self._lock.release()

    async def _check(self) -> None:
        directory = self._directory
        now = await self._in_thread(lambda: fingerprint_of(directory))
        if now == self._seen:
            return
        names = changed_names(self._seen, now)
        # Taken before reading: what changes while we read differs from it at the next check.
        self._seen = now
        files = await self._in_thread(lambda: read_settings_files(directory))
        if not files:
            self._tell(f"{directory}: no settings files are left; the old settings stay in force")
            return
        try:
            changed = self._source.reload(files)
        except ExceptionGroup as group:
            for problem in group.exceptions:
                self.log.error(
                    "new settings are in force, but not everywhere: {problem!r}", problem=problem
                )
            if self._news is not None:
                self._news.reloaded(names, ())
            return
        self._tell(None)
        if changed and self._news is not None:
            self._news.reloaded(names, changed)
        if changed:
            self.log.info("new settings in force: {options}", options=", ".join(changed))
        waiting = self._source.restart_needed_for(changed)
        if waiting:
            self.log.warn("takes effect at the next start: {options}", options=", ".join(waiting))

    def _tell(self, trouble: str | None) -> None:
        if trouble == self._trouble:
            return
        if trouble is not None:
            self.log.error("settings not changed: {reason}", reason=trouble)
        else:
            self.log.info("the settings files are good again")
        self._trouble = trouble
