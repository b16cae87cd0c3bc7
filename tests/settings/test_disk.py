"""Tests of the settings directory."""

from __future__ import annotations

import errno
import os
import resource
import stat

from twisted.trial.unittest import SynchronousTestCase

from gotwist.errors import Unavailable
from gotwist.settings.disk import (
    MAX_FILES,
    check_writers,
    fingerprint_of,
    read_settings_files,
    write_new_file,
    write_new_files,
)
from gotwist.settings.error import SettingsError


class DiskTestCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.directory = self.mktemp()
        os.mkdir(self.directory, 0o700)

    def path(self, name: str) -> str:
        return os.path.join(self.directory, name)

    def write(self, name: str, content: bytes = b"{}", mode: int = 0o600) -> str:
        path = self.path(name)
        with open(path, "wb") as file:
            file.write(content)
        os.chmod(path, mode)
        return path


class ReadTests(DiskTestCase):
    def names(self) -> list[str]:
        return [os.path.basename(file.path) for file in read_settings_files(self.directory)]

    def test_order(self) -> None:
        """Files ending in .conf are read in alphanumeric order, all else is ignored."""
        for name in ("50b.conf", "10a.conf", "99z.conf", "a.conf~", "README", ".1.conf"):
            self.write(name)
        self.assertEqual(["10a.conf", "50b.conf", "99z.conf"], self.names())

    def test_missing_directory(self) -> None:
        """A directory that does not exist holds no files."""
        self.assertEqual((), read_settings_files(self.path("missing")))

    def test_encoding(self) -> None:
        """Files are UTF-8, with or without a byte order mark."""
        self.write("1.conf", '\ufeff{"a": "ü"}'.encode())
        self.assertEqual('{"a": "ü"}', read_settings_files(self.directory)[0].text)
        self.write("2.conf", b'{"a":\n "\xfc"}')
        error = self.assertRaises(SettingsError, read_settings_files, self.directory)
        self.assertIn("2.conf:2:3: not UTF-8", str(error))

    def test_writable_by_others(self) -> None:
        """Settings that others may write are refused, with the command that mends it."""
        path = self.write("1.conf", mode=0o602)
        error = self.assertRaises(Unavailable, read_settings_files, self.directory)
        self.assertIn(f"chmod go-w {path}", str(error))
        os.chmod(path, 0o644)
        self.assertEqual(["1.conf"], self.names())
        os.chmod(self.directory, 0o777)
        self.assertRaises(Unavailable, read_settings_files, self.directory)

    def test_owners(self) -> None:
        """Settings belong to root or the daemon's user; groups of others may not write them."""

        def owned(uid: int, gid: int, mode: int) -> os.stat_result:
            return os.stat_result((stat.S_IFREG | mode, 0, 0, 1, uid, gid, 0, 0, 0, 0))

        for good in (owned(0, 0, 0o644), owned(1000, 1000, 0o664), owned(1000, 50, 0o640)):
            check_writers("x", good, uid=1000, gid=1000)
        for bad in (owned(1001, 1000, 0o600), owned(0, 0, 0o664), owned(1000, 50, 0o660)):
            self.assertRaises(Unavailable, check_writers, "x", bad, uid=1000, gid=1000)

    def test_public(self) -> None:
        """It is known which files everybody can read."""
        self.write("1.conf", mode=0o644)
        self.write("2.conf", mode=0o640)
        public = [file.is_public for file in read_settings_files(self.directory)]
        self.assertEqual([True, False], public)

    def test_no_regular_file(self) -> None:
        """A FIFO or a directory of that name is refused and holds nobody."""
        os.mkfifo(self.path("1.conf"))
        self.assertRaises(Unavailable, read_settings_files, self.directory)
        os.unlink(self.path("1.conf"))
        os.mkdir(self.path("1.conf"))
        self.assertRaises(Unavailable, read_settings_files, self.directory)

    def test_link(self) -> None:
        """A link is followed: what it leads to is judged."""
        target = self.write("elsewhere", b'{"a": 1}')
        os.symlink(os.path.abspath(target), self.path("1.conf"))
        self.assertEqual('{"a": 1}', read_settings_files(self.directory)[0].text)
        os.chmod(target, 0o666)
        self.assertRaises(Unavailable, read_settings_files, self.directory)
        os.unlink(target)
        self.assertRaises(Unavailable, read_settings_files, self.directory)

    def test_limits(self) -> None:
        """Neither a huge file nor very many files are read."""
        self.write("1.conf", b" " * (4 * 1024 * 1024 + 1))
        self.assertRaises(SettingsError, read_settings_files, self.directory)
        os.unlink(self.path("1.conf"))
        for number in range(MAX_FILES + 1):
            self.write(f"{number}.conf")
        self.assertRaises(Unavailable, read_settings_files, self.directory)


