"""Runs the tests with trial, in random order, and says at the end what became of them.

``python -m tests.run [trial's options] [tests]``.  The last line reads ``N passed, N failed,
N skipped``.  Trial calls a run of no test at all a success, and one whose every test was
skipped too; here the first always fails and the second does with ``GOTWIST_NO_SKIPS=1``.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import Any

from twisted.python import usage
from twisted.scripts import trial
from twisted.trial.reporter import Reporter


class Outcome:
    """What became of the tests, as the reporter that saw them tells it."""

    def __init__(self, reporter: Reporter) -> None:
        self.passed = reporter.successes + len(reporter.expectedFailures)
        bad = [*reporter.failures, *reporter.errors, *reporter.unexpectedSuccesses]
        # One test may fail, log an error and leave something unclean behind: that is one test.
        self.failed = len({_name(entry[0]) for entry in bad})
        self.skips = sorted((_name(test), str(reason)) for test, reason in reporter.skips)

    def is_good(self, *, allow_skips: bool) -> bool:
        """Whether this run proves what it set out to prove."""
        if self.failed or not (self.passed or self.skips):
            return False
        return allow_skips or not self.skips

    def summary(self) -> str:
        """The closing line."""
        return f"{self.passed} passed, {self.failed} failed, {len(self.skips)} skipped"


def _name(test: Any) -> str:
    identify = getattr(test, "id", None)
    return str(identify() if identify is not None else test)


class _Options(trial.Options):
    """Trial's own options; the order is random unless one is asked for."""

    def postOptions(self) -> None:
        super().postOptions()
        if not (self["random"] or self["order"]):
            self.opt_random("0")


def main(arguments: Sequence[str]) -> int:
    """Run what the arguments name.

    :returns: an exit status, 0 only if tests ran and all is well.
    """
    config = _Options()
    try:
        config.parseOptions([*arguments])
    except usage.UsageError as error:
        sys.exit(f"tests.run: {error}")
    if not config["tests"]:
        sys.exit("tests.run: which tests?")

    reporters: list[Reporter] = []
    reporter_class = config["reporter"]

    def make_reporter(*args: Any, **kwargs: Any) -> Reporter:
        reporter: Reporter = reporter_class(*args, **kwargs)
        reporters.append(reporter)
        return reporter

    config["reporter"] = make_reporter
    runner = trial._makeRunner(config)
    runner.run(trial._getSuite(config))

    outcome = Outcome(reporters[-1])
    allow_skips = os.environ.get("GOTWIST_NO_SKIPS") != "1"
    if outcome.skips:
        print("\nSkipped:" if allow_skips else "\nSkipped, which counts as failed here:")
        for name, reason in outcome.skips:
            print(f"  {name}: {reason}")
    print(f"\n{outcome.summary()}", flush=True)
    return 0 if outcome.is_good(allow_skips=allow_skips) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
