"""Tests of the terminal actions: what one tab may do, and with whose terminals."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Mapping
from typing import Any

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from gotwist.applications.go.core import Go
from gotwist.applications.terminal.application import TerminalApplication
from gotwist.applications.terminal.commands import Account
from gotwist.applications.terminal.hub import Hub
from gotwist.applications.terminal.programs import Programs
from gotwist.applications.terminal.viewing import INPUT_ACK_PAUSE_S
from gotwist.auth.signins import SignIn
from gotwist.gateway import frames
from gotwist.gateway.client import GatewayClient
from gotwist.gateway.gateway import Gateway
from tests.gateway.support import MemoryConnection, MemorySettings, World, say
from tests.terminal.fakes import MemoryKeeper

SETTINGS: Mapping[str, object] = {
    "commands": {
        "shell": {"command": "%SHELL% --secret-option", "description": "A shell", "icon": "s"},
        "gone": "no-such-program",
    },
    "default_command": "shell",
    "environment_vars": {},
    "max_terms": 3,
    "max_terminals": 100,
}


class Tab:
    """One browser tab: says things, and hears what came of them."""

    def __init__(self, client: GatewayClient, connection: MemoryConnection) -> None:
        self.client = client
        self.connection = connection
        self.frames: list[frames.Frame] = []

    def hear(self) -> list[tuple[str, Any]]:
        """The actions since the last call; frames are put aside."""
        actions: list[tuple[str, Any]] = []
        for first, payload in self.connection.frames():
            if first == 0x81:
                actions.extend(json.loads(payload).items())
            else:
                self.frames.append(frames.parse_frame(payload))
        return actions

    def say(self, action: str, value: object = None) -> list[tuple[str, Any]]:
        """Say something; answers what was said in return."""
        say(self.client, action, value)
        return self.hear()

    def ask(self, action: str, value: object, wanted: str) -> Any:
        """Say something; answers the value of the one action wanted in return."""
        heard = [found for name, found in self.say(action, value) if name == wanted]
        assert len(heard) == 1, heard
        return heard[0]

    def refused(self, action: str, value: object = None) -> tuple[str, str]:
        """Say something that is to be refused and nothing else; answers code and sentence."""
        ((name, error),) = self.say(action, value)
        assert name == "go:error", name
        return error["code"], error["message"]

    def open(self, **wanted: object) -> Any:
        """Open a terminal, or attach to one."""
        wanted = {"rows": 24, "columns": 80, **wanted}
        return self.ask("terminal:new_terminal", wanted, "terminal:attached")


class TerminalTestCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.keeper = MemoryKeeper()
        self.world = World((Go,))
        self.settings = dict(SETTINGS)
        self.directories_made: list[str] = []
        self.hub = Hub(self.keeper, self.world.clock.seconds, self.spawn)
        self.programs = Programs(
            self.hub,
            Account("daemon", "/home/daemon", "/bin/sh"),
            {"session_dir": "/s", "user_dir": "/u", "settings_dir": "/e"},
            lambda: 1234,
            {"LANG": "C.UTF-8", "SECRET": "x"},
            self.spawn,
        )
        self.programs.make_directory = self.make_directory
        self.world.house.shared["terminal"] = self.programs
        self.world.settings = MemorySettings({"terminal": self.settings})
        self.world.gateway = Gateway(self.world.house, (Go, TerminalApplication))
        self.anna = self.world.sign_in("anna")

    def spawn(self, context: str, awaitable: Awaitable[object]) -> None:
        async def run() -> None:
            await awaitable

        self.successResultOf(Deferred.fromCoroutine(run()))

    async def make_directory(self, session: str) -> None:
        self.directories_made.append(session)

    def tab(self, sign_in: SignIn | None = None, location: str = "default") -> Tab:
        client, connection = self.world.connect(sign_in or self.anna)
        tab = Tab(client, connection)
        tab.say("go:authenticate", {"auth": None, "location": location})
        return tab

    def typed(self, terminal: int = 1) -> bytes:
        """Everything typed into a terminal, over all streams."""
        return b"".join(bytes(t) for (id, _), t in self.keeper.typed.items() if id == terminal)


class OpeningTests(TerminalTestCase):
    def test_open(self) -> None:
        """A new terminal begins at 0, under the lowest free number, with the default command."""
        attached = self.tab().open()
        self.assertEqual(
            (attached["term"], attached["offset"], attached["command"]), (1, 0, "shell")
        )
        self.assertEqual(self.keeper.opened[0][0], ("/bin/sh", "--secret-option"))

    def test_attach(self) -> None:
        """A number that is open is attached to, and the page hears that it was there."""
        self.tab().open()
        heard = self.tab().say("terminal:new_terminal", {"rows": 24, "columns": 80, "term": 1})
        self.assertEqual([name for name, _ in heard], ["terminal:attached", "terminal:term_exists"])
        self.assertEqual(len(self.keeper.opened), 1)

    def test_resume(self) -> None:
        """A page goes on where it was, but only in the numbering of the same keeper."""
        tab = self.tab()
        tab.open()
        self.keeper.print(1, b"0123456789")
        again = self.tab()
        self.assertEqual(again.open(term=1, have=4, epoch="1")["offset"], 4)
        self.assertEqual(b"".join(bytes(f.payload) for f in again.frames), b"456789")
        self.assertEqual(self.tab().open(term=1, have=4, epoch="2")["offset"], 0)
        self.assertEqual(self.tab().open(term=1, have=4)["offset"], 0)

    def test_directory(self) -> None:
        """A session has its directory before its first program, and it is made once."""
        tab = self.tab()
        tab.open()
        tab.open()
        self.assertEqual(self.directories_made, [tab.client.session.id])

    def test_sizes_are_clamped(self) -> None:
        """A size no program could stand becomes the nearest one it can."""
        self.tab().open(rows=0, columns=100_000)
        held = self.keeper.held[1]
        self.assertEqual((held.rows, held.columns), (2, 1000))

    def test_refused(self) -> None:
        """No such command, no such program, no more room: refused, and no number is used up."""
        tab, size = self.tab(), {"rows": 24, "columns": 80}
        code, message = tab.refused("terminal:new_terminal", {**size, "command": "rm"})
        self.assertEqual(code, "not_found")
        self.assertIn('"rm"', message)
        self.assertEqual(
            tab.refused("terminal:new_terminal", {**size, "command": "gone"})[0], "not_found"
        )
        for number in (1, 2, 3):
            self.assertEqual(tab.open()["term"], number)
        code, message = tab.refused("terminal:new_terminal", size)
        self.assertEqual(code, "unavailable")
        self.assertIn("close one first", message)

    def test_malformed(self) -> None:
        """Arguments of another shape open nothing."""
        tab = self.tab()
        for value in (
            None,
            {},
            {"rows": "24", "columns": 80},
            {"rows": 24, "columns": 80, "term": 0},
            {"rows": 24, "columns": 80, "term": 2**31},
            {"rows": 24, "columns": 80, "viewer": "xyz"},
            {"rows": 24, "columns": 80, "have": -1},
            {"rows": 24, "columns": 80, "argv": ["sh"]},
        ):
            self.assertEqual(tab.refused("terminal:new_terminal", value)[0], "malformed")
        self.assertEqual(self.keeper.opened, [])

    def test_waits_until_the_terminals_are_known(self) -> None:
        """Nothing is opened before it is known which numbers are taken."""
        known: Deferred[None] = Deferred()
        tab = self.tab()

        async def ready() -> None:
            await known

        self.programs.ready = ready
        self.assertEqual(tab.say("terminal:new_terminal", {"rows": 24, "columns": 80}), [])
        known.callback(None)
        self.assertEqual(tab.hear()[0][0], "terminal:attached")

    def test_stranger(self) -> None:
        """Who has not signed in can do nothing of all this."""
        client, connection = self.world.connect()
        tab = Tab(client, connection)
        self.assertEqual(
            tab.refused("terminal:new_terminal", {"rows": 24, "columns": 80})[0], "denied"
        )
        client.receive_binary(frames.pack_header(frames.Kind.INPUT, 1, 0) + b"x")
        self.assertEqual(tab.hear()[0][1]["code"], "denied")
        self.assertEqual((self.keeper.opened, self.keeper.typed), ([], {}))


class StrangersTests(TerminalTestCase):
    def test_numbers_of_others(self) -> None:
        """Somebody else's terminal is answered for like one that does not exist."""
        self.tab().open()
        tab = self.tab(self.world.sign_in("bert"))
        for action in ("detach", "kill_terminal", "set_terminal", "full_refresh", "refresh"):
            for number in (1, 7):
                code, message = tab.refused(f"terminal:{action}", number)
                self.assertEqual(
                    (code, message), ("not_found", f"there is no terminal {number} here")
                )
        for action, value in (
            ("reset_terminal", 1),
            ("resize", {"term": 1, "rows": 9, "columns": 9}),
            ("manual_title", {"term": 1, "title": "mine"}),
            ("move_terminal", {"term": 1, "location": "b"}),
            ("swap_terminals", {"term1": 1, "term2": 2}),
            ("write_chars", {"term": 1, "chars": "x"}),
        ):
            self.assertEqual(tab.refused(f"terminal:{action}", value)[0], "not_found", action)
        tab.client.receive_binary(frames.pack_header(frames.Kind.INPUT, 1, 0) + b"x")
        self.assertEqual(tab.hear()[0][1]["code"], "not_found")
        self.assertEqual((list(self.keeper.held), self.keeper.typed), ([1], {}))
        self.assertEqual(tab.ask("terminal:get_terminals", None, "terminal:terminals"), {})

    def test_number_opens_ones_own(self) -> None:
        """Asking for the number of somebody else's terminal opens one of one's own."""
        self.tab().open()
        attached = self.tab(self.world.sign_in("bert")).open(term=1)
        self.assertEqual((attached["term"], len(self.keeper.opened)), (1, 2))