class FingerprintTests(DiskTestCase):
    def test_same(self) -> None:
        """As long as nothing changes, the fingerprint stays."""
        self.write("1.conf")
        before = fingerprint_of(self.directory)
        self.write("notes.txt")
        self.assertEqual(before, fingerprint_of(self.directory))

    def test_changes(self) -> None:
        """Files that come, go, are edited in place, replaced or chmodded are noticed."""
        self.write("1.conf")
        seen = {fingerprint_of(self.directory)}
        self.write("2.conf")
        seen.add(fingerprint_of(self.directory))
        self.write("1.conf", b"{ }")
        seen.add(fingerprint_of(self.directory))
        self.write("new", b"{ }")
        os.rename(self.path("new"), self.path("1.conf"))
        seen.add(fingerprint_of(self.directory))
        os.chmod(self.path("1.conf"), 0o644)
        seen.add(fingerprint_of(self.directory))
        os.unlink(self.path("2.conf"))
        seen.add(fingerprint_of(self.directory))
        self.assertEqual(6, len(seen))

    def test_dangling_link(self) -> None:
        """A link to nothing is no obstacle."""
        os.symlink("/nonexistent/x", self.path("1.conf"))
        self.assertEqual((), fingerprint_of(self.directory))


class WriteTests(DiskTestCase):
    def test_written(self) -> None:
        """New files are complete, for the daemon's user alone, and leave nothing beside them."""
        paths = write_new_files(self.directory, {"1.conf": "{}", "2.conf": "{ }"})
        self.assertEqual((self.path("1.conf"), self.path("2.conf")), paths)
        self.assertEqual(["1.conf", "2.conf"], sorted(os.listdir(self.directory)))
        self.assertEqual(0o600, stat.S_IMODE(os.stat(paths[0]).st_mode))

    def test_never_overwritten(self) -> None:
        """A file that is there is left alone, and the others are not written either."""
        self.write("2.conf", b"mine")
        self.assertRaises(
            Unavailable, write_new_files, self.directory, {"1.conf": "{}", "2.conf": "{}"}
        )
        self.assertEqual(["2.conf"], os.listdir(self.directory))
        with open(self.path("2.conf")) as file:
            self.assertEqual("mine", file.read())

    def test_full_disk(self) -> None:
        """A full disk is told in a sentence, and leaves no half of a first start behind."""

        def write(path: str, text: str) -> None:
            if path.endswith("2.conf"):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            write_new_file(path, text)

        error = self.assertRaises(
            Unavailable, write_new_files, self.directory, {"1.conf": "{}", "2.conf": "{}"}, write
        )
        self.assertIn("no space left on device; free some space and start again", str(error))
        self.assertEqual([], os.listdir(self.directory))

    def test_torn_write(self) -> None:
        """A write that fails halfway leaves no file, not even a temporary one."""
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (10, hard))
        try:
            self.assertRaises(OSError, write_new_file, self.path("1.conf"), "x" * 100)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        self.assertEqual([], os.listdir(self.directory))
