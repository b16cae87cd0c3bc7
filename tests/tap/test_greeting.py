"""Tests of the greeting: a link for whoever reads along, and for nobody else."""

from __future__ import annotations

import re
from typing import cast

from twisted.logger import ILogObserver, LogEvent, formatEvent, globalLogPublisher
from zope.interface import provider

from gotwist.control.unix import ControlDoor
from gotwist.tap.greeting import Greeting
from tests.tap.support import HomeTestCase, printed, service_of, with_real_stdout

LINK = re.compile(r"https://127\.0\.0\.1:0/auth\?token=\S+")


class GreetingTests(HomeTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.logged: list[str] = []

        @provider(ILogObserver)
        def note(event: LogEvent) -> None:
            self.logged.append(formatEvent(event))

        observer = cast(ILogObserver, note)
        globalLogPublisher.addObserver(observer)
        self.addCleanup(globalLogPublisher.removeObserver, observer)

    def greeting(self, *words: str) -> Greeting:
        return self.build(*words).greeting

    def test_link_on_the_real_stdout(self) -> None:
        """The first link goes past the log, which also takes what is printed."""
        greeting = self.greeting()
        spoken: list[str] = []
        logged = printed(lambda: spoken.append(with_real_stdout(greeting.greet)))
        self.assertEqual(len(LINK.findall(spoken[0])), 1)
        self.assertEqual(logged, "")
        self.assertNotIn("token=", "".join(self.logged))

    def test_journal(self) -> None:
        """A journal is kept and read by others: no link is printed into it."""
        self.set_variable("JOURNAL_STREAM", "8:1")
        self.assertEqual(with_real_stdout(self.greeting().greet), "")
        self.assertIn("gotwist link", "".join(self.logged))

    def test_no_authentication(self) -> None:
        """Where nobody is asked who they are, the address is told and no token is minted."""
        self.assertEqual(with_real_stdout(self.greeting("--auth=none").greet), "")
        self.assertIn("127.0.0.1", "".join(self.logged))

    def test_control_door(self) -> None:
        """The operator's door mints a fresh link each time."""
        verb = service_of(self.build(), ControlDoor).verbs["link"]
        links = []
        for _ in range(2):
            coroutine = verb()
            with self.assertRaises(StopIteration) as ended:
                coroutine.__await__().__next__()
            links.append(str(ended.exception.value["link"]))
        self.assertTrue(all(LINK.fullmatch(link) for link in links), links)
        self.assertNotEqual(*links)
