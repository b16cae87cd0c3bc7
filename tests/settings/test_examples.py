"""Tests of the example files that are shipped."""

from __future__ import annotations

import configparser
import re
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from gotwist.settings.commandline import CommandLine, parse_command_line
from gotwist.settings.generate import generated_files
from gotwist.settings.jsonc import parse_document
from gotwist.settings.load import SettingsFile, load
from gotwist.settings.table import TABLE
from tests.settings.helpers import makings

CONF = Path(__file__).resolve().parent.parent.parent / "conf"


def uncommented(text: str) -> str:
    """A file with the scopes that stand in its comments behind the closing of the first."""
    head, mark, tail = text.rpartition("\n    }\n\n    // ")
    lines = (mark + tail).split("\n")
    kept = [re.sub(r"^    // ", "    ", line) for line in lines if not is_prose(line)]
    return head + "\n".join(kept)


def is_prose(line: str) -> bool:
    return re.match(r"    // ?[A-Za-z]", line) is not None


def options_of(text: str) -> set[str]:
    """The options that a file sets."""
    root = parse_document("x", text).root
    return {
        f"{application}.{option}"
        for applications in root.values()
        if isinstance(applications, dict)
        for application, options in applications.items()
        if isinstance(options, dict)
        for option in options
    }


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
        text = self.read("50access.conf").text.replace('"allow": true\n', '"allow": false\n')
        settings = load([SettingsFile("x", uncommented(text))], makings())

        def may(address: str, *groups: str) -> object:
            attributes = {"upn": "alice@example.org", "ip_address": address}
            return settings.application("terminal", attributes, groups)["allow"]

        self.assertIs(True, may("10.1.2.3", "operators"))
        self.assertIs(False, may("192.0.2.1", "operators"))
        self.assertIs(False, may("10.1.2.3", "guests"))
        operator = settings.application("terminal", {"upn": "x"}, ["operators"])
        self.assertEqual(["log", "shell"], sorted(operator.mapping("commands")))
        gone = {"upn": "mallory@example.org"}
        self.assertIs(False, settings.application("gotwist", gone)["list_users"])
        self.assertIs(False, settings.application("terminal", gone, ["operators"])["allow"])

    def test_defaults(self) -> None:
        """The files of policies change nothing as they are, and all they hold in comments works."""
        plain = load([], makings())
        for name in ("50access.conf", "50limits.conf", "50messaging.conf"):
            file = self.read(name)
            self.assertEqual((), load([file], makings()).changed_since(plain), name)
            load([SettingsFile(name, uncommented(file.text))], makings())

    def test_order(self) -> None:
        """What these files say is not undone by a generated one that is read later."""
        written = generated_files(makings())
        for name in ("50access.conf", "50limits.conf", "50messaging.conf"):
            for later, text in written.items():
                if later > name:
                    clash = options_of(self.read(name).text) & options_of(text)
                    self.assertEqual(set(), clash, (name, later))

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
