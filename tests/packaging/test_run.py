"""Tests of what the tests' runner says at its end."""

from __future__ import annotations

import io
import unittest

from twisted.trial.reporter import Reporter
from twisted.trial.unittest import SynchronousTestCase

from tests.run import Outcome


class SampleTests(unittest.TestCase):
    """Stands in reports; never run."""

    def runTest(self) -> None:
        """Do nothing."""


class OutcomeTests(SynchronousTestCase):
    """Counting and judging."""

    def setUp(self) -> None:
        """A reporter that has seen nothing yet."""
        self.reporter = Reporter(stream=io.StringIO())
        self.sample = SampleTests()

    def fail_sample(self) -> None:
        """Report one failure of the sample."""
        try:
            raise self.failureException("wrong")
        except self.failureException as error:
            self.reporter.addFailure(self.sample, (type(error), error, error.__traceback__))

    def test_success(self) -> None:
        """Tests that passed and nothing else is a success."""
        self.reporter.addSuccess(self.sample)
        outcome = Outcome(self.reporter)
        self.assertEqual(outcome.summary(), "1 passed, 0 failed, 0 skipped")
        self.assertTrue(outcome.is_good(allow_skips=False))

    def test_no_test_at_all(self) -> None:
        """A run of no test is no success, whatever trial says."""
        self.assertFalse(Outcome(self.reporter).is_good(allow_skips=True))

    def test_failure(self) -> None:
        """One failed test fails the run, and counts once however often it failed."""
        self.reporter.addSuccess(SampleTests())
        self.fail_sample()
        self.fail_sample()
        outcome = Outcome(self.reporter)
        self.assertEqual(outcome.summary(), "1 passed, 1 failed, 0 skipped")
        self.assertFalse(outcome.is_good(allow_skips=True))

    def test_skip(self) -> None:
        """A skipped test is tolerated on a desk and fails the run where nothing may be missing."""
        self.reporter.addSuccess(SampleTests())
        self.reporter.addSkip(self.sample, "no such program")
        outcome = Outcome(self.reporter)
        self.assertEqual(outcome.summary(), "1 passed, 0 failed, 1 skipped")
        self.assertEqual([reason for _, reason in outcome.skips], ["no such program"])
        self.assertTrue(outcome.is_good(allow_skips=True))
        self.assertFalse(outcome.is_good(allow_skips=False))
