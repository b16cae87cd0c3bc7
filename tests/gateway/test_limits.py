"""Tests of the budgets."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gotwist.gateway.limits import Bucket, Budget, Limits


class BucketTests(SynchronousTestCase):
    """A budget fills with time, and never beyond its brim."""

    def test_fills(self) -> None:
        """What is spent comes back with time; what is refused costs nothing."""
        bucket = Bucket(10, 2, now=100)
        self.assertTrue(bucket.take(20, 100))
        self.assertFalse(bucket.take(1, 100))
        self.assertFalse(bucket.take(11, 101))
        self.assertTrue(bucket.take(10, 101))
        self.assertFalse(bucket.take(21, 1e9))
        self.assertTrue(bucket.take(20, 1e9))

    @given(st.lists(st.tuples(st.floats(0, 5), st.integers(1, 8)), max_size=40))
    def test_bounded(self, steps: list[tuple[float, int]]) -> None:
        """Over any time no more is spent than the burst and what has flowed in since."""
        bucket, now, spent = Bucket(10, 2, now=0), 0.0, 0
        for pause, amount in steps:
            now += pause
            if bucket.take(amount, now):
                spent += amount
            self.assertLessEqual(spent, 20 + 10 * now + 1e-6)


class BudgetTests(SynchronousTestCase):
    """Each kind of excess has its name."""

    def test_names(self) -> None:
        """Messages, bytes and acknowledgements are counted apart."""
        limits = Limits(messages_per_s=1, bytes_per_s=10, acks_per_s=2, burst=2)
        budget = Budget(limits, 0)
        self.assertEqual([budget.spend(16, True, 0) for _ in range(4)], [None] * 4)
        self.assertEqual(budget.spend(16, True, 0), "too many acknowledgements")
        self.assertEqual(budget.spend(21, False, 0), "too many bytes")
        self.assertEqual(budget.spend(20, False, 0), None)
        self.assertEqual(budget.spend(0, False, 0), "too many messages")
