"""The authentication service's connections: answers, their order and time, and who is dropped."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock, deferLater
from twisted.internet.tcp import Connection
from twisted.internet.testing import StringTransport
from twisted.trial.unittest import SynchronousTestCase

from gotwist.auth.line import MAX_LINE, Request
from gotwist.auth.pam.checks import Accepted, Account, Check, Outcome, Refused
from gotwist.auth.pam.judging import Judge
from gotwist.auth.unix.peers import Peer, PeerRule
from gotwist.auth.unix.protocol import DEADLINE_S, MOST_AT_ONCE, AuthFactory, AuthProtocol
from gotwist.errors import Unavailable

ALICE = b"alice\rsesame\rlogin\n"
WRONG = b"alice\rwrong\rlogin\n"
PEER = Peer(1, 1000, frozenset({1000}))


class FakeChecks:
    """Alice's password is sesame; checks named ``slow`` wait until they are let go."""

    def __init__(self) -> None:
        self.checks: list[Check] = []
        self.slow: list[Deferred[Outcome]] = []

    async def check(self, check: Check) -> Outcome:
        self.checks.append(check)
        if check.user == "slow":
            waiting: Deferred[Outcome] = Deferred()
            self.slow.append(waiting)
            return await waiting
        if check.user == "broken":
            raise Unavailable("There is no PAM here.")
        if check.user == "bug":
            raise ZeroDivisionError
        right = (check.user, check.password) == ("alice", "sesame")
        return Accepted(Account("alice")) if right else Refused(7)


class Wire(StringTransport):
    """A transport that tells how it ended."""

    ended = ""
    on_end: Callable[[], None] | None = None

    def abortConnection(self) -> None:
        self.end("aborted")

    def loseConnection(self) -> None:
        self.end("lost")

    def end(self, how: str) -> None:
        if not self.ended:
            self.ended = how
            if self.on_end is not None:
                self.on_end()


class ServiceTestCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.checks = FakeChecks()
        self.problems: list[str] = []
        self.verdicts: list[tuple[str, bool]] = []
        self.peer = PEER
        self.factory = self.make()

    def make(self, most: int = 512) -> AuthFactory:
        judge = Judge(
            self.checks,
            {"login", "x2gobroker"},
            self.clock.seconds,
            lambda seconds: deferLater(self.clock, seconds),
            failed=lambda problem: self.problems.append(str(problem)),
            draw=lambda: 0.5,
        )
        return AuthFactory(
            judge,
            PeerRule(frozenset({1000}), frozenset({7})),
            self.clock,
            told=self.told,
            find_peer=lambda transport: self.peer,
            most=most,
        )

    def told(self, request: Request, peer: Peer, is_right: bool) -> None:
        self.verdicts.append((request.user, is_right))

    def connect(self) -> tuple[AuthProtocol, Wire]:
        protocol, wire = self.factory.buildProtocol(None), Wire()
        wire.on_end = protocol.connectionLost
        protocol.makeConnection(cast(Connection, wire))
        return protocol, wire

    def say(self, *pieces: bytes) -> tuple[AuthProtocol, Wire]:
        protocol, wire = self.connect()
        for piece in pieces:
            protocol.dataReceived(piece)
        return protocol, wire


