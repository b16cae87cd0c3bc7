"""Tests of the merging of settings."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from gotwist.settings.merge import merged
from gotwist.settings.values import JSON


class MergeTests(SynchronousTestCase):
    def test_key_by_key(self) -> None:
        """Objects are merged key by key at every depth."""
        earlier: dict[str, JSON] = {"*": {"terminal": {"a": 1, "b": {"x": 1}}}}
        later: dict[str, JSON] = {"*": {"terminal": {"a": 2, "b": {"y": 2}}, "other": {}}}
        self.assertEqual(
            {"*": {"terminal": {"a": 2, "b": {"x": 1, "y": 2}}, "other": {}}},
            merged(earlier, later),
        )

    def test_replaced(self) -> None:
        """Everything that is no object is replaced, lists too."""
        self.assertEqual({"a": [3]}, merged({"a": [1, 2]}, {"a": [3]}))
        self.assertEqual({"a": 1}, merged({"a": {"x": 1}}, {"a": 1}))
        self.assertEqual({"a": {"x": 1}}, merged({"a": 1}, {"a": {"x": 1}}))
        self.assertEqual({"a": None}, merged({"a": {"x": 1}}, {"a": None}))

    def test_arguments_unchanged(self) -> None:
        """What is merged is not changed by it."""
        earlier: dict[str, JSON] = {"a": {"x": 1}}
        result = merged(earlier, {"a": {"y": 2}})
        self.assertEqual({"a": {"x": 1}}, earlier)
        self.assertEqual({"a": {"x": 1, "y": 2}}, result)
