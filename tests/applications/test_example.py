"""Tests of the example, and of the page that explains it."""

from __future__ import annotations

import re
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from gotwist.applications.example import echo
from tests.gateway.support import World, say

PAGE = Path(__file__).parent.parent.parent / "docs" / "applications.md"


class ExampleTests(SynchronousTestCase):
    """The example does what its page says."""

    def setUp(self) -> None:
        self.world = World()
        self.client, self.connection = self.world.enter()

    def test_page(self) -> None:
        """The page shows the example word by word."""
        assert echo.__file__ is not None
        source = Path(echo.__file__).read_text().split('"""', 2)[2].strip()
        block = re.search(r"```python\n(.*?)```", PAGE.read_text(), re.S)
        assert block is not None
        self.assertEqual(block[1].strip(), source)

    def test_page_is_true(self) -> None:
        """What the page says a browser says and hears, it does."""
        said, heard = re.findall(r"`(\{\"example:[^`]*\})`", PAGE.read_text())
        self.client.receive_text(said.encode())
        self.assertEqual(
            [f'{{"{name}": "{value}"}}' for name, value in self.connection.messages()], [heard]
        )

    def test_remind(self) -> None:
        """A reminder comes after five seconds, not before, and not to who has gone."""
        say(self.client, "example:remind", "tea")
        self.world.clock.advance(4.9)
        self.assertEqual(self.connection.messages(), [])
        self.world.clock.advance(0.2)
        self.assertEqual(self.connection.messages(), [("example:reminder", "tea")])

    def test_tell(self) -> None:
        """All tabs of the user hear it, and no other user's."""
        _, second = self.world.enter()
        _, other = self.world.enter("bob")
        say(self.client, "example:tell_my_tabs", "hello")
        for connection in (self.connection, second):
            self.assertEqual(connection.messages(), [("example:told", "hello")])
        self.assertEqual(other.messages(), [])

    def test_stranger(self) -> None:
        """Who has not signed in gets no echo."""
        stranger, connection = self.world.connect()
        say(stranger, "example:echo", "hello")
        ((name, _),) = connection.messages()
        self.assertEqual(name, "go:error")
