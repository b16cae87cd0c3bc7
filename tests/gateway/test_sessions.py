"""Tests of sessions."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from gotwist.auth.user import User
from gotwist.gateway.sessions import Session, Sessions

ALICE = User("alice", "token")


class SessionTests(SynchronousTestCase):
    """A session outlives its tabs for a while."""

    def setUp(self) -> None:
        self.failures: list[Exception] = []
        self.sessions = Sessions(self.failures.append)

    def test_ages(self) -> None:
        """A session ages from the moment its last client left, not before."""
        session = self.sessions.join("s", ALICE, "a")
        self.assertIs(self.sessions.join("s", ALICE, "b"), session)
        self.sessions.leave("s", "a", 10)
        self.assertEqual(self.sessions.expired(1e9, 5), ())
        self.sessions.leave("s", "b", 10)
        self.sessions.leave("s", "b", 20)
        self.assertEqual(self.sessions.expired(14.9, 5), ())
        self.assertEqual(self.sessions.expired(15, 5), (session,))
        self.sessions.join("s", ALICE, "c")
        self.assertEqual(self.sessions.expired(1e9, 5), ())

    def test_ends(self) -> None:
        """What ends calls all that was registered, even when one of them fails."""
        session = self.sessions.join("s", ALICE, "a")
        self.sessions.leave("s", "a", 0)
        called: list[str] = []

        def fail(session: Session) -> None:
            raise KeyError

        session.on_timeout += (fail, lambda session: called.append(session.id))
        self.assertEqual(self.sessions.end_expired(0, 0), 1)
        self.assertEqual((called, len(self.failures)), (["s"], 1))
        self.assertIsNone(self.sessions.find("s"))
        self.assertEqual(len(self.sessions), 0)

    def test_kill(self) -> None:
        """When the daemon stops, each session's own callback for that runs."""
        called: list[str] = []
        for name in ("s", "t"):
            session = self.sessions.join(name, ALICE, "a")
            session.on_kill += (lambda session: called.append(session.id),)
        self.sessions.kill()
        self.assertEqual(called, ["s", "t"])

    def test_restored(self) -> None:
        """What is found again at the start ages from then, and is joined like any other."""
        session = self.sessions.restore("s", ALICE, 100)
        self.assertEqual(self.sessions.expired(104, 5), ())
        self.assertEqual(self.sessions.expired(105, 5), (session,))
        self.assertIs(self.sessions.join("s", ALICE, "a"), session)
        self.assertIs(self.sessions.restore("s", ALICE, 100), session)
        self.assertIsNone(session.last_seen)

    def test_places(self) -> None:
        """Each application has its own part of a location."""
        session = self.sessions.join("s", ALICE, "a")
        session.place("default", "terminal")["1"] = {"title": "x"}
        session.place("work", "files")
        expected = {"default": {"terminal": {"1": {"title": "x"}}}, "work": {"files": {}}}
        self.assertEqual(session.locations, expected)
