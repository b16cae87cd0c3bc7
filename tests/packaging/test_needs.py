"""Tests of how the Debian packages for the tests are seen to."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from tests.packaging.test_repository import ROOT


class NeedsTests(SynchronousTestCase):
    """tests/needs.sh, on machines made of a few stand-in programs."""

    def setUp(self) -> None:
        """A directory that comes first on PATH."""
        self.programs = Path(self.mktemp()).absolute()
        self.programs.mkdir()
        # Nothing may be installed by a test, whatever goes wrong.
        self.write("apt-get", "exit 9")

    def write(self, name: str, body: str) -> None:
        """Make a program."""
        (self.programs / name).write_text(f"#!/bin/sh\n{body}\n")
        (self.programs / name).chmod(0o755)

    def run_needs(self) -> subprocess.CompletedProcess[str]:
        """Run the script on that machine."""
        path = os.pathsep.join([str(self.programs), os.environ["PATH"]])
        return subprocess.run(
            [ROOT / "tests" / "needs.sh"],
            env=os.environ | {"PATH": path},
            capture_output=True,
            text=True,
            check=False,
        )

    def test_all_there(self) -> None:
        """Where nothing is missing nothing is said, nor are package lists fetched."""
        self.write("dpkg-query", "echo installed")
        self.write("id", "echo 0")
        answer = self.run_needs()
        self.assertEqual((answer.returncode, answer.stdout, answer.stderr), (0, "", ""))

    def test_someone_else_gets_the_line_to_type(self) -> None:
        """Who is not root reads what is missing, ready to be pasted, and the tests do not start."""
        self.write("dpkg-query", 'case "$*" in *tmux) exit 1 ;; *) echo installed ;; esac')
        self.write("id", "echo 1000")
        answer = self.run_needs()
        self.assertEqual(answer.returncode, 1)
        self.assertIn("apt-get install --no-install-recommends tmux\n", answer.stderr)

    def test_a_removed_package_is_missing(self) -> None:
        """A package of which only the settings are left counts as missing."""
        self.write("dpkg-query", "echo config-files")
        self.write("id", "echo 1000")
        self.assertIn(" chromium ", self.run_needs().stderr)
