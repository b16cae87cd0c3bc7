"""Tests of the budgets."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gotwist.gateway.limits import Budget, Limits

LIMITS = Limits(messages_per_s=10, bytes_per_s=10, acks_per_s=10, burst=2)


class BudgetTests(SynchronousTestCase):
    """A budget fills with time, and never beyond its brim; each kind of excess has its name."""

    def test_fills(self) -> None:
        """What is spent comes back with time; what is refused costs no bytes."""
        budget = Budget(LIMITS, 100)
        self.assertIsNone(budget.spend(20, False, 100))
        self.assertEqual(budget.spend(1, False, 100), "too many bytes")
        self.assertEqual(budget.spend(11, False, 101), "too many bytes")
        self.assertIsNone(budget.spend(10, False, 101))
        self.assertEqual(budget.spend(21, False, 1e9), "too many bytes")
        self.assertIsNone(budget.spend(20, False, 1e9))

    @given(st.lists(st.tuples(st.floats(0, 5), st.integers(1, 8), st.booleans()), max_size=40))
    def test_bounded(self, steps: list[tuple[float, int, bool]]) -> None:
        """Over any time no more is spent than the burst and what has flowed in since."""
        budget, now = Budget(LIMITS, 0), 0.0
        spent, messages, acks = 0, 0, 0
        for pause, size, is_ack in steps:
            now += pause
            if budget.spend(size, is_ack, now) is None:
                acks += is_ack
                messages += not is_ack
                spent += 0 if is_ack else size
            self.assertLessEqual(max(spent, messages, acks), 20 + 10 * now + 1e-6)

    def test_names(self) -> None:
        """Messages, bytes and acknowledgements are counted apart."""
        limits = Limits(messages_per_s=1, bytes_per_s=10, acks_per_s=2, burst=2)
        budget = Budget(limits, 0)
        self.assertEqual([budget.spend(16, True, 0) for _ in range(4)], [None] * 4)
        self.assertEqual(budget.spend(16, True, 0), "too many acknowledgements")
        self.assertEqual(budget.spend(21, False, 0), "too many bytes")
        self.assertEqual(budget.spend(20, False, 0), None)
        self.assertEqual(budget.spend(0, False, 0), "too many messages")
