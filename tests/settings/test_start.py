"""Tests of settings at the first and at later starts."""

from __future__ import annotations

import os
import stat

from twisted.trial.unittest import SynchronousTestCase

from gotwist.errors import Unavailable
from gotwist.paths import default_places
from gotwist.settings.commandline import parse_command_line
from gotwist.settings.error import SettingsError
from gotwist.settings.start import OpenedSettings, open_settings
from gotwist.settings.table import TABLE

ALL = ["10server.conf", "20authentication.conf", "20cookie_secret.conf", "50terminal.conf"]


class StartTests(SynchronousTestCase):
    def setUp(self) -> None:
        home = os.path.abspath(self.mktemp())
        os.mkdir(home, 0o755)
        self.places = default_places(is_root=False, home=home)
        self.directory = self.places.settings_dir

    def start(self, *words: str) -> OpenedSettings:
        line = parse_command_line(words, TABLE, cwd="/")
        return open_settings(line.overrides, self.places)

    def write(self, name: str, text: str) -> None:
        os.makedirs(self.directory, mode=0o700, exist_ok=True)
        path = os.path.join(self.directory, name)
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(text)

    def test_first_start(self) -> None:
        """The first start writes the default files, for the daemon's user alone."""
        opened = self.start()
        self.assertEqual(ALL, sorted(os.listdir(self.directory)))
        self.assertEqual(ALL, sorted(os.path.basename(path) for path in opened.written))
        self.assertEqual(0o700, stat.S_IMODE(os.stat(self.directory).st_mode))
        for path in opened.written:
            self.assertEqual(0o600, stat.S_IMODE(os.stat(path).st_mode))

    def test_files_say_the_defaults(self) -> None:
        """The files of a start without options change nothing of the defaults."""
        first = self.start().source.current
        for name in ALL:
            if name != "20cookie_secret.conf":
                os.unlink(os.path.join(self.directory, name))
        self.write("30own.conf", "{}")
        self.assertEqual((), self.start().source.current.changed_since(first))

    def test_options_of_the_first_start(self) -> None:
        """The first start's options are in force, and in the files for the next start."""
        words = (
            "--port=0",
            "--session_timeout=1500",
            "--origins=a.example.org;b.example.org",
            "--auth=none",
            "--dtach=False",
            "--max_connections=7",
            "--byte_rate=1M",
            "--debug",
        )
        first = self.start(*words).source.current
        self.assertEqual(
            (0, 1.5, 7), (first["port"], first["session_timeout"], first["max_connections"])
        )
        second = self.start()
        self.assertEqual((), second.written)
        self.assertEqual((), second.source.current.changed_since(first))

    def test_later_options_are_not_written(self) -> None:
        """Options of later starts hold for that start only."""
        self.start()
        self.assertEqual(1234, self.start("--port=1234").source.current["port"])
        self.assertEqual(10443, self.start().source.current["port"])

    def test_comments(self) -> None:
        """Each option in a generated file has its help above it."""
        self.start()
        with open(os.path.join(self.directory, "10server.conf")) as file:
            text = file.read()
        self.assertIn(
            'told at the start.\n            "port": 10443,\n',
            text,
        )
        self.assertTrue(all(len(line) < 80 or "/" in line for line in text.splitlines()))

    def test_cookie_secret(self) -> None:
        """Each installation has a secret of its own, of 45 characters, that stays."""
        first = self.start().source.current.text("cookie_secret")
        self.assertRegex(first, r"\A[A-Za-z0-9]{45}\Z")
        self.assertEqual(first, self.start().source.current["cookie_secret"])
        os.unlink(os.path.join(self.directory, "20cookie_secret.conf"))
        opened = self.start()
        self.assertEqual(1, len(opened.written))
        self.assertNotEqual(first, opened.source.current["cookie_secret"])

    def test_own_files(self) -> None:
        """Where there are settings files, only a missing secret is added."""
        self.write("10server.conf", '{"*": {"gotwist": {"port": 1}}}')
        opened = self.start()
        self.assertEqual(
            ["10server.conf", "20cookie_secret.conf"], sorted(os.listdir(self.directory))
        )
        self.assertEqual(1, opened.source.current["port"])

    def test_refused_start(self) -> None:
        """A start that is refused writes nothing."""
        self.assertRaises(SettingsError, self.start, "--auth=none", "--address=")
        self.assertFalse(os.path.exists(self.directory))
        self.write("10server.conf", '{"*": {"gotwist": {"port": 1,}}}')
        error = self.assertRaises(SettingsError, self.start)
        self.assertIn("10server.conf:1:29: trailing comma", str(error))
        self.assertEqual(["10server.conf"], os.listdir(self.directory))

    def test_other_directory(self) -> None:
        """The settings directory can be chosen."""
        chosen = os.path.abspath(self.mktemp())
        self.assertEqual(chosen, self.start(f"--settings_dir={chosen}").directory)
        self.assertEqual(ALL, sorted(os.listdir(chosen)))
        self.assertFalse(os.path.exists(self.directory))

    def test_unusable_directory(self) -> None:
        """A directory that cannot be made is told in a sentence."""
        error = self.assertRaises(Unavailable, self.start, "--settings_dir=/dev/null/conf")
        self.assertIn("/dev/null", str(error))
