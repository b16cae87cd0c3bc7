"""Tests of chores as values."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from gotwist.housekeeping.chores import Chore, Record


class ChoreTests(SynchronousTestCase):
    def test_interval(self) -> None:
        """An interval is a number or asked for, and never so short that nothing else runs."""
        self.assertEqual(5.0, Chore("a", 5.0, lambda: None).current_interval_s())
        self.assertEqual(6.0, Chore("a", lambda: 6.0, lambda: None).current_interval_s())
        self.assertGreater(Chore("a", 0.0, lambda: None).current_interval_s(), 0)

    def test_record(self) -> None:
        """A record counts rounds and failures, and how many failed in a row."""
        record = Record().after(1.0, failed=True).after(2.0, failed=True)
        self.assertEqual(Record(2, 2, 2, 2.0, 3.0), record)
        self.assertEqual(Record(3, 2, 0, 0.5, 3.5), record.after(0.5, failed=False))