class TypingTests(TerminalTestCase):
    def test_current_terminal(self) -> None:
        """``c`` types into the terminal chosen last; before any is chosen, it is refused."""
        tab = self.tab()
        self.assertEqual(tab.refused("c", "x")[0], "not_found")
        tab.open()
        tab.open()
        tab.say("c", "two")
        tab.say("terminal:set_terminal", 1)
        tab.say("c", "one")
        tab.say("c", "€")
        self.assertEqual((self.typed(1), self.typed(2)), ("one€".encode(), b"two"))

    def test_after_a_reconnect(self) -> None:
        """A page that comes back under its old name loses none of what it types by ``c``."""
        for text in ("before", "after"):
            tab = self.tab()
            tab.open(term=1, viewer="0123456789abcdef")
            tab.say("c", text)
            tab.client.closed()
        self.assertEqual(self.typed(), b"beforeafter")

    def test_write_chars(self) -> None:
        """``write_chars`` types where it says, and into the current terminal otherwise."""
        tab = self.tab()
        tab.open()
        tab.open()
        tab.say("terminal:write_chars", {"term": 1, "chars": "a"})
        tab.say("terminal:write_chars", {"chars": "b"})
        self.assertEqual((self.typed(1), self.typed(2)), (b"a", b"b"))
        self.assertEqual(
            tab.refused("terminal:write_chars", {"chars": "x" * 32_769})[0], "malformed"
        )

    def test_frames(self) -> None:
        """Input frames are applied once, and acknowledged after a pause."""
        tab = self.tab()
        tab.open(viewer="0123456789abcdef")
        for offset, data in ((0, b"ab"), (0, b"ab"), (2, b"c")):
            tab.client.receive_binary(frames.pack_header(frames.Kind.INPUT, 1, offset) + data)
        self.assertEqual(self.typed(), b"abc")
        self.assertEqual((tab.hear(), tab.frames), ([], []))
        self.world.clock.advance(INPUT_ACK_PAUSE_S)
        tab.hear()
        self.assertEqual([(f.kind, f.offset) for f in tab.frames], [(frames.Kind.INPUT_ACK, 3)])
        self.assertEqual(self.tab().open(term=1, viewer="0123456789abcdef")["input"], 3)

    def test_acknowledgements(self) -> None:
        """What was drawn may be said late, but not of output that was never sent."""
        tab = self.tab()
        tab.open()
        tab.client.receive_binary(frames.pack_header(frames.Kind.ACK, 9, 0))
        self.assertEqual(tab.hear(), [])
        tab.client.receive_binary(frames.pack_header(frames.Kind.ACK, 1, 5))
        self.assertEqual(tab.hear()[0][1]["code"], "malformed")

    def test_reset(self) -> None:
        """A reset clears the page and asks the program to paint."""
        tab = self.tab()
        tab.open()
        self.assertEqual(
            tab.say("terminal:reset_terminal", 1), [("terminal:reset_client_terminal", 1)]
        )
        self.assertEqual(self.typed(), b"\x0c")


