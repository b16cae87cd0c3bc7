"""Tests of the watcher of settings files."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TypeVar, cast

from twisted.internet.defer import Deferred, ensureDeferred, fail, succeed
from twisted.logger import ILogObserver, LogEvent, LogLevel, globalLogPublisher
from twisted.trial.unittest import SynchronousTestCase

from gotwist.errors import Unavailable
from gotwist.settings.disk import read_settings_files
from gotwist.settings.service import SettingsWatcher
from gotwist.settings.snapshot import Snapshot
from gotwist.settings.source import SettingsSource
from tests.settings.helpers import makings

T = TypeVar("T")


class Threads:
    """Calls at once, or when told to."""

    def __init__(self) -> None:
        self.waiting: list[Callable[[], None]] | None = None
        self.calls = 0
        self.refusals: set[int] = set()

    def run(self, function: Callable[[], T], /) -> Deferred[T]:
        self.calls += 1
        if self.calls in self.refusals:
            return fail(Unavailable("too many open files"))
        if self.waiting is None:
            return succeed(function())
        result: Deferred[T] = Deferred()
        self.waiting.append(lambda: result.callback(function()))
        return result


class WatcherTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.directory = self.mktemp()
        os.mkdir(self.directory, 0o700)
        self.write('{"*": {"gotwist": {"origins": ["a"]}}}')
        self.source = SettingsSource(read_settings_files(self.directory), makings())
        self.threads = Threads()
        self.watcher = SettingsWatcher(self.source, self.directory, self.threads.run)
        self.told: list[Snapshot] = []
        self.source.subscribe(lambda old, new: self.told.append(new))
        self.events: list[LogEvent] = []
        observer = cast(ILogObserver, self.events.append)
        globalLogPublisher.addObserver(observer)
        self.addCleanup(globalLogPublisher.removeObserver, observer)

    def write(self, text: str, name: str = "1.conf") -> None:
        path = os.path.join(self.directory, name)
        with open(os.open(path + "~", os.O_WRONLY | os.O_CREAT, 0o600), "w") as file:
            file.write(text)
        os.rename(path + "~", path)

    def check(self) -> None:
        self.successResultOf(ensureDeferred(self.watcher.check()))

    def logged(self, level: LogLevel) -> list[LogEvent]:
        return [event for event in self.events if event["log_level"] is level]

    def test_change(self) -> None:
        """A changed file is in force after the next check, and nothing else is done twice."""
        self.check()
        self.write('{"*": {"gotwist": {"origins": ["b"]}}}')
        self.check()
        self.assertEqual(("b",), self.source.current["origins"])
        calls = self.threads.calls
        self.check()
        self.assertEqual(calls + 1, self.threads.calls)
        self.assertEqual(1, len(self.told))

    def test_new_file(self) -> None:
        """A new file counts like a changed one."""
        self.check()
        self.write('{"*": {"gotwist": {"debug": true}}}', "2.conf")
        self.check()
        self.assertIs(True, self.source.current["debug"])

    def test_bad_file(self) -> None:
        """A bad file changes nothing and is told once, and so is its recovery."""
        self.check()
        self.write('{"*": {"gotwist": {"origins": ["b"],}}}')
        for _ in range(3):
            self.check()
        self.assertEqual(("a",), self.source.current["origins"])
        errors = self.logged(LogLevel.error)
        self.assertEqual(1, len(errors))
        self.assertIn("1.conf:1:36: trailing comma", errors[0]["reason"])
        self.write('{"*": {"gotwist": {"origins": ["c"]}}}')
        self.check()
        self.assertEqual(("c",), self.source.current["origins"])
        self.assertTrue(any("good again" in e["log_format"] for e in self.logged(LogLevel.info)))

    def test_open_to_others(self) -> None:
        """A file that others may write is not put in force, until it is closed again."""
        self.check()
        self.write('{"*": {"gotwist": {"origins": ["b"]}}}')
        os.chmod(os.path.join(self.directory, "1.conf"), 0o606)
        self.check()
        self.assertEqual(("a",), self.source.current["origins"])
        os.chmod(os.path.join(self.directory, "1.conf"), 0o600)
        self.check()
        self.assertEqual(("b",), self.source.current["origins"])

    def test_unreadable_for_a_while(self) -> None:
        """Files that could not be read are read again, changed or not; it is told once."""
        self.check()
        self.write('{"*": {"gotwist": {"origins": ["b"]}}}')
        for number in range(2):
            self.threads.refusals = {self.threads.calls + 2}
            self.check()
            self.assertEqual(("a",), self.source.current["origins"], number)
        self.assertEqual(1, len(self.logged(LogLevel.error)))
        self.check()
        self.assertEqual(("b",), self.source.current["origins"])

    def test_all_files_gone(self) -> None:
        """When all files vanish the old settings stay, instead of the defaults."""
        self.check()
        os.unlink(os.path.join(self.directory, "1.conf"))
        self.check()
        self.assertEqual(("a",), self.source.current["origins"])
        self.assertEqual(1, len(self.logged(LogLevel.error)))

    def test_next_start(self) -> None:
        """What waits for the next start is told."""
        self.check()
        self.write('{"*": {"gotwist": {"port": 1, "origins": ["a"]}}}')
        self.check()
        self.assertEqual(["gotwist.port"], [e["options"] for e in self.logged(LogLevel.warn)])

    def test_one_at_a_time(self) -> None:
        """A check waits for one that is reading, so that older settings never come last."""
        self.check()
        waiting: list[Callable[[], None]] = []
        self.threads.waiting = waiting
        first = ensureDeferred(self.watcher.check())
        second = ensureDeferred(self.watcher.check())
        self.assertEqual(1, len(waiting))
        waiting.pop()()
        self.successResultOf(first)
        waiting.pop()()
        self.successResultOf(second)

    def test_failing_subscriber(self) -> None:
        """A subscriber that fails is told in the log, and the next change is noticed."""

        def refuse(old: Snapshot, new: Snapshot) -> None:
            raise RuntimeError("no")

        self.source.subscribe(refuse)
        self.check()
        self.write('{"*": {"gotwist": {"origins": ["b"]}}}')
        self.check()
        self.assertEqual(1, len(self.logged(LogLevel.error)))
        self.assertEqual(("b",), self.source.current["origins"])
