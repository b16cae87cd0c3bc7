"""The browser code is checked and tested by its own tools."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

ROOT = Path(__file__).resolve().parents[2]


class BrowserCodeTests(SynchronousTestCase):
    """Types and unit tests of the TypeScript."""

    def npm(self, *arguments: str) -> None:
        """Run npm in the project; what it says is the failure."""
        answer = subprocess.run(
            [sys.executable, ROOT / "build_tools" / "npm.py", *arguments],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        if answer.returncode != 0:
            self.fail(f"npm {' '.join(arguments)}:\n{answer.stdout}{answer.stderr}")

    def test_types(self) -> None:
        """The strict type check passes."""
        self.npm("run", "check")

    def test_units(self) -> None:
        """The unit tests pass, those on the vectors shared with Python among them."""
        self.npm("test")
