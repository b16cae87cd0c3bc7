"""Tests of the shorter way from the reactor's poll to a descriptor."""

from __future__ import annotations

from typing import Any

from twisted.internet import epollreactor
from twisted.python import log as legacy
from twisted.trial.unittest import SynchronousTestCase

from gotwist.tap.events import call, shorten_events

#: Untyped, since what is replaced is no public name of that module.
loop: Any = epollreactor


class EventTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.addCleanup(setattr, loop, "log", loop.log)

    def test_installed_twisted_has_what_is_replaced(self) -> None:
        """The shortcut works with the Twisted that is installed, and doing it twice is one."""
        self.assertTrue(shorten_events())
        self.assertTrue(shorten_events())
        self.assertIs(loop.log.callWithLogger, call)
        self.assertIs(loop.log.msg, legacy.msg)

    def test_other_twisted_stays_as_it_is(self) -> None:
        """Where Twisted has something else in that place, nothing is replaced."""
        other = object()
        loop.log = other
        self.assertFalse(shorten_events())
        self.assertIs(loop.log, other)

    def test_failing_descriptor_is_logged(self) -> None:
        """What a descriptor raises ends in the log; the loop that called it goes on."""

        def fail() -> None:
            raise RuntimeError("odd descriptor")

        self.assertIsNone(call("descriptor", fail))
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)

    def test_interrupt_is_not_swallowed(self) -> None:
        """Ctrl-C still stops the daemon."""

        def interrupt() -> None:
            raise KeyboardInterrupt

        with self.assertRaises(KeyboardInterrupt):
            call("descriptor", interrupt)

    def test_answer_and_arguments_pass(self) -> None:
        """What a descriptor answers is given back."""
        self.assertEqual(call("descriptor", lambda one, two: one + two, 1, 2), 3)
