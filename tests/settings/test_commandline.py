"""Tests of the command line."""

from __future__ import annotations

import re

from twisted.trial.unittest import SynchronousTestCase

from gotwist.settings.commandline import OptionError, parse_command_line, render_help
from gotwist.settings.table import TABLE
from gotwist.settings.values import Value
from tests.settings.helpers import PLACES


def parse(*words: str) -> dict[str, Value]:
    return dict(parse_command_line(words, TABLE, cwd="/srv").overrides)


class ParseTests(SynchronousTestCase):
    def test_values(self) -> None:
        """Options are written --name=value, and are read by their kind."""
        self.assertEqual(
            {"port": 8443, "address": ("127.0.0.1", "::1"), "session_timeout": 0.0},
            parse("--port=8443", "--address=127.0.0.1;::1", "--session_timeout=0"),
        )

    def test_booleans(self) -> None:
        """A bare name is true; True, False and None are understood."""
        self.assertEqual({"debug": True}, parse("--debug"))
        self.assertEqual({"debug": True}, parse("--debug=True"))
        self.assertEqual({"dtach": False}, parse("--dtach=False"))
        self.assertEqual({"dtach": None}, parse("--dtach=None"))

    def test_none(self) -> None:
        """None is the default of any option; none is a way to sign in."""
        self.assertEqual(
            {"port": None, "certificate": None}, parse("--port=None", "--certificate=None")
        )
        self.assertEqual({"auth": ("none",)}, parse("--auth=none"))
        self.assertEqual({"auth": None}, parse("--auth=None"))

    def test_empty_values(self) -> None:
        """An empty value is a value where that makes sense."""
        self.assertEqual({"address": ("",), "origins": ()}, parse("--address=", "--origins="))
        self.assertRaises(OptionError, parse, "--port=")
        self.assertRaises(OptionError, parse, "--certificate=")

    def test_values_with_equals_signs(self) -> None:
        """Only the first equals sign ends the name."""
        self.assertRaises(OptionError, parse, "--url_prefix=/a=b/")
        self.assertEqual({"user_dir": "/a=b"}, parse("--user_dir=/a=b"))

    def test_last_one_counts(self) -> None:
        """The last of several equal options counts."""
        self.assertEqual({"port": 2}, parse("--port=1", "--port=2"))

    def test_dashes(self) -> None:
        """Dashes may stand for underscores."""
        self.assertEqual({"session_timeout": 1.0}, parse("--session-timeout=1s"))

    def test_relative_paths(self) -> None:
        """Relative paths begin where the command was typed."""
        self.assertEqual({"settings_dir": "/srv/conf"}, parse("--settings_dir=./conf"))
        self.assertEqual({"settings_dir": "/conf"}, parse("--settings_dir=/conf"))

    def test_actions(self) -> None:
        """Actions are asked for like booleans."""
        self.assertTrue(parse_command_line(["--kill"], TABLE, cwd="/").is_on("kill"))
        self.assertFalse(parse_command_line([], TABLE, cwd="/").is_on("kill"))
        self.assertTrue(parse_command_line(["-h"], TABLE, cwd="/").wants_help)


class RefusalTests(SynchronousTestCase):
    def refused(self, word: str, says: str) -> None:
        error = self.assertRaises(OptionError, parse, word)
        self.assertIn(says, error.message)
        self.assertNotIn("\n", error.message)

    def test_unknown(self) -> None:
        """An unknown option is an error that names the nearest known one."""
        self.refused("--prot=1", "did you mean --port?")
        self.refused("--sesion-timeout=1", "did you mean --session_timeout?")
        self.refused("--xyzzy", "--help lists")

    def test_no_option(self) -> None:
        """A word that is no option is an error."""
        self.refused("start", "is no option")
        self.refused("-p", "is no option")
        self.refused("--", "is no option")

    def test_missing_value(self) -> None:
        """An option without the value it needs is an error that shows how to write it."""
        self.refused("--port", "--port needs a value: --port=number")

    def test_bad_value(self) -> None:
        """A bad value is an error that says what would be right."""
        self.refused("--port=99999", "--port must be a whole number from 0 to 65535")
        self.refused("--auth=magic", "--auth must be one or more of: token, ")
        self.refused("--debug=maybe", "True, False or None")

    def test_file_only(self) -> None:
        """What belongs into a file is told so; a secret would be seen in the process list."""
        self.refused("--cookie_secret=x", "not on the command line")
        self.refused("--max_terms=3", '{"*": {"terminal": {"max_terms": ...}}}')


class HelpTests(SynchronousTestCase):
    def test_help(self) -> None:
        """The help names every option of the command line, in lines that fit."""
        text = render_help(TABLE, PLACES)
        for option in TABLE:
            found = re.search(rf"--{option.name}\b", text) is not None
            self.assertEqual(option.command_line, found, option.name)
        for line in text.splitlines():
            self.assertTrue(len(line) <= 79 or " " not in line.strip(), line)
        self.assertIn("(default 10443)", text)
        self.assertIn("/home/alice/.gotwist/users", text)

    def test_narrow(self) -> None:
        """The help does not fail without a terminal to fill."""
        self.assertIn("--port", render_help(TABLE, PLACES, width=0))
