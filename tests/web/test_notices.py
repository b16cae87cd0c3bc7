"""Telling of limits that were hit."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from gotwist.web.notices import LimitNotices


class NoticeTests(SynchronousTestCase):
    def test_once_per_source_and_minute(self) -> None:
        """A limit is told of once per source and minute, and counted each time."""
        notices = LimitNotices()
        self.assertEqual(
            [
                notices.hit("head", "a", 0.0),
                notices.hit("head", "a", 59.0),
                notices.hit("head", "b", 59.0),
                notices.hit("body", "a", 59.0),
                notices.hit("head", "a", 60.0),
                notices.hit("head", "a", 61.0),
            ],
            [True, False, True, True, True, False],
        )
        self.assertEqual(notices.hits, {"head": 5, "body": 1})

    def test_bounded(self) -> None:
        """Very many sources fill neither memory nor log, and later ones are told of again."""
        notices = LimitNotices()
        told = sum(notices.hit("head", str(n), 0.0) for n in range(5_000))
        self.assertEqual(told, 1_024)
        self.assertTrue(notices.hit("head", "new", 61.0))