class PlacesTests(TerminalTestCase):
    def test_list(self) -> None:
        """The list names what is open here, and never a command line."""
        tab = self.tab()
        tab.open()
        found = tab.ask("terminal:get_terminals", None, "terminal:terminals")
        self.assertEqual(
            found, {"1": {"title": "shell", "command": "shell", "created": 1234, "metadata": {}}}
        )

    def test_command_lines_stay_here(self) -> None:
        """Nothing a browser is told holds the command line of a command."""
        tab = self.tab()
        tab.open()
        said = [
            tab.say("terminal:enumerate_commands"),
            tab.say("go:list_applications"),
            tab.say("go:get_locations"),
            tab.say("terminal:get_terminals"),
        ]
        self.assertNotIn("secret-option", json.dumps(said))
        listed = said[0][0][1]
        self.assertEqual(listed["default"], "shell")
        self.assertEqual(
            listed["commands"][0], {"name": "shell", "description": "A shell", "icon": "s"}
        )

    def test_location(self) -> None:
        """Moving the tab shows the other place's terminals and views the former no more."""
        tab = self.tab()
        tab.open()
        self.assertIn(("terminal:terminals", {}), tab.say("go:set_location", "work"))
        self.keeper.print(1, b"unseen")
        self.hub.on_bell([0])
        self.assertEqual((tab.hear(), tab.frames), ([], []))
        self.assertEqual(tab.refused("c", "x")[0], "not_found")
        self.assertEqual(tab.refused("terminal:kill_terminal", 1)[0], "not_found")
        self.assertEqual(tab.open()["term"], 1)
        self.assertEqual(
            tab.ask("terminal:get_locations", None, "terminal:term_locations"),
            {"default": [1], "work": [1]},
        )

    def test_move(self) -> None:
        """A terminal goes to another location; whoever looks at it is told."""
        tab = self.tab()
        tab.open()
        self.assertIn(
            ("terminal:term_moved", {"term": 1, "location": "b"}),
            tab.say("terminal:move_terminal", {"term": 1, "location": "b"}),
        )
        self.assertEqual(tab.ask("terminal:get_terminals", None, "terminal:terminals"), {})
        self.assertEqual(self.tab(location="b").open(term=1)["term"], 1)
        self.assertEqual(len(self.keeper.opened), 1)
        code, _ = tab.refused("terminal:move_terminal", {"term": 1, "location": "../b"})
        self.assertEqual(code, "malformed")

    def test_swap(self) -> None:
        """Two terminals exchange their numbers; their programs go on."""
        tab = self.tab()
        tab.open()
        tab.open()
        heard = tab.say("terminal:swap_terminals", {"term1": 1, "term2": 2})
        self.assertEqual([name for name, _ in heard].count("terminal:term_moved"), 2)
        tab.open(term=1)
        tab.say("c", "x")
        self.assertEqual(self.typed(2), b"x")
        self.assertEqual(
            tab.refused("terminal:swap_terminals", {"term1": 1, "term2": 9})[0], "not_found"
        )

    def test_titles(self) -> None:
        """A title given by hand stays until it is emptied."""
        tab = self.tab()
        tab.open()
        self.assertEqual(
            tab.say("terminal:manual_title", {"term": 1, "title": "my\x1b[ work"}),
            [("terminal:set_title", {"term": 1, "title": "my[ work"})],
        )
        self.hub.on_title(1, "program's")
        self.assertEqual(tab.hear()[0][1]["title"], "my[ work")
        heard = tab.say("terminal:manual_title", {"term": 1, "title": ""})
        self.assertEqual(heard[0][1]["title"], "program's")


