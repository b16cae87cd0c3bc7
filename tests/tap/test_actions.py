"""Tests of what the command line does instead of running a daemon."""

from __future__ import annotations

import io
import json
import os
import socket
import stat
import threading
from contextlib import redirect_stderr

from gotwist.auth.apikey import sign
from gotwist.control import wire
from gotwist.errors import Malformed, Unavailable
from gotwist.settings.load import SettingsFile, load
from gotwist.tap import Options, kill_terminals, print_link, validate_authobj
from gotwist.tap.actions import parse, run_action
from tests.settings.helpers import makings
from tests.tap.support import HomeTestCase, printed


class ActionsTests(HomeTestCase):
    def ends_with(self, *words: str) -> tuple[object, str]:
        """Exit status and output of a command line that runs no daemon."""
        status: list[object] = []

        def run() -> None:
            with self.assertRaises(SystemExit) as ended:
                Options().parseOptions(words)
            status.append(ended.exception.code)

        output = printed(run)
        return status[0], output

    def test_help(self) -> None:
        """``--help`` names every option with its default, and writes nothing."""
        status, output = self.ends_with("--help")
        self.assertEqual(status, 0)
        for text in ("--port", "--auth", "--settings_dir", str(self.home)):
            self.assertIn(text, output)
        self.assertFalse(self.home.exists())

    def test_version(self) -> None:
        """``--version`` prints one line."""
        status, output = self.ends_with("--version")
        self.assertEqual(status, 0)
        self.assertRegex(output, r"\Agotwist \S+\n\Z")

    def test_daemon(self) -> None:
        """Other options run the daemon, so nothing happens here."""
        self.assertEqual(printed(lambda: self.assertIsNone(run_action(parse(["--port=1"])))), "")

    def test_new_api_key(self) -> None:
        """``--new_api_key`` prints the key alone; the secret stands in the file alone."""
        with redirect_stderr(io.StringIO()) as told:
            status, output = self.ends_with("--new_api_key")
            other = self.ends_with("--new_api_key")[1]
        self.assertEqual(status, 0)
        path = self.home / "conf.d" / "30api_keys.conf"
        self.assertIn(str(path), told.getvalue())
        self.assertEqual(stat.S_IMODE(path.stat().st_mode), 0o600)
        options = load([SettingsFile("f", path.read_text())], makings()).mapping("api_keys")
        self.assertEqual("".join(f"{key}\n" for key in options), output + other)
        for secret in options.values():
            self.assertNotIn(str(secret), output + other + told.getvalue())
        # What a first start writes is there as well, so that the next start is complete.
        self.assertTrue((path.parent / "10server.conf").is_file())
        self.assertEqual(len(list(self.home.iterdir())), 1)

    def test_new_api_key_elsewhere(self) -> None:
        """The settings directory of the command line gets the key."""
        directory = self.home / "other"
        with redirect_stderr(io.StringIO()):
            self.ends_with("--new_api_key", f"--settings_dir={directory}", "--auth=api")
        self.assertTrue((directory / "30api_keys.conf").is_file())
        self.assertIn('"api"', (directory / "20authentication.conf").read_text())

    def test_new_api_key_beside_bad_settings(self) -> None:
        """Where the daemon would not start, no key is made."""
        self.settings('{"*": {"gotwist": {"prot": 1}}}')
        status, output = self.ends_with("--new_api_key")
        self.assertIn("port", str(status))
        self.assertEqual(output, "")
        self.assertFalse((self.home / "conf.d" / "30api_keys.conf").exists())

    def test_validate_authobj(self) -> None:
        """An object is checked against the keys in the settings, whatever its age."""
        secret = "s" * 43
        self.settings(json.dumps({"*": {"gotwist": {"api_keys": {"one": secret}}}}))
        good = {
            "api_key": "one",
            "upn": "joe",
            "timestamp": 1323391717238,
            "signature": sign(secret, "one", "joe", "1323391717238", "HMAC-SHA1"),
            "signature_method": "HMAC-SHA1",
            "api_version": "1.0",
        }
        for fields, options, expected in (
            (good, (), 0),
            (good, ("--api_allow_sha1=False",), 2),
            ({**good, "upn": "ann"}, (), 2),
            ({**good, "api_key": "two"}, (), 2),
            ({**good, "timestamp": 1}, (), 2),
            ({}, (), 2),
        ):
            status, output = self.validated(json.dumps(fields), *options)
            self.assertEqual(status, expected, output)
            self.assertIn("bad" if expected else "joe", output)
            self.assertNotIn(secret, output)
        self.assertEqual(self.validated(), (2, "This object is bad: The object is not JSON.\n"))

    def validated(self, *words: str) -> tuple[int, str]:
        """Exit status and output of ``gotwist validate_authobj``."""
        status: list[int] = []
        output = printed(lambda: status.append(validate_authobj(words)))
        return status[0], output

    def test_refused(self) -> None:
        """A word that is no option is one sentence and no traceback."""
        status, output = self.ends_with("--nonsense")
        assert isinstance(status, str)
        self.assertTrue(status.startswith("gotwist: "))
        self.assertEqual(output, "")
        with self.assertRaises(Malformed):
            print_link(["--nonsense"])

    def test_kill_without_a_keeper(self) -> None:
        """``--kill`` says so when there is nothing to end."""
        self.assertEqual(self.ends_with("--kill"), (0, "No terminals are running.\n"))
        self.assertEqual(printed(lambda: kill_terminals([])), "No terminals are running.\n")

    def test_link_without_a_daemon(self) -> None:
        """Without a daemon there is no link, and the sentence says where it was looked for."""
        with self.assertRaises(Unavailable) as refused:
            print_link([])
        self.assertIn(str(self.home), refused.exception.message)

    def test_link(self) -> None:
        """The link that the daemon gives is printed, and nothing else."""
        directory = self.home / "elsewhere"
        directory.mkdir(mode=0o700, parents=True)
        listening = socket.socket(socket.AF_UNIX)
        self.addCleanup(listening.close)
        listening.bind(os.fspath(directory / "control.sock"))
        listening.listen()

        def answer() -> None:
            connection, _ = listening.accept()
            with connection:
                connection.recv(4096)
                connection.sendall(wire.render_answer({"link": "https://x/auth?token=t"}))

        thread = threading.Thread(target=answer)
        thread.start()
        self.addCleanup(thread.join)
        output = printed(lambda: print_link([f"--runtime_dir={directory}"]))
        self.assertEqual(output, "https://x/auth?token=t\n")
