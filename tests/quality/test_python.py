"""The Python code is checked as strictly in the tests as anywhere."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

from twisted.trial.unittest import SkipTest, SynchronousTestCase

ROOT = Path(__file__).resolve().parents[2]


class PythonTests(SynchronousTestCase):
    """Style and types."""

    def check(self, tool: str, *arguments: str) -> None:
        """Run a tool on the project; what it says is the failure."""
        if find_spec(tool) is None:
            raise SkipTest(f"{tool} is not installed")
        answer = subprocess.run(
            [sys.executable, "-m", tool, *arguments],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        if answer.returncode != 0:
            self.fail(f"{tool} {' '.join(arguments)}:\n{answer.stdout}{answer.stderr}")

    def test_style(self) -> None:
        """The linter finds nothing."""
        self.check("ruff", "check")

    def test_format(self) -> None:
        """The formatter would change nothing."""
        self.check("ruff", "format", "--check")

    def test_types(self) -> None:
        """The strict type check passes."""
        self.check("mypy")
