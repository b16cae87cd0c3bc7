"""Tests of the console script."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from gotwist.command import SUBCOMMANDS, find_subcommand, twistd_arguments


class CommandTests(SynchronousTestCase):
    """Which arguments go where."""

    def test_options_go_to_the_daemon(self) -> None:
        """Options alone mean: run the daemon, in the foreground."""
        self.assertIsNone(find_subcommand(["--port=8443"]))
        self.assertIsNone(find_subcommand([]))
        self.assertEqual(
            twistd_arguments(["--port=8443"]),
            ["twistd", "--nodaemon", "--pidfile=", "gotwist", "--port=8443"],
        )

    def test_link_is_a_word_of_its_own(self) -> None:
        """``gotwist link`` asks the running daemon and keeps its own options."""
        self.assertEqual(
            find_subcommand(["link", "--settings_dir=/s"]),
            (SUBCOMMANDS["link"], ["--settings_dir=/s"]),
        )

    def test_a_value_is_no_word(self) -> None:
        """A file of the name of a subcommand is still a value of an option."""
        self.assertIsNone(find_subcommand(["--certificate", "link"]))

    def test_kill_is_an_option_of_the_daemon(self) -> None:
        """``gotwist --kill`` is what ``twistd -n gotwist --kill`` is."""
        self.assertIsNone(find_subcommand(["--kill"]))
        self.assertEqual(twistd_arguments(["--kill"])[-2:], ["gotwist", "--kill"])
