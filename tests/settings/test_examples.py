"""Tests of the example files that are shipped."""

from __future__ import annotations

import configparser
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from gotwist.settings.commandline import parse_command_line
from gotwist.settings.load import SettingsFile, load
from gotwist.settings.table import TABLE
from tests.settings.helpers import makings

CONF = Path(__file__).resolve().parent.parent.parent / "conf"


class ExampleTests(SynchronousTestCase):
    def read(self, name: str) -> SettingsFile:
        return SettingsFile(name, (CONF / name).read_text(encoding="utf-8"))

    def test_each(self) -> None:
        """Every example is a good settings file, alone and with the others."""
        names = sorted(path.name for path in CONF.glob("*.conf"))
        self.assertGreaterEqual(len(names), 3)
        for name in names:
            load([self.read(name)], makings())
        load([self.read(name) for name in names], makings())

    def test_access(self) -> None:
        """The example of scopes does what its comments say."""
        settings = load([self.read("50access.example.conf")], makings())
        alice = settings.application("terminal", {"upn": "alice@example.org"})
        mallory = settings.application("terminal", {"upn": "alice@example.org.evil"})
        self.assertEqual((64, 8), (alice["max_terms"], mallory["max_terms"]))
        near = settings.application("terminal", {"upn": "x", "ip_address": "10.1.2.3"})
        self.assertEqual(20000, near["scrollback"])
        operator = settings.application("terminal", {"upn": "x"}, ["operators"])
        self.assertEqual(["log", "shell"], sorted(operator.mapping("commands")))

    def test_described(self) -> None:
        """The README there names every file."""
        text = (CONF / "README").read_text(encoding="utf-8")
        for path in CONF.iterdir():
            self.assertTrue(path.name == "README" or path.name in text, path.name)

    def test_unit(self) -> None:
        """The unit starts the daemon with options that exist, and spares the terminals."""
        unit = configparser.RawConfigParser(strict=False)
        unit.optionxform = str  # type: ignore[assignment,method-assign]
        unit.read_string(
            (CONF / "gotwist.service").read_text(encoding="utf-8").replace("\\\n", " ")
        )
        service = unit["Service"]
        words = service["ExecStart"].partition(" gotwist ")[2].split()
        line = parse_command_line(words, TABLE, cwd="/")
        self.assertEqual("/run/gotwist", line.overrides["runtime_dir"])
        self.assertEqual("process", service["KillMode"])
        self.assertEqual("yes", service["RuntimeDirectoryPreserve"])
