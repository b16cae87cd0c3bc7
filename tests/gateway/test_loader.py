"""Tests of finding applications."""

from __future__ import annotations

import os
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from gotwist.applications.example.echo import Example
from gotwist.applications.go.core import Go
from gotwist.gateway.application import Application
from gotwist.gateway.loader import load_applications

GOOD = """
from gotwist.gateway.application import Application
class Found(Application):
    name = "found"
apps = [Found]
"""


class LoaderTests(SynchronousTestCase):
    """What is installed is found, and what is broken is skipped by name."""

    def setUp(self) -> None:
        self.skipped: list[tuple[str, Exception]] = []
        self.directory = Path(self.mktemp()).absolute()
        (self.directory / "found").mkdir(parents=True)
        self.file = self.directory / "found" / "main.py"
        self.file.write_text(GOOD)
        for path in (self.directory, self.directory / "found"):
            path.chmod(0o755)
        self.file.chmod(0o644)

    def load(self, *, enabled: list[str] | None = None) -> list[str]:
        """The names of those found."""
        found = load_applications(
            [Go, Example],
            directory=self.directory,
            enabled=enabled,
            skipped=lambda name, failure: self.skipped.append((name, failure)),
        )
        self.assertTrue(all(issubclass(application, Application) for application in found))
        return [application.name for application in found]

    def test_found(self) -> None:
        """Built-in ones come first, then those of the directory."""
        self.assertEqual(self.load(), ["go", "example", "found"])
        self.assertEqual(self.skipped, [])

    def test_enabled(self) -> None:
        """Only those that are wanted are kept, whatever the case; the core always is."""
        self.assertEqual(self.load(enabled=["Found"]), ["go", "found"])

    def test_broken(self) -> None:
        """One that does not load is skipped and named; the others are served."""
        broken = self.directory / "found" / "broken.py"
        for text in ("raise RuntimeError('no')", "syntax error", "apps = [int]", "apps = 7"):
            broken.write_text(text)
            broken.chmod(0o644)
            self.skipped.clear()
            self.assertEqual(self.load(), ["go", "example", "found"])
            ((name, _),) = self.skipped
            self.assertIn("broken.py", name)

    def test_same_name(self) -> None:
        """Of two with one name the first counts, and the second is named."""
        again = self.directory / "found" / "zz.py"
        again.write_text(GOOD.replace('"found"', '"Example"'))
        again.chmod(0o644)
        self.assertEqual(self.load(), ["go", "example", "found"])
        self.assertEqual(len(self.skipped), 1)

    def test_writable_by_others(self) -> None:
        """What others could have written is not run."""
        for path, mode in ((self.file, 0o646), (self.file.parent, 0o775), (self.directory, 0o777)):
            before = path.stat().st_mode
            path.chmod(mode)
            self.skipped.clear()
            self.assertEqual(self.load(), ["go", "example"])
            self.assertEqual([type(failure) for _, failure in self.skipped], [PermissionError])
            path.chmod(before)
        self.assertEqual(self.load(), ["go", "example", "found"])

    def test_link(self) -> None:
        """A link is not followed."""
        os.symlink(self.file, self.directory / "found" / "link.py")
        self.load()
        self.assertEqual([type(failure) for _, failure in self.skipped], [PermissionError])

    def test_no_directory(self) -> None:
        """A directory that is not there is empty."""
        self.directory = self.directory / "nowhere"
        self.assertEqual(self.load(), ["go", "example"])
