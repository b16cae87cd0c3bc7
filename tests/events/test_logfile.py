"""Tests of the audit log's file, on a real disk."""

from __future__ import annotations

import os
import resource
import signal
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from gotwist.events.logfile import LogFile

ROOT = Path(__file__).resolve().parents[2]


class LogFileTests(SynchronousTestCase):
    def setUp(self) -> None:
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.directory = Path(directory.name)
        self.path = self.directory / "audit.log"

    def file(self, max_bytes: int = 0, backups: int = 0) -> LogFile:
        file = LogFile(str(self.path), max_bytes=max_bytes, backups=backups)
        self.addCleanup(file.close)
        return file

    def names(self) -> list[str]:
        return sorted(os.listdir(self.directory))

    def test_private(self) -> None:
        """The file is its owner's alone, whatever the umask."""
        before = os.umask(0)
        self.addCleanup(os.umask, before)
        self.file().write([b"one\n", b"two\n"])
        self.assertEqual(b"one\ntwo\n", self.path.read_bytes())
        self.assertEqual(0o600, stat.S_IMODE(self.path.stat().st_mode))

    def test_appends(self) -> None:
        """What is there stays; a mode that lets a group read stays as well."""
        self.path.write_bytes(b"old\n")
        self.path.chmod(0o640)
        self.file().write([b"new\n"])
        self.assertEqual(b"old\nnew\n", self.path.read_bytes())
        self.assertEqual(0o640, stat.S_IMODE(self.path.stat().st_mode))

    def test_refused(self) -> None:
        """A link, a pipe, a device and a file that others may write are refused."""
        self.path.symlink_to(self.directory / "elsewhere")
        self.assertRaises(OSError, self.file().open)
        self.path.unlink()
        os.mkfifo(self.path)
        reader = os.open(self.path, os.O_RDONLY | os.O_NONBLOCK)
        self.addCleanup(os.close, reader)
        self.assertRaises(OSError, self.file().open)
        self.path.unlink()
        self.path.write_bytes(b"")
        self.path.chmod(0o666)
        self.assertRaises(OSError, self.file().open)
        self.assertRaises(OSError, LogFile("/dev/full").open)
        self.assertEqual(["audit.log"], self.names())

    def test_moved_away(self) -> None:
        """A file that logrotate has renamed or removed is begun anew without being told."""
        file = self.file()
        file.write([b"one\n"])
        self.path.rename(self.directory / "audit.log.old")
        file.write([b"two\n"])
        self.path.unlink()
        file.write([b"three\n"])
        self.assertEqual(b"one\n", (self.directory / "audit.log.old").read_bytes())
        self.assertEqual(b"three\n", self.path.read_bytes())

    def test_truncated(self) -> None:
        """A file that was copied and cut to nothing is appended to from its beginning."""
        file = self.file()
        file.write([b"one\n"])
        os.truncate(self.path, 0)
        file.write([b"two\n"])
        self.assertEqual(b"two\n", self.path.read_bytes())

    def test_rotation(self) -> None:
        """Above its size the file is renamed, and only so many are kept; none is cut in a line."""
        file = self.file(max_bytes=100, backups=2)
        for number in range(20):
            file.write([b"line %02d ..............\n" % number])
        self.assertEqual(["audit.log", "audit.log.1", "audit.log.2"], self.names())
        kept = b"".join(
            (self.directory / name).read_bytes()
            for name in ("audit.log.2", "audit.log.1", "audit.log")
        ).splitlines()
        self.assertEqual([b"line %02d .............." % n for n in range(20 - len(kept), 20)], kept)
        for name in self.names():
            self.assertLessEqual((self.directory / name).stat().st_size, 100)
            self.assertEqual(0o600, stat.S_IMODE((self.directory / name).stat().st_mode))

    def test_rotation_without_backups(self) -> None:
        """Where none is kept, the file begins anew."""
        file = self.file(max_bytes=10)
        file.write([b"12345678\n"])
        file.write([b"abcdefgh\n"])
        self.assertEqual(b"abcdefgh\n", self.path.read_bytes())
        self.assertEqual(["audit.log"], self.names())

    def test_torn(self) -> None:
        """A line that the disk took only half of is closed, and the next one is whole."""
        # In a process of its own: the limit stands for a full disk, and is for all its files.
        program = (
            "import resource, signal, sys\n"
            "from gotwist.events.logfile import LogFile\n"
            "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
            "file = LogFile(sys.argv[1])\n"
            "file.write([b'first\\n'])\n"
            "resource.setrlimit(resource.RLIMIT_FSIZE, (10, resource.RLIM_INFINITY))\n"
            "try:\n file.write([b'second\\n'])\n"
            "except OSError as problem:\n print(problem.strerror)\n"
            "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, resource.RLIM_INFINITY))\n"
            "file.write([b'third\\n'])\n"
        )
        self.assertTrue(resource.RLIM_INFINITY and signal.SIGXFSZ)
        told = subprocess.run(
            [sys.executable, "-c", program, str(self.path)],
            env={"PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=True,
        )
        self.assertEqual("File too large\n", told.stdout)
        self.assertEqual(b"first\nseco\nthird\n", self.path.read_bytes())
