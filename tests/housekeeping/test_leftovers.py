"""Tests of the removal of old files."""

from __future__ import annotations

import os

from twisted.trial.unittest import SynchronousTestCase

from gotwist.housekeeping.leftovers import (
    Removal,
    remove_old_session_directories,
    remove_old_user_logs,
)

NOW = 1_700_000_000.0
DAY = 86_400.0


class LeftoversTestCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.root = self.mktemp()
        os.mkdir(self.root)

    def path(self, *names: str) -> str:
        return os.path.join(self.root, *names)

    def file(self, *names: str, age_s: float) -> str:
        path = self.path(*names)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w"):
            pass
        os.utime(path, (NOW - age_s, NOW - age_s))
        return path

    def directory(self, name: str, age_s: float) -> str:
        path = self.path(name)
        os.makedirs(os.path.join(path, "downloads"))
        os.utime(path, (NOW - age_s, NOW - age_s))
        return path


class UserLogTests(LeftoversTestCase):
    def clean(self, max_age_s: float = 30 * DAY) -> Removal:
        return remove_old_user_logs(self.root, max_age_s=max_age_s, now=NOW)

    def test_old_and_new(self) -> None:
        """Logs that are too old go, at every depth; younger ones stay."""
        old = [
            self.file("alice", "logs", "a.golog", age_s=31 * DAY),
            self.file("alice", "logs", "2023", "b.log", age_s=31 * DAY),
            self.file("bob", "logs", "c.log", age_s=30 * DAY),
        ]
        new = self.file("alice", "logs", "d.golog", age_s=29 * DAY)
        self.assertEqual(Removal(3, 0), self.clean())
        self.assertEqual([False] * 3, [os.path.exists(path) for path in old])
        self.assertTrue(os.path.exists(new))

    def test_other_files(self) -> None:
        """Files that are no logs, and logs elsewhere, stay."""
        self.file("alice", "logs", "notes.txt", age_s=99 * DAY)
        self.file("alice", "work", "a.log", age_s=99 * DAY)
        self.file("a.log", age_s=99 * DAY)
        os.makedirs(self.path("alice", "logs", "old.log"))
        self.assertEqual(Removal(0, 0), self.clean())

    def test_for_ever(self) -> None:
        """An age of 0 keeps logs for ever."""
        self.file("alice", "logs", "a.log", age_s=9999 * DAY)
        self.assertEqual(Removal(0, 0), self.clean(0))

    def test_links(self) -> None:
        """No link is followed, wherever a user puts it."""
        outside = os.path.abspath(self.mktemp())
        os.makedirs(os.path.join(outside, "logs"))
        victim = os.path.join(outside, "logs", "victim.log")
        with open(victim, "w"):
            pass
        os.utime(victim, (0, 0))
        os.makedirs(self.path("alice", "logs"))
        os.makedirs(self.path("bob"))
        os.symlink(victim, self.path("alice", "logs", "a.log"))
        os.symlink(outside, self.path("alice", "logs", "directory"))
        os.symlink(os.path.join(outside, "logs"), self.path("bob", "logs"))
        os.symlink(outside, self.path("eve"))
        self.assertEqual(Removal(0, 0), self.clean())
        self.assertTrue(os.path.exists(victim))

    def test_odd_files(self) -> None:
        """A FIFO called like a log holds nobody and stays."""
        os.makedirs(self.path("alice", "logs"))
        os.mkfifo(self.path("alice", "logs", "a.log"))
        os.utime(self.path("alice", "logs", "a.log"), (0, 0))
        self.assertEqual(Removal(0, 0), self.clean())

    def test_very_deep(self) -> None:
        """A user who nests directories very deep does not keep others from being served."""
        self.file("alice", "logs", *["d"] * 10, "a.log", age_s=99 * DAY)
        self.file("alice", "logs", *["d"] * 40, "b.log", age_s=99 * DAY)
        self.file("bob", "logs", "c.log", age_s=99 * DAY)
        self.assertEqual(Removal(2, 0), self.clean())

    def test_missing_directory(self) -> None:
        """Without any users there is nothing to do."""
        removal = remove_old_user_logs(self.path("missing"), max_age_s=1, now=NOW)
        self.assertEqual(Removal(0, 0), removal)


class SessionDirectoryTests(LeftoversTestCase):
    def clean(self, *in_use: str) -> Removal:
        return remove_old_session_directories(
            self.root, in_use=lambda name: name in in_use, max_age_s=DAY, now=NOW
        )

    def test_old_and_new(self) -> None:
        """Directories of past sessions go when they are old."""
        old = self.directory("a" * 45, 2 * DAY)
        new = self.directory("b" * 45, DAY / 2)
        self.assertEqual(Removal(1, 0), self.clean())
        self.assertEqual((False, True), (os.path.exists(old), os.path.exists(new)))

    def test_in_use(self) -> None:
        """The directory of a session that lives stays, however old."""
        self.directory("a" * 45, 2 * DAY)
        self.assertEqual(Removal(0, 0), self.clean("a" * 45))

    def test_other_names(self) -> None:
        """What is not named like a session is not ours to remove."""
        for name in ("a" * 44, "a" * 46, "broadcast", "a" * 44 + "."):
            self.directory(name, 2 * DAY)
        self.file("f" * 45, age_s=2 * DAY)
        self.assertEqual(Removal(0, 0), self.clean())

    def test_links(self) -> None:
        """A link named like a session is not followed, nor are links inside of one."""
        outside = os.path.abspath(self.mktemp())
        os.mkdir(outside)
        os.symlink(outside, self.path("l" * 45))
        self.directory("a" * 45, 2 * DAY)
        os.symlink(outside, self.path("a" * 45, "downloads", "x"))
        os.utime(self.path("a" * 45), (0, 0))
        self.assertEqual(Removal(1, 0), self.clean())
        self.assertTrue(os.path.isdir(outside))
