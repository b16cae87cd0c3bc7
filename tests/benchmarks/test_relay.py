"""Tests of benchmarks.relay: bytes that arrive later."""

import socket

from twisted.trial.unittest import SynchronousTestCase

from benchmarks.relay import MAX_HELD, Direction


class DirectionTests(SynchronousTestCase):
    """One way through the relay, with the time in our hands."""

    def setUp(self) -> None:
        self.near, source = socket.socketpair()
        target, self.far = socket.socketpair()
        for end in (self.near, source, target, self.far):
            self.addCleanup(end.close)
            end.setblocking(False)
        self.way = Direction(source, target, 0.05)

    def test_delivers_late_and_not_early(self) -> None:
        """What is sent arrives once the delay has passed, and not before."""
        self.near.send(b"key")
        self.way.read(10.0)
        wait = self.way.write(10.02)
        self.assertAlmostEqual(wait or 0.0, 0.03)
        self.assertRaises(BlockingIOError, self.far.recv, 10)
        self.assertIsNone(self.way.write(10.051))
        self.assertEqual(self.far.recv(10), b"key")

    def test_holds_only_so_much(self) -> None:
        """A sender that is faster than the path is made to wait."""
        held = 0
        while self.way.has_room:
            held += self.near.send(bytes(32_768))
            self.way.read(0.0)
        self.assertGreaterEqual(held, MAX_HELD)
        self.assertLess(held, MAX_HELD + 65_536)

    def test_the_end_comes_after_the_rest(self) -> None:
        """A closed connection is closed on the other side, after what was sent before."""
        self.near.send(b"bye")
        self.way.read(0.0)
        self.near.close()
        self.way.read(0.0)
        self.assertFalse(self.way.has_room)
        self.way.write(1.0)
        self.assertEqual(self.far.recv(10), b"bye")
        self.assertEqual(self.far.recv(10), b"")
