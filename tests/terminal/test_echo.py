"""Tests of the wait for an echo: worth a moment, never more than its share."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from gotwist.applications.terminal.echo import CREDIT_NS, FLOOD_NS, SHARE, WAIT_NS, EchoWait

TICK_NS = 10_000


class EchoWaitTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.now = 0
        self.echo_at = -1
        self.looks = 0
        self.wait = EchoWait(self.tick)

    def tick(self) -> int:
        self.now += TICK_NS
        return self.now

    def head(self, slot: int) -> int:
        self.looks += 1
        return 8 if 0 <= self.echo_at <= self.now else 7

    def press(self, echo_after_ns: int | None) -> bool:
        """Press a key whose echo comes after so long, or never; answers whether it was seen."""
        self.echo_at = -1 if echo_after_ns is None else self.now + echo_after_ns
        return self.wait.until_moved(self.head, 3, 7)

    def test_echo(self) -> None:
        """An echo that comes in time is seen, and waiting ends with it."""
        began = self.now
        self.assertTrue(self.press(5 * TICK_NS))
        self.assertLess(self.now - began, WAIT_NS)

    def test_gives_up(self) -> None:
        """A program that does not answer is left to the bell."""
        began = self.now
        self.assertFalse(self.press(None))
        self.assertLessEqual(self.now - began, WAIT_NS + 2 * TICK_NS)
        self.assertFalse(self.press(WAIT_NS * 2))

    def test_share(self) -> None:
        """In the long run waiting takes its share of the time and not more."""
        waited, pressed = 0, 0
        while self.now < 100 * CREDIT_NS:
            before = self.now
            self.press(None)
            waited += self.now - before
            pressed += 1
        self.assertLess(waited, 100 * CREDIT_NS)
        self.looks = 0
        self.assertFalse(self.press(0))
        self.assertEqual(self.looks, 0, "there is no credit left to look with")
        began = self.now
        spent = 0
        for _ in range(1000):
            before, looks = self.now, self.looks
            self.press(None)
            if self.looks > looks:
                spent += self.now - before
            self.now += WAIT_NS
        self.assertLess(spent, (self.now - began) * SHARE * 1.3)

    def test_credit_comes_back(self) -> None:
        """After a rest there is credit again, but never more than the limit."""
        while self.press(0):
            self.press(None)
        self.now += 1000 * CREDIT_NS
        tried = 0
        while True:
            self.looks = 0
            self.press(None)
            if not self.looks:
                break
            tried += 1
        self.assertLess(tried, 1.3 * CREDIT_NS / WAIT_NS)
        self.assertGreater(tried, 0.7 * CREDIT_NS / WAIT_NS)

    def test_flood(self) -> None:
        """While output floods the processor is left to those who need it."""
        self.wait.note_flood()
        self.assertFalse(self.press(0))
        self.assertEqual(self.looks, 0)
        self.now += FLOOD_NS
        self.assertTrue(self.press(0))
