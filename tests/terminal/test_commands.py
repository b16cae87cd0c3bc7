"""Tests of how commands become argument vectors and environments."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gotwist.applications.terminal.commands import (
    Account,
    Command,
    build_argv,
    build_environment,
    choose_command,
    read_commands,
)
from gotwist.errors import Malformed, NotFound

ACCOUNT = Account("anna", "/home/anna", "/bin/bash")


class ArgvTests(SynchronousTestCase):
    def test_template_is_split_before_values_are_filled_in(self) -> None:
        """A value with spaces and shell signs stays one argument."""
        command = Command("hello", "echo 'for %USER%' %USER%")
        argv = build_argv(command, {"USER": "a b; rm -rf $(x)"})
        self.assertEqual(argv, ("echo", "for a b; rm -rf $(x)", "a b; rm -rf $(x)"))

    @given(st.text(st.characters(exclude_characters="\0"), min_size=1))
    def test_no_value_becomes_two_arguments(self, text: str) -> None:
        """Whatever a value holds, the number of arguments is the template's."""
        self.assertEqual(
            build_argv(Command("c", "run x%USER% -- end"), {"USER": text}),
            ("run", "x" + text, "--", "end"),
        )

    def test_user_value_that_looks_like_an_option_is_refused(self) -> None:
        """A user's name may not become an option of the program."""
        with self.assertRaises(Malformed):
            build_argv(Command("c", "login %USER%"), {"USER": "-froot"})
        self.assertEqual(
            build_argv(Command("c", "login --name=%USER%"), {"USER": "-froot"}),
            ("login", "--name=-froot"),
        )

    def test_bad_templates_are_refused_by_name(self) -> None:
        """The sentence names the command whose template is wrong."""
        for template in ("", "echo 'open", "echo %NOSUCH%", "echo %USER%"):
            with self.assertRaisesRegex(Malformed, "odd|dash|NUL"):
                build_argv(Command("odd", template), {"USER": "-\0"})

    def test_commands_come_as_text_or_as_objects(self) -> None:
        """Both documented forms are read, anything else is refused by name."""
        commands = read_commands({"a": "one", "b": {"command": "two", "description": "d"}})
        self.assertEqual(commands["a"], Command("a", "one"))
        self.assertEqual(commands["b"], Command("b", "two", "d"))
        with self.assertRaisesRegex(Malformed, '"c"'):
            read_commands({"c": 7})

    def test_unknown_command_is_refused(self) -> None:
        """Clients choose by name; a name nobody defined opens nothing."""
        commands = read_commands({"a": "one"})
        self.assertEqual(choose_command(commands, None, "a").template, "one")
        with self.assertRaises(NotFound):
            choose_command(commands, "b", "a")


class EnvironmentTests(SynchronousTestCase):
    def test_environment_starts_from_nothing(self) -> None:
        """Nothing of the daemon's environment reaches a program but a valid locale."""
        environment = build_environment(
            ACCOUNT,
            {"LANG": "de_DE.UTF-8", "LC_ALL": "x; y", "LD_PRELOAD": "/x", "SECRET": "s"},
            {"TERM": "xterm"},
            {"GO_TERM": "3"},
        )
        self.assertEqual(environment["LANG"], "de_DE.UTF-8")
        self.assertEqual(environment["TERM"], "xterm")
        self.assertEqual(environment["GO_TERM"], "3")
        self.assertEqual(environment["HOME"], "/home/anna")
        for name in ("LC_ALL", "LD_PRELOAD", "SECRET"):
            self.assertNotIn(name, environment)
