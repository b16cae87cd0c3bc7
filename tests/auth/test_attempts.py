"""Tests of how guessing is limited."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from gotwist.auth.attempts import Attempt, AttemptLimits, Attempts, network_of

HERE, ELSEWHERE = "192.0.2.1", "192.0.2.2"


class AttemptsTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.now = 0.0
        self.attempts = Attempts()

    def begin(self, address: str = HERE, user: str = "anna") -> Attempt:
        attempt = self.attempts.begin(address, user, self.now)
        assert attempt is not None
        return attempt

    def refused(self, address: str = HERE, user: str = "anna") -> bool:
        return self.attempts.begin(address, user, self.now) is None

    def delay(self, address: str = HERE, user: str = "anna") -> float:
        return self.attempts.delay_s(self.begin(address, user), 1.0)

    def test_delay(self) -> None:
        """After five failures each further one is answered twice as late, up to half a minute."""
        delays = [self.delay() for _ in range(12)]
        self.assertEqual(delays, [1.0] * 5 + [2.0, 4.0, 8.0, 16.0, 30.0, 30.0, 30.0])

    def test_delay_of_others(self) -> None:
        """Who guesses slows down himself, not the user and not other users of the address."""
        for _ in range(10):
            self.begin()
        self.assertEqual(self.delay(ELSEWHERE, "anna"), 1.0)
        self.assertEqual(self.delay(HERE, "bob"), 1.0)

    def test_address(self) -> None:
        """After twenty failures nothing from that address is looked at for ten minutes."""
        for number in range(20):
            self.begin(user=f"user{number}")
        self.assertTrue(self.refused())
        self.now = 599.0
        self.assertTrue(self.refused())
        self.assertFalse(self.refused(ELSEWHERE))
        self.now = 601.0
        self.assertFalse(self.refused())

    def test_counted_before_judged(self) -> None:
        """Attempts at the same time count all, so that hurrying gains nothing."""
        under_way = [self.begin(user=f"user{number}") for number in range(20)]
        self.assertTrue(self.refused())
        self.attempts.succeeded(under_way[3])
        self.assertFalse(self.refused())

    def test_success(self) -> None:
        """A success does not count, and forgets the failures of its pair only."""
        for _ in range(7):
            self.begin()
        self.begin(user="bob")
        self.attempts.succeeded(self.begin())
        self.assertEqual(self.delay(), 1.0)
        # Seven failures of one user, one of the other, and the attempt just now.
        for _ in range(11):
            self.begin(user="carol")
        self.assertTrue(self.refused())

    def test_withdrawn(self) -> None:
        """What nobody could judge does not count."""
        for _ in range(30):
            self.attempts.withdraw(self.begin())
        self.assertEqual(self.delay(), 1.0)
        self.assertEqual(len(self.attempts), 2)

    def test_name_is_never_locked(self) -> None:
        """Guessing from many addresses keeps nobody else from signing in."""
        for number in range(200):
            self.begin(f"198.51.100.{number}")
        self.assertEqual(self.delay(), 1.0)

    def test_window(self) -> None:
        """Failures of long ago do not count."""
        for _ in range(6):
            self.begin()
        self.now = 601.0
        self.assertEqual(self.delay(), 1.0)

    def test_ipv6(self) -> None:
        """Of IPv6 a whole /64 is one guesser, and mapped IPv4 addresses are what they map."""
        self.assertEqual(network_of("2001:db8:1:2:3::4"), network_of("2001:db8:1:2:ffff::1"))
        self.assertNotEqual(network_of("2001:db8:1:2::1"), network_of("2001:db8:1:3::1"))
        self.assertEqual(network_of("::ffff:192.0.2.1"), "192.0.2.1")
        self.assertEqual(network_of("fe80::1%eth0"), network_of("fe80::2"))
        self.assertEqual(network_of("unix"), "unix")

    def test_bounded(self) -> None:
        """Very many addresses fill no memory; the ones quiet the longest are forgotten."""
        self.attempts = Attempts(AttemptLimits(), most=50)
        for number in range(300):
            self.begin(f"10.0.{number // 250}.{number % 250}")
        self.assertEqual(len(self.attempts), 100)

    def test_other_limits(self) -> None:
        """The limits are settings and may change while attempts are counted."""
        self.attempts.limits = AttemptLimits(per_pair=1, per_address=3, window_s=5)
        self.assertEqual([self.delay(), self.delay(), self.delay()], [1.0, 2.0, 4.0])
        self.assertTrue(self.refused())
        self.now = 6.0
        self.assertFalse(self.refused())
