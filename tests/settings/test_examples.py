"""Tests of the example files that are shipped."""

from __future__ import annotations

import configparser
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from gotwist.settings.commandline import CommandLine, parse_command_line
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

    def unit(self, name: str) -> tuple[configparser.SectionProxy, CommandLine]:
        """What a unit says of its service, and the options it is started with."""
        unit = configparser.RawConfigParser(strict=False)
        unit.optionxform = str  # type: ignore[assignment,method-assign]
        unit.read_string((CONF / name).read_text(encoding="utf-8").replace("\\\n", " "))
        service = unit["Service"]
        words = service["ExecStart"].partition(" gotwist ")[2].split()
        return service, parse_command_line(words, TABLE, cwd="/")

    def test_authservice_unit(self) -> None:
        """The unit of the authentication service starts it alone, where its group reaches it."""
        service, line = self.unit("gotwist-authservice.service")
        self.assertEqual("authservice", line.overrides["services"])
        self.assertEqual(
            f"/run/{service['RuntimeDirectory']}/authservice.sock",
            line.overrides["authservice_path"],
        )
        self.assertEqual(service["Group"], line.overrides["authservice_group"])
        self.assertEqual(("0750", "0", "yes"), (service["RuntimeDirectoryMode"],
                         service["LimitCORE"], service["NoNewPrivileges"]))  # fmt: skip

    def test_pam_service(self) -> None:
        """The example for PAM has all four kinds of lines, and nothing that believes root."""
        lines = (CONF / "pam.d" / "gotwist").read_text(encoding="utf-8").splitlines()
        said = [line for line in lines if line and not line.startswith("#")]
        for kind in ("auth", "account", "password", "session"):
            self.assertTrue(any(kind in line for line in said), kind)
        self.assertFalse(any("pam_rootok" in line for line in said))

    def test_unit(self) -> None:
        """The unit starts the daemon with options that exist, and spares the terminals."""
        service, line = self.unit("gotwist.service")
        self.assertEqual("/run/gotwist", line.overrides["runtime_dir"])
        self.assertEqual("process", service["KillMode"])
        self.assertEqual("yes", service["RuntimeDirectoryPreserve"])