class LookingTests(TerminalTestCase):
    def test_resize(self) -> None:
        """The terminal takes the smallest of its viewers' rooms, within bounds."""
        one, other = self.tab(), self.tab()
        one.open()
        other.open(term=1)
        one.say("terminal:resize", {"term": 1, "rows": 1, "columns": 50_000})
        self.assertEqual(self.keeper.sizes[-1], (1, 2, 80))
        other.say("terminal:detach", 1)
        self.assertEqual(self.keeper.sizes[-1], (1, 2, 1000))

    def test_resize_of_all(self) -> None:
        """Without a number the room is that of every terminal of the tab."""
        tab = self.tab()
        tab.open()
        tab.open()
        tab.say("terminal:resize", {"rows": 10, "columns": 40})
        self.assertEqual(self.keeper.sizes, [(1, 10, 40), (2, 10, 40)])

    def test_detach(self) -> None:
        """A tab that detaches hears nothing more; the program goes on."""
        tab = self.tab()
        tab.open()
        self.assertEqual(tab.say("terminal:detach", 1), [])
        self.keeper.print(1, b"unseen")
        self.hub.on_bell([0])
        self.assertEqual((tab.hear(), tab.frames, list(self.keeper.held)), ([], [], [1]))

    def test_refresh(self) -> None:
        """The screen comes anew, from a reset, to who looks at it and nobody else."""
        tab = self.tab()
        tab.open()
        for action in ("terminal:refresh", "terminal:full_refresh"):
            self.assertTrue(tab.ask(action, 1, "terminal:attached")["reset"])
        self.assertEqual(self.tab().refused("terminal:refresh", 1)[0], "not_found")

    def test_kill(self) -> None:
        """Ending a terminal is told to everybody who looks at it, and to who asked, once."""
        one, other = self.tab(), self.tab()
        one.open()
        ended = [("terminal:term_ended", 1)]
        self.assertEqual(other.say("terminal:kill_terminal", 1), ended)
        self.assertEqual((one.hear(), self.keeper.held), (ended, {}))
        one.open()
        self.assertEqual(one.say("terminal:kill_terminal", 1), ended)

    def test_closed_tab(self) -> None:
        """A tab that closes ends no program."""
        tab = self.tab()
        tab.open()
        tab.client.closed()
        self.assertEqual(list(self.keeper.held), [1])
        self.assertEqual(self.keeper.needs[-1], (1, None))


class TimeoutTests(TerminalTestCase):
    def test_unseen_session(self) -> None:
        """Terminals of a session that nobody has looked at for long are ended, no others."""
        gone, here = self.tab(), self.tab(self.world.sign_in("bert"))
        gone.open()
        here.open()
        gone.client.closed()
        self.world.clock.advance(60)
        sessions, clock = self.world.house.sessions, self.world.clock
        self.assertEqual(sessions.end_expired(clock.seconds(), 61), 0)
        self.assertEqual(sessions.end_expired(clock.seconds(), 60), 1)
        self.assertEqual(list(self.keeper.held), [2])
