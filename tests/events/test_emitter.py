"""Tests of the emitter."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from gotwist.events.emitter import Emitter


class EmitterTests(SynchronousTestCase):
    """Those who listen hear, and those who do not, do not."""

    def setUp(self) -> None:
        self.failures: list[tuple[str, Exception]] = []
        self.heard: list[object] = []
        self.emitter = Emitter(lambda name, failure: self.failures.append((name, failure)))

    def test_on(self) -> None:
        """A listener hears each event of its name with its arguments, and no other."""
        self.emitter.on("a", self.heard.append)
        self.emitter.trigger("a", 1)
        self.emitter.trigger("b", 2)
        self.emitter.trigger("a", 3)
        self.assertEqual(self.heard, [1, 3])

    def test_off(self) -> None:
        """Only the given listener is forgotten; an unknown one is no harm."""
        self.emitter.on("a", self.heard.append)
        other: list[object] = []
        self.emitter.on("a", other.append)
        self.emitter.off("a", other.append)
        self.emitter.off("a", print)
        self.emitter.off("never", print)
        self.emitter.trigger("a", 1)
        self.assertEqual((self.heard, other), ([1], []))

    def test_once(self) -> None:
        """One who asked for the next event hears just that, even if it causes another."""

        def again(value: object) -> None:
            self.heard.append(value)
            self.emitter.trigger("a", value)

        self.emitter.once("a", again)
        self.emitter.trigger("a", 1)
        self.emitter.trigger("a", 2)
        self.assertEqual(self.heard, [1])

    def test_off_before_once(self) -> None:
        """One who asked for the next event may change his mind."""
        self.emitter.once("a", self.heard.append)
        self.emitter.off("a", self.heard.append)
        self.emitter.trigger("a", 1)
        self.assertEqual(self.heard, [])

    def test_failure(self) -> None:
        """A failing listener is reported, and the others run."""

        def fail(value: object) -> None:
            raise KeyError(value)

        self.emitter.on("a", fail)
        self.emitter.on("a", self.heard.append)
        self.emitter.trigger("a", 1)
        self.assertEqual(self.heard, [1])
        ((name, failure),) = self.failures
        self.assertEqual((name, type(failure)), ("a", KeyError))
