"""Tests of what a new terminal's program is given: its arguments, its environment, its limits."""

from __future__ import annotations

from collections.abc import Awaitable

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from gotwist.applications.terminal.commands import Account, choose_command
from gotwist.applications.terminal.hub import Hub, Start
from gotwist.applications.terminal.places import Place
from gotwist.applications.terminal.programs import Programs, short_hash
from gotwist.applications.terminal.terminal import Terminal
from gotwist.auth.user import User
from gotwist.errors import Malformed
from gotwist.gateway.sessions import Sessions
from tests.terminal.fakes import MemoryKeeper

ANNA = User("anna", "token", {"upn": "anna"})
HERE = Place("s1", "work")


class ProgramsTestCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.settings: dict[str, object] = {
            "commands": {"shell": "%SHELL%"},
            "default_command": "shell",
            "environment_vars": {"EDITOR": "vi", "GO_TERM": "99"},
            "max_terms": 3,
            "max_terminals": 100,
        }
        self.made: list[str] = []
        self.sessions = Sessions(lambda failure: None)
        self.hub = Hub(MemoryKeeper(), Clock().seconds, self.spawn)
        self.programs = Programs(
            self.hub,
            Account("daemon", "/home/daemon", "/bin/sh"),
            {"session_dir": "/run/s", "user_dir": "/u", "settings_dir": "/etc/s"},
            lambda: 1234,
            {"LANG": "de_DE.UTF-8", "LC_ALL": "x; rm", "SECRET": "x", "GOTWIST_HOME": "/h"},
            self.spawn,
        )

    def spawn(self, context: str, awaitable: Awaitable[object]) -> None:
        self.wait(awaitable)

    def wait(self, awaitable: Awaitable[object]) -> object:
        async def run() -> object:
            return await awaitable

        return self.successResultOf(Deferred.fromCoroutine(run()))

    def start(self, template: str = "%SHELL%", user: User = ANNA) -> Start:
        self.settings["commands"] = {"shell": template}
        command = choose_command(self.programs.commands(self.settings), None, "shell")
        return self.programs.start(user, self.settings, HERE, command, 24, 80)


class StartTests(ProgramsTestCase):
    def test_variables(self) -> None:
        """Each variable of a template becomes its value, as one argument."""
        template = "x %USER% %SHELL% %SESSION% %SESSION_DIR% %SESSION_HASH% %USERDIR% %TIME%"
        self.assertEqual(
            self.start(template).argv,
            ("x", "anna", "/bin/sh", "s1", "/run/s", short_hash("s1"), "/u", "1234"),
        )
        self.assertEqual(
            self.start("ssh -l %USER% h", User("a b; c", "token")).argv,
            ("ssh", "-l", "a b; c", "h"),
        )

    def test_refused_templates(self) -> None:
        """An unknown variable, and a name that would be an option, start nothing."""
        with self.assertRaises(Malformed):
            self.start("x %PASSWORD%")
        with self.assertRaises(Malformed):
            self.start("ssh %USER%", User("-oProxyCommand=x", "token"))

    def test_environment(self) -> None:
        """A program knows its place and the configured variables, and no secret of the daemon."""
        environment = self.start().environment(3)
        self.assertEqual(
            {name: text for name, text in environment.items() if name.startswith("GO_")},
            {
                "GO_USER": "anna",
                "GO_TERM": "3",
                "GO_LOCATION": "work",
                "GO_SESSION": "s1",
                "GO_SESSION_DIR": "/run/s",
                "GO_USER_SESSION_DIR": "/run/s/s1",
                "GO_USER_DIR": "/u",
                "GO_SETTINGS_DIR": "/etc/s",
            },
        )
        for name, text in {
            "EDITOR": "vi",
            "LANG": "de_DE.UTF-8",
            "TERM": "xterm-256color",
            "HOME": "/home/daemon",
            "LINES": "24",
            "COLUMNS": "80",
        }.items():
            self.assertEqual(environment[name], text)
        for name in ("SECRET", "GOTWIST_HOME", "LC_ALL"):
            self.assertNotIn(name, environment)

    def test_limits(self) -> None:
        """A program starts with the limits that hold for its user at that moment."""
        start = self.start()
        self.assertEqual((start.max_of_user, start.max_of_server, start.created), (3, 100, 1234))

    def test_hash_can_stand_as_an_argument(self) -> None:
        """A session's short hash never looks like an option."""
        found = [short_hash(f"session {n}") for n in range(500)]
        self.assertEqual({len(one) for one in found}, {8})
        self.assertFalse([one for one in found if one.startswith("-")])


class SessionTests(ProgramsTestCase):
    async def make(self, session: str) -> None:
        self.made.append(session)

    def test_directory_is_made_once(self) -> None:
        """A session's directory is made before its first program, and again after its end."""
        self.programs.make_directory = self.make
        session = self.sessions.restore("s1", ANNA, 0)
        self.programs.watch(session)
        for _ in range(2):
            self.wait(self.programs.prepare("s1"))
        self.wait(self.programs.prepare("s2"))
        self.assertEqual(self.made, ["s1", "s2"])
        self.sessions.end_expired(10, 5)
        self.wait(self.programs.prepare("s1"))
        self.assertEqual(self.made, ["s1", "s2", "s1"])

    def test_timeout_ends_the_terminals(self) -> None:
        """With its session, and only with it, a terminal ends; watching twice ends it once."""
        session = self.sessions.restore("s1", ANNA, 0)
        for _ in range(2):
            self.programs.watch(session)
        self.assertEqual(len(session.on_timeout), 1)
        self.wait(self.hub.open(self.start(), None))
        self.sessions.end_expired(4, 5)
        self.assertEqual(len(self.hub.places), 1)
        self.sessions.end_expired(5, 5)
        self.assertEqual(len(self.hub.places), 0)

    def test_locations_are_told(self) -> None:
        """A session knows, when it is asked for, what is open where."""
        session = self.sessions.restore("s1", ANNA, 0)
        terminal = self.wait(self.hub.open(self.start(), None))
        assert isinstance(terminal, Terminal)
        self.programs.tell_places(session)
        self.assertEqual(list(session.place("work", "terminal")), ["1"])
        self.wait(self.hub.end(terminal))
        self.programs.tell_places(session)
        self.assertEqual(session.place("work", "terminal"), {})
