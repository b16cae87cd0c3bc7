"""Tests of benchmarks.measure: medians, ratios, order, goals."""

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from benchmarks.measure import Goal, Measure, Results, percentile, turn_order

SPEED = Measure("speed", "speed", "MB/s")


class ResultsTests(SynchronousTestCase):
    """Samples and what is computed from them."""

    def test_compares_round_by_round(self) -> None:
        """A ratio is the median of the ratios within rounds, not the ratio of medians."""
        results = Results()
        for turn, (ours, theirs) in enumerate(((10.0, 5.0), (100.0, 100.0), (30.0, 10.0))):
            results.add(SPEED, "gotwist", turn, ours)
            results.add(SPEED, "ttyd", turn, theirs)
        self.assertEqual(results.find_ratio("speed", "gotwist", "ttyd"), 2.0)
        self.assertEqual(results.find_median("speed", "gotwist"), 30.0)

    def test_leaves_out_rounds_with_one_side_missing(self) -> None:
        """A round in which one server failed is no round to compare."""
        results = Results()
        results.add(SPEED, "gotwist", 0, 4.0)
        results.add(SPEED, "gotwist", 1, 9.0)
        results.add(SPEED, "ttyd", 1, 3.0)
        self.assertEqual(results.find_ratio("speed", "gotwist", "ttyd"), 3.0)

    def test_has_no_number_without_samples(self) -> None:
        """What was not measured has no value, and a base of zero gives no ratio."""
        results = Results()
        self.assertIsNone(results.find_median("speed", "gotwist"))
        results.add(SPEED, "gotwist", 0, 1.0)
        results.add(SPEED, "ttyd", 0, 0.0)
        self.assertIsNone(results.find_ratio("speed", "gotwist", "ttyd"))
        self.assertIsNone(results.find_ratio("speed", "gotwist", "wetty"))

    def test_judges_with_and_without_a_base(self) -> None:
        """A goal looks at a ratio when it has a base and at the value when not."""
        results = Results()
        results.add(SPEED, "gotwist", 0, 10.0)
        results.add(SPEED, "ttyd", 0, 8.0)
        relative = Goal("speed", 1.25, "ttyd", at_least=True)
        absolute = Goal("speed", 9.0)
        self.assertEqual(results.find_value(relative, "gotwist"), 1.25)
        self.assertTrue(relative.met_by(1.25))
        self.assertFalse(relative.met_by(1.24))
        self.assertEqual(results.find_value(absolute, "gotwist"), 10.0)
        self.assertFalse(absolute.met_by(10.0))
        self.assertTrue(absolute.met_by(9.0))


class ArithmeticTests(SynchronousTestCase):
    """The small functions."""

    @given(st.lists(st.floats(0, 1e9), min_size=1), st.floats(0.1, 100))
    def test_percentile_is_a_sample_that_enough_do_not_exceed(
        self, values: list[float], percent: float
    ) -> None:
        """A percentile is one of the values, and that many values are not above it."""
        found = percentile(values, percent)
        self.assertIn(found, values)
        below = sum(value <= found for value in values)
        self.assertGreaterEqual(below * 100 + 1e-6, percent * len(values))

    def test_percentile_of_a_hundred(self) -> None:
        """p50 of 1..100 is 50, p99 is 99."""
        values = [float(value) for value in range(1, 101)]
        self.assertEqual(percentile(values, 50), 50)
        self.assertEqual(percentile(values, 99), 99)
        self.assertRaises(ValueError, percentile, [], 50)

    def test_turns_alternate(self) -> None:
        """Who was first in one round is last in the next."""
        self.assertEqual(turn_order("AB", 0), ["A", "B"])
        self.assertEqual(turn_order("AB", 1), ["B", "A"])
        self.assertEqual(turn_order("AB", 2), ["A", "B"])