class AnswerTests(ServiceTestCase):
    def test_right(self) -> None:
        """The right password is answered at once, and the connection stays for more."""
        protocol, wire = self.say(ALICE)
        self.assertEqual((wire.value(), wire.ended), (b"ok\n", ""))
        protocol.dataReceived(ALICE)
        self.assertEqual(wire.value(), b"ok\nok\n")
        self.assertEqual(self.checks.checks[0].rhost, "localhost")
        self.assertFalse(self.checks.checks[0].converses)

    def test_one_answer_and_one_time(self) -> None:
        """Wrong, unknown, impossible, not on the list, not to be judged: the same, as late."""
        for line in (
            WRONG,
            b"bob\rsesame\rlogin\n",
            b"broken\rsesame\rlogin\n",
            b"alice\rsesame\rsu\n",
            b"alice\rsesame\r../login\n",
            b"Alice\rsesame\rlogin\n",
            b"alice\r\rlogin\n",
            b"\rsesame\rlogin\n",
            b"alice\r" + b"x" * 1025 + b"\rlogin\n",
        ):
            _, wire = self.say(line)
            self.clock.advance(1.49)
            self.assertEqual(wire.value(), b"", line)
            self.clock.advance(0.02)
            self.assertEqual(wire.value(), b"fail\n", line)
        self.assertEqual(self.problems, ["There is no PAM here."])

    def test_only_listed_services(self) -> None:
        """A service that is not on the list never reaches PAM, whatever the password."""
        for service in (b"su", b"other", b"LOGIN", b"login ", b"../../x"):
            self.say(b"alice\rsesame\r" + service + b"\n")
        self.assertEqual(self.checks.checks, [])
        self.say(b"alice\rsesame\rx2gobroker\n")
        self.assertEqual([check.service for check in self.checks.checks], ["x2gobroker"])

    def test_slow_refusal(self) -> None:
        """What PAM has taken counts: a slow refusal is not made later still."""
        _, wire = self.say(b"slow\rx\rlogin\n")
        self.clock.advance(5)
        self.checks.slow[0].callback(Refused(7))
        self.clock.advance(0)
        self.assertEqual(wire.value(), b"fail\n")

    def test_malformed(self) -> None:
        """A line of another form is answered with bad at once, and the next one is heard."""
        for line in (
            b"\n",
            b"alice\n",
            b"alice\rsesame\n",
            b"alice\rsesame\rlogin\rmore\n",
            b"alice\rsesame\rlogin\r\n",
            b"alice\rses\0ame\rlogin\n",
            b"alice\r\xff\rlogin\n",
            b"x" * MAX_LINE + b"\n",
            b"x" * 100_000 + b"\n",
        ):
            _, wire = self.say(line + ALICE)
            self.assertEqual(wire.value(), b"bad\nok\n", line[:40])

    def test_any_pieces(self) -> None:
        """One byte at a time, or several requests in one packet."""
        _, wire = self.say(*(bytes([byte]) for byte in ALICE + ALICE))
        self.assertEqual(wire.value(), b"ok\nok\n")
        _, wire = self.say(ALICE + b"x\n" + ALICE)
        self.assertEqual(wire.value(), b"ok\nbad\nok\n")

    def test_order(self) -> None:
        """Answers come in the order of the requests, however long each takes."""
        _, wire = self.say(b"slow\rx\rlogin\n" + ALICE + b"bad\n")
        self.assertEqual(wire.value(), b"")
        self.checks.slow[0].callback(Accepted(Account("slow")))
        self.assertEqual(wire.value(), b"ok\nok\nbad\n")

    def test_half_closed(self) -> None:
        """A client that closes its sending side gets its answers, and then the end."""
        protocol, wire = self.say(WRONG + ALICE)
        protocol.readConnectionLost()
        self.assertEqual((wire.value(), wire.ended), (b"", ""))
        self.clock.advance(1.6)
        self.assertEqual((wire.value(), wire.ended), (b"fail\nok\n", "lost"))

    def test_half_a_line(self) -> None:
        """A line that ends with the connection is no request, however complete it looks."""
        protocol, wire = self.say(ALICE[:-1])
        protocol.readConnectionLost()
        self.assertEqual((wire.value(), wire.ended), (b"bad\n", "lost"))
        protocol, wire = self.connect()
        protocol.readConnectionLost()
        self.assertEqual((wire.value(), wire.ended), (b"", "lost"))

    def test_bug(self) -> None:
        """A fault of ours is a no, logged once, and the service goes on."""
        _, wire = self.say(b"bug\rx\rlogin\n" + ALICE)
        self.assertEqual(wire.value(), b"fail\nok\n")
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

    def test_told(self) -> None:
        """Each verdict is told; what is no request is none."""
        self.say(ALICE + WRONG + b"nonsense\n")
        self.clock.advance(2)
        self.assertEqual(self.verdicts, [("alice", True), ("alice", False)])


