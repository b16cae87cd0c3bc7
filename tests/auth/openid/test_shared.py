"""Tests of one fetch for all who wait for the same."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.trial.unittest import SynchronousTestCase

from gotwist.auth.oidc.shared import Shared


class SharedTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.running: list[Deferred[int]] = []

        async def fetch() -> int:
            self.running.append(Deferred())
            return await self.running[-1]

        self.shared = Shared(fetch)

    def test_one_at_a_time(self) -> None:
        """All who ask meanwhile get the same answer; who asks later has a new one fetched."""
        waiting = [self.shared.get() for _ in range(3)]
        self.assertEqual(len(self.running), 1)
        self.running[0].callback(7)
        self.assertEqual([self.successResultOf(each) for each in waiting], [7, 7, 7])
        later = self.shared.get()
        self.running[1].callback(8)
        self.assertEqual(self.successResultOf(later), 8)

    def test_failure(self) -> None:
        """A failure is everybody's, and the next one tries again."""
        waiting = [self.shared.get() for _ in range(2)]
        self.running[0].errback(ValueError())
        for each in waiting:
            self.failureResultOf(each, ValueError)
        self.shared.get()
        self.assertEqual(len(self.running), 2)

    def test_who_goes(self) -> None:
        """Who goes takes the answer from nobody, even when the first answer makes him go."""
        first, second, third = (self.shared.get() for _ in range(3))
        second.cancel()
        self.failureResultOf(second, CancelledError)

        def leave(result: int) -> Any:
            third.cancel()
            return result

        first.addCallback(leave)
        self.running[0].callback(7)
        self.assertEqual(self.successResultOf(first), 7)
        self.failureResultOf(third, CancelledError)
