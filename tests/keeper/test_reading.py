"""Echo first: who is read while somebody types."""

from __future__ import annotations

import os
import select
import time

from twisted.trial.unittest import SynchronousTestCase

from gotwist.keeper.arena import Arena, Ring
from gotwist.keeper.reading import Reading
from gotwist.keeper.terminal import HOLD, Terminal
from gotwist.keeper.timers import Timers
from tests.keeper.keeping import RING, wait_until


class ReadingTests(SynchronousTestCase):
    """One flooding terminal, one with a typist."""

    def setUp(self) -> None:
        """Make both on pipes; the flood has already shown what it is."""
        self.arena = Arena(4, RING)
        self.epoll = select.epoll()
        self.addCleanup(self.epoll.close)
        self.timers = Timers()
        self.reading = Reading(self.arena, self.epoll, self.timers, 10.0)
        self.flood, self.flood_in = self.terminal(0)
        # Nobody looks and the grace is over: only holds stop it.
        self.flood.need = None
        self.typed, self.typed_in = self.terminal(1)
        os.write(self.flood_in, b"x" * 9_000)
        self.reading.read([self.flood])
        self.assertTrue(self.flood.is_flooding)

    def terminal(self, slot: int) -> tuple[Terminal, int]:
        """Make a terminal whose program is this test."""
        out, program = os.pipe()
        os.set_blocking(out, False)
        ring = Ring(RING, self.arena.openings, slot)
        self.addCleanup(os.close, out)
        self.addCleanup(os.close, program)
        self.addCleanup(ring.close)
        terminal = Terminal(slot + 1, slot, 0, out, ring, 24, 80)
        self.reading.add(terminal)
        return terminal, program

    def press(self, slot: int, ago_ns: int = 0) -> None:
        """Press a key, as the daemon notes it, and let the keeper see it."""
        self.arena.key_slot[0] = slot
        self.arena.key_time[0] = time.monotonic_ns() - ago_ns
        self.reading.look_at_keys()

    def test_hold(self) -> None:
        """A flood stands still until the echo of a key pressed elsewhere is read."""
        os.write(self.flood_in, b"more")
        self.press(1)
        self.reading.read([self.flood])
        self.assertEqual((self.flood.head, self.flood.reasons), (9_000, HOLD))
        self.assertEqual(self.epoll.poll(0), [])
        os.write(self.typed_in, b"k")
        self.reading.read([self.typed])
        self.assertEqual((self.typed.head, self.flood.reasons), (1, 0))
        self.assertEqual(self.epoll.poll(0), [(self.flood.master, select.EPOLLIN)])

    def test_typist_first(self) -> None:
        """When both are ready the typist is read first, and the flood one read's worth."""
        os.write(self.flood_in, b"x" * 60_000)
        os.write(self.typed_in, b"k")
        self.press(1)
        self.reading.read([self.flood, self.typed])
        self.assertEqual(self.typed.head, 1)
        self.assertGreater(self.flood.head, 9_000)
        self.assertEqual(self.flood.reasons, 0)

    def test_no_echo(self) -> None:
        """Without an echo the flood stands still for two milliseconds at most."""
        self.press(1)
        self.reading.read([self.flood])
        self.assertEqual(self.flood.reasons, HOLD)

        def released() -> bool:
            self.timers.run()
            return self.flood.reasons == 0

        wait_until(released)

    def test_keys_without_end(self) -> None:
        """Keys that follow each other faster than the hold ends cannot keep a flood waiting."""
        self.press(1)
        self.reading.read([self.flood])
        self.assertEqual(self.flood.reasons, HOLD)
        began = time.monotonic()
        while self.flood.reasons:
            self.press(1)
            self.timers.run()
            self.assertLess(time.monotonic() - began, 1.0)

    def test_own_key(self) -> None:
        """A key for the flooding terminal itself does not stop it."""
        os.write(self.flood_in, b"more")
        self.press(0)
        self.reading.read([self.flood])
        self.assertEqual(self.flood.head, 9_004)

    def test_old_or_impossible(self) -> None:
        """An old key, a key of the future and a key for nobody stop nothing."""
        for slot, ago in ((1, 5_000_000), (1, -(10**15)), (3, 0), (2**32 - 1, 0)):
            os.write(self.flood_in, b"x" * 5_000)
            before = self.flood.head
            self.press(slot, ago)
            self.reading.read([self.flood])
            self.assertGreater(self.flood.head, before)

    def test_share(self) -> None:
        """A daemon that reports keys without end cannot hold others for long."""
        began = time.monotonic()
        held = 0.0
        while time.monotonic() - began < 0.5:
            os.write(self.flood_in, b"x" * 5_000)
            self.press(1)
            self.reading.read([self.flood])
            start = time.monotonic()
            while self.flood.reasons:
                self.timers.run()
            held += time.monotonic() - start
            self.reading.read([self.flood])
        # A third, and what it may have saved up.
        self.assertLess(held, 0.5 * 0.6)
        self.assertGreater(self.flood.head, 100_000)