class LimitTests(ServiceTestCase):
    def test_peers(self) -> None:
        """Accounts and groups on the list may ask; others are closed without a word."""
        for peer, allowed in (
            (Peer(1, 1000, frozenset({1})), True),
            (Peer(1, 1001, frozenset({1, 7})), True),
            (Peer(1, 1001, frozenset({1, 8})), False),
            (Peer(1, 0, frozenset({0})), False),
        ):
            self.peer = peer
            _, wire = self.say(ALICE)
            self.assertEqual((wire.value(), wire.ended), (b"ok\n", "") if allowed else
                             (b"", "aborted"), peer)  # fmt: skip
        self.assertEqual(len(self.checks.checks), 2)

    def test_silence(self) -> None:
        """A client that says nothing, or dribbles, is dropped after 10 s, bytes or not."""
        _, silent = self.connect()
        dribbling, wire = self.connect()
        for _ in range(9):
            self.clock.advance(1)
            dribbling.dataReceived(b"x")
        self.assertEqual((silent.ended, wire.ended), ("", ""))
        self.clock.advance(1)
        self.assertEqual((silent.ended, wire.ended), ("aborted", "aborted"))
        self.assertEqual((self.factory.connections, self.clock.getDelayedCalls()), ({}, []))

    def test_deadline_begins_anew(self) -> None:
        """The time runs from the last answer; while a check is under way it stands still."""
        protocol, wire = self.say(b"slow\rx\rlogin\n")
        self.clock.advance(60)
        self.checks.slow[0].callback(Accepted(Account("slow")))
        self.clock.advance(DEADLINE_S - 1)
        self.assertEqual((wire.value(), wire.ended), (b"ok\n", ""))
        protocol.dataReceived(ALICE)
        self.clock.advance(DEADLINE_S - 1)
        self.assertEqual(wire.ended, "")
        self.clock.advance(1)
        self.assertEqual(wire.ended, "aborted")

    def test_full(self) -> None:
        """When all places are taken the oldest that never asked gives way, and no other."""
        self.factory = self.make(most=2)
        asking, first = self.say(ALICE)
        _, second = self.connect()
        _, third = self.connect()
        self.assertEqual((first.ended, second.ended, third.ended), ("", "aborted", ""))
        _, fourth = self.say(ALICE)
        self.assertEqual((third.ended, fourth.ended), ("aborted", ""))
        _, fifth = self.connect()
        self.assertEqual((first.ended, fourth.ended, fifth.ended), ("", "", "aborted"))
        asking.connectionLost()
        _, sixth = self.say(ALICE)
        self.assertEqual((sixth.value(), sixth.ended), (b"ok\n", ""))

    def test_bounded(self) -> None:
        """Of many lines at once some are under way; nothing more is read meanwhile."""
        _, wire = self.say(b"slow\rx\rlogin\n" * 100)
        self.assertEqual(len(self.checks.slow), MOST_AT_ONCE)
        self.assertEqual(wire.producerState, "paused")
        for number in range(100):
            self.checks.slow[number].callback(Accepted(Account("slow")))
        self.assertEqual(wire.value(), b"ok\n" * 100)
        self.assertEqual(wire.producerState, "producing")

    def test_deaf(self) -> None:
        """From a client that does not take its answers nothing more is read."""
        protocol, wire = self.connect()
        protocol.pauseProducing()
        protocol.dataReceived(ALICE * 3)
        self.assertEqual((wire.producerState, wire.value()), ("paused", b""))
        protocol.resumeProducing()
        self.assertEqual((wire.producerState, wire.value()), ("producing", b"ok\n" * 3))

    def test_gone(self) -> None:
        """A client that goes away in the middle leaves nothing behind."""
        protocol, wire = self.say(b"slow\rx\rlogin\n" + WRONG)
        wire.end("gone")
        self.checks.slow[0].callback(Accepted(Account("slow")))
        self.clock.advance(5)
        self.assertEqual((wire.value(), self.clock.getDelayedCalls()), (b"", []))
        protocol.readConnectionLost()
