"""Steps of the clock: a real daemon on a machine whose wall clock jumps."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from tests.faults.support import FaultTestCase
from tests.integration.daemon import Daemon, until

#: Runs twistd in a process whose wall clock is ahead by what a file says.  The clock is changed
#: before Twisted is imported, as if the machine's own were.
STEPPED = """
import sys, time
real, path = time.time, sys.argv.pop(1)
def wall():
    try:
        with open(path) as file:
            return real() + float(file.read() or 0)
    except OSError:
        return real()
time.time = wall
from twisted.scripts.twistd import run
sys.argv[0] = "twistd"
run()
"""


class SteppedDaemon(Daemon):
    """A daemon whose wall clock can be set."""

    @property
    def command(self) -> list[str]:
        return [sys.executable, "-c", STEPPED, str(self.home / "step"), *super().command[1:]]

    def step(self, seconds: float) -> None:
        """Put the wall clock this far ahead of the true time."""
        new = Path(f"{self.home}/step.new")
        new.write_text(str(seconds))
        new.rename(self.home / "step")


class StepTests(FaultTestCase):
    kind = None

    def test_two_hours(self) -> None:
        """Two hours ahead fire no timer early, two hours back stop none."""
        daemon = SteppedDaemon("--authentication_timeout=4s", plain=True)
        self.addCleanup(daemon.close)
        daemon.start()
        early = self.stranger(daemon)
        started = time.monotonic()
        daemon.step(7_200)
        self.assert_still_talks(early, 1)
        until(lambda: time.monotonic() - started > 1, "a second to pass")
        self.assert_still_talks(early, 2)
        self.assert_closed(early, 4408)
        self.assertGreater(time.monotonic() - started, 3)
        late = self.stranger(daemon)
        started = time.monotonic()
        daemon.step(-7_200)
        self.assert_closed(late, 4408)
        self.assertLess(time.monotonic() - started, 8)
