"""Tests of what the command line does instead of running a daemon."""

from __future__ import annotations

import os
import socket
import threading

from gotwist.control import wire
from gotwist.errors import Malformed, Unavailable
from gotwist.tap import Options, kill_terminals, print_link
from gotwist.tap.actions import parse, run_action
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
