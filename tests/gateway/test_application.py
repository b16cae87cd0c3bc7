"""Tests of applications: what they are made of, and what they are given."""

from __future__ import annotations

from datetime import timedelta

from twisted.trial.unittest import SynchronousTestCase

from gotwist.applications.go.core import Go
from gotwist.gateway.actions import action, collect_actions
from gotwist.gateway.application import Application, seconds
from gotwist.gateway.house import House
from gotwist.gateway.table import ActionTable
from tests.gateway.support import World, say


class Story(Application):
    """Writes down what happens to it."""

    name = "story"

    @classmethod
    def make_shared(cls, house: House) -> object:
        shared: list[str] = []
        return shared

    def tell(self, what: str) -> None:
        assert isinstance(self.shared, list)
        self.shared.append(what)

    def initialize(self) -> None:
        self.tell("initialize")
        self.add_handler("story/.*", self)

    def open(self) -> None:
        self.tell("open")

    async def authenticate(self) -> None:
        self.tell("authenticate")

    def on_location(self) -> None:
        self.tell("location")

    def on_close(self) -> None:
        self.tell("close")


class Broken(Application):
    """Cannot be shared."""

    name = "broken"

    @classmethod
    def make_shared(cls, house: House) -> object:
        raise RuntimeError("no")


class Late(Application):
    """Fails when a client comes."""

    name = "late"

    def initialize(self) -> None:
        self.add_timeout(1, lambda: 1 / 0)
        raise RuntimeError("no")

    @action("late:speak")
    def speak(self) -> None:
        raise AssertionError("never called")


class Thief(Application):
    """Wants an action that is another's."""

    name = "thief"

    @action("go:ping", before_authentication=True)
    def ping(self) -> None:
        raise AssertionError("never called")


class LifeTests(SynchronousTestCase):
    """What an application is told, and when."""

    def setUp(self) -> None:
        self.world = World((Go, Broken, Story))

    def story(self) -> list[str]:
        """What was written down."""
        shared = self.world.house.shared["story"]
        assert isinstance(shared, list)
        return shared

    def test_life(self) -> None:
        """An application hears of each step in order, once."""
        client, _ = self.world.enter()
        say(client, "go:set_location", "work")
        client.closed()
        self.assertEqual(self.story(), ["initialize", "open", "authenticate", "location", "close"])

    def test_skipped(self) -> None:
        """One that cannot start is named in the log, and the others run."""
        self.world.enter()
        self.assertEqual([name for name, _ in self.world.log.failures], ["application skipped"])
        self.assertNotIn("broken", self.world.house.shared)

    def test_fails_for_a_client(self) -> None:
        """One that cannot begin for a client is named in the log; the others serve that client."""
        world = World((Go, Late, Story))
        client, connection = world.enter()
        self.assertEqual([name for name, _ in world.log.failures], ["application failed"])
        say(client, "late:speak", None)
        ((_, error),) = connection.messages()
        assert isinstance(error, dict)
        self.assertEqual(error["code"], "unavailable")
        say(client, "go:ping", 1)
        self.assertEqual(connection.messages(), [("go:pong", 1)])
        world.clock.advance(2)
        self.assertEqual(len(world.log.failures), 1)
        client.closed()

    def test_action_of_another(self) -> None:
        """One that wants another's action is left out, and the action stays where it was."""
        world = World((Go, Thief, Story))
        self.assertEqual(
            [str(f) for _, f in world.log.failures], ["go:ping is an action of go already"]
        )
        client, connection = world.enter()
        say(client, "go:ping", 1)
        self.assertEqual(connection.messages(), [("go:pong", 1)])

    def test_handler(self) -> None:
        """Handlers for the web door are collected, one per pattern."""
        self.world.enter()
        self.world.enter()
        self.assertEqual(list(self.world.handlers), ["story/.*"])

    def test_timeouts(self) -> None:
        """A timeout rings once; it does not when the connection ends before; one may fail."""
        client, _ = self.world.enter()
        story = client.applications[1]
        rung: list[int] = []
        story.add_timeout("5s", lambda: rung.append(1))
        story.add_timeout(timedelta(seconds=6), lambda: 1 / 0)
        story.add_timeout(7, lambda: rung.append(2))
        story.add_timeout("8s", lambda: rung.append(3)).cancel()
        self.world.clock.pump([5, 1, 1, 1])
        self.assertEqual(rung, [1, 2])
        self.assertEqual(type(self.world.log.failures[-1][1]), ZeroDivisionError)
        story.add_timeout("5s", lambda: rung.append(4))
        client.closed()
        self.world.clock.advance(10)
        self.assertEqual(rung, [1, 2])

    def test_events(self) -> None:
        """Listeners of a client are gone with it; one may leave before."""
        client, _ = self.world.enter()
        story = client.applications[1]
        heard: list[object] = []
        story.on("x:y", heard.append)
        story.once("x:y", heard.append)
        story.trigger("x:y", 1)
        self.assertEqual(heard, [1, 1])
        story.off("x:y", heard.append)
        story.trigger("x:y", 2)
        story.on("x:y", heard.append)
        client.closed()
        self.world.house.emitter.trigger("x:y", 3)
        self.assertEqual(heard, [1, 1])


class DurationTests(SynchronousTestCase):
    """Delays are written as people write them."""

    def test_read(self) -> None:
        """Units from milliseconds to days, timedeltas, and plain seconds."""
        pairs: list[tuple[str | float, float]] = [
            ("5s", 5),
            ("250ms", 0.25),
            ("1.5h", 5400),
            ("2d", 172_800),
            (3, 3),
            (0.5, 0.5),
        ]
        for text, expected in pairs:
            self.assertEqual(seconds(text), expected)
        self.assertEqual(seconds(timedelta(minutes=1)), 60)

    def test_refused(self) -> None:
        """Anything else is an error of whoever wrote it."""
        for bad in ("", "5", "s", "5 s", "-5s", "5s\n", "5w"):
            with self.assertRaises(ValueError):
                seconds(bad)
        with self.assertRaises(ValueError):
            seconds(-1)


class TableTests(SynchronousTestCase):
    """One name, one action."""

    def test_inherited(self) -> None:
        """An application has the actions of the one it derives from."""

        class More(Go):
            name = "more"

            @action("more:x")
            def x(self) -> None: ...

        self.assertEqual(set(More.actions) - set(Go.actions), {"more:x"})

    def test_clash(self) -> None:
        """Two that claim one action are found out at the start."""

        class Other(Application):
            name = "other"

            @action("go:ping")
            def ping(self) -> None: ...

        with self.assertRaises(ValueError):
            ActionTable([Go, Other])

    def test_clash_inside(self) -> None:
        """So are two methods of one class."""

        class Two:
            @action("a:b")
            def one(self) -> None: ...

            @action("a:b")
            def two(self) -> None: ...

        with self.assertRaises(ValueError):
            collect_actions(Two)
