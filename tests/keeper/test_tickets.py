"""Tickets by themselves, with a clock of their own."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from gotwist.keeper.tickets import Ticket, Tickets


class TicketsTests(SynchronousTestCase):
    """Issued, found, forgotten."""

    def setUp(self) -> None:
        """Make a store of three tickets at most."""
        self.now = 0.0
        self.tickets = Tickets(lambda: self.now, 3)

    def issue(self, user: str = "alice", life_s: float = 10.0) -> str:
        """Issue a ticket."""
        return self.tickets.issue(Ticket(user, 1000, "", 1), life_s)

    def test_find(self) -> None:
        """A ticket is found by its text and its user, until its end."""
        text = self.issue()
        self.assertRegex(text, "^[0-9a-f]{64}$")
        self.assertNotEqual(text, self.issue())
        self.assertEqual(getattr(self.tickets.find(text, "alice"), "uid", 0), 1000)
        self.assertIsNone(self.tickets.find(text, "bob"))
        self.assertIsNone(self.tickets.find(text[:-1], "alice"))
        self.assertIsNone(self.tickets.find("\ud800", "alice"))
        self.now = 10.0
        self.assertIsNone(self.tickets.find(text, "alice"))

    def test_forget(self) -> None:
        """A forgotten ticket is none, and forgetting an unknown one does nothing."""
        text, other = self.issue(), self.issue()
        self.tickets.forget(text)
        self.tickets.forget(text)
        self.assertIsNone(self.tickets.find(text, "alice"))
        self.assertIsNotNone(self.tickets.find(other, "alice"))

    def test_limit(self) -> None:
        """There are never too many: expired ones go first, then the oldest."""
        first, second = self.issue(), self.issue(life_s=1.0)
        self.now = 1.0
        third = self.issue()
        fourth = self.issue()
        self.assertEqual(len(self.tickets), 3)
        self.assertIsNone(self.tickets.find(second, "alice"))
        fifth = self.issue()
        self.assertIsNone(self.tickets.find(first, "alice"))
        for text in (third, fourth, fifth):
            self.assertIsNotNone(self.tickets.find(text, "alice"))

    def test_secret(self) -> None:
        """The store does not hold what it gives out."""
        text = self.issue()
        self.assertNotIn(text, repr(vars(self.tickets)))
