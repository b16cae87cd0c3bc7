"""Opening one file below a directory, and nothing else."""

from __future__ import annotations

import os
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from gotwist.errors import Denied, GotwistError, NotFound
from gotwist.web.confine import open_confined


class ConfineTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.top = Path(self.mktemp())
        self.root = self.top / "root"
        (self.root / "sub").mkdir(parents=True)
        (self.root / "file").write_text("inside")
        (self.root / "sub" / "deep \u00e4").write_text("deep")
        (self.top / "secret").write_text("outside")
        os.symlink("../secret", self.root / "link")
        os.symlink("..", self.root / "up")
        os.mkfifo(self.root / "fifo")

    def read(self, *components: str) -> str:
        """Open and read."""
        with open(open_confined(self.root, components)) as file:
            return file.read()

    def test_files(self) -> None:
        """Plain files below the directory are opened."""
        self.assertEqual(self.read("file"), "inside")
        self.assertEqual(self.read("sub", "deep \u00e4"), "deep")

    def test_refused(self) -> None:
        """Links, directories, FIFOs and names that are no names are refused, without waiting."""
        cases: tuple[tuple[tuple[str, ...], type[GotwistError]], ...] = (
            (("link",), Denied),
            (("up", "secret"), Denied),
            (("fifo",), Denied),
            (("sub",), Denied),
            (("file", "x"), Denied),
            (("none",), NotFound),
            (("none", "x"), NotFound),
            ((), NotFound),
            (("",), NotFound),
            ((".",), NotFound),
            (("..", "secret"), NotFound),
            (("../secret",), NotFound),
            (("..\\secret",), NotFound),
            (("file\0",), NotFound),
            (("fi\nle",), NotFound),
            (("/etc/passwd",), NotFound),
            (("a" * 256,), NotFound),
        )
        before = len(os.listdir("/proc/self/fd"))
        for components, kind in cases:
            self.assertRaises(kind, open_confined, self.root, components)
        self.assertRaises(NotFound, open_confined, self.top / "none", ["file"])
        self.assertEqual(len(os.listdir("/proc/self/fd")), before)
