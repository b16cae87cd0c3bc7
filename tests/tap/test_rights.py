"""Whose rights the processes have: found from the settings, and the keeper's rules."""

from __future__ import annotations

import os
import stat
import tempfile
from pathlib import Path

from twisted.trial.unittest import SkipTest

from gotwist.applications.terminal.commands import Command, command_id
from gotwist.errors import Unavailable
from gotwist.paths import default_places
from gotwist.settings.load import SettingsFile
from gotwist.settings.snapshot import Makings, Snapshot
from gotwist.settings.source import SettingsSource
from gotwist.settings.table import TABLE
from gotwist.settings.values import Value
from gotwist.tap.keeper import keeper_rules
from gotwist.tap.rights import (
    Rights,
    check_out_of_reach,
    check_way,
    find_rights,
    hand_over,
    let_read,
    of_twistd,
)
from tests.tap.support import HomeTestCase


def snapshot_of(text: str = "{}", **overrides: Value) -> Snapshot:
    """Settings of this text."""
    places = default_places(is_root=False, home="/home/x")
    files = (SettingsFile("/x.conf", text, is_public=False),)
    return SettingsSource(files, Makings(TABLE, places, overrides)).current


class FindTests(HomeTestCase):
    def test_none(self) -> None:
        """Without an account everything runs as whoever starts it."""
        self.assertIsNone(find_rights(snapshot_of()))
        with self.assertRaises(Unavailable):
            find_rights(snapshot_of(gid="1234"))

    def test_refused(self) -> None:
        """Accounts that are none or root's, and settings that do not go together, are refused."""
        for overrides, text in (
            ({"uid": "root"}, "not root's"),
            ({"uid": "0"}, "not root's"),
            ({"uid": "54321", "gid": "0"}, "not root's"),
            ({"uid": "no_such_account"}, "no such account"),
            ({"uid": "54321", "gid": "no_such_group"}, "no such group"),
        ):
            with self.assertRaises(Unavailable) as refused:
                find_rights(snapshot_of(**overrides))
            self.assertIn(text, refused.exception.message)

    def test_not_together(self) -> None:
        """Where nobody signs in, nobody has an account."""
        if os.geteuid() != 0:
            raise SkipTest("an ordinary account is refused before that")
        for more in ({"auth": ("none",)}, {"pam_service_dir": "/x"}):
            with self.assertRaises(Unavailable):
                find_rights(snapshot_of(uid="54321", **more))

    def test_somebody_else(self) -> None:
        """Neither root nor the account itself: refused."""
        if os.geteuid() == 0:
            found = find_rights(snapshot_of(uid="54321", gid="54322", runtime_dir="/run/g"))
            self.assertEqual(found, Rights("", 54321, 54322, "/run/g-keeper"))
            return
        with self.assertRaises(Unavailable) as refused:
            find_rights(snapshot_of(uid="54321"))
        self.assertIn("only root", refused.exception.message)

    def test_twistd(self) -> None:
        """The account named to twistd means the same."""
        self.assertEqual(of_twistd({"uid": 5, "gid": None}), {"uid": "5"})
        self.assertEqual(of_twistd({"uid": 5, "gid": 6}), {"uid": "5", "gid": "6"})
        self.assertEqual(of_twistd(None), {})

    def test_keeper(self) -> None:
        """Only root starts the keeper, and only for a named account."""
        from gotwist.tap import privileged
        from gotwist.tap.actions import parse

        with self.assertRaises(Unavailable):
            privileged.run_keeper(parse([]))


class RulesTests(HomeTestCase):
    def test_rules(self) -> None:
        """The keeper's rules are those of the settings, with the commands of every scope."""
        text = """{"*": {"gotwist": {"pam_service": "sshd", "pam_services": ["x2gobroker"],
                    "auth_timeout": "1h", "trusted_methods": ["file"], "trusted_min_uid": 2000},
                   "terminal": {"commands": {"shell": "%SHELL%", "top": "top -d '1 2'"},
                    "environment_vars": {"EDITOR": "vi"}}},
             "user=bob": {"terminal": {"commands": {"top": "htop"}}}}"""
        rules = keeper_rules(snapshot_of(text))
        self.assertEqual(rules["services"], {"sshd": "sshd", "x2gobroker": "x2gobroker"})
        self.assertEqual(rules["session"], "sshd")
        self.assertEqual(rules["ticket_s"], 3600.0)
        self.assertEqual(rules["trusted"], ["file"])
        self.assertEqual(rules["trusted_min_uid"], 2000)
        self.assertEqual(rules["environment"], {"EDITOR": "vi"})
        templates = {"%SHELL%": ["%SHELL%"], "top -d '1 2'": ["top", "-d", "1 2"], "htop": ["htop"]}
        self.assertEqual(
            rules["commands"],
            {command_id(Command("x", text)): words for text, words in templates.items()},
        )


class DirectoryTests(HomeTestCase):
    def setUp(self) -> None:
        super().setUp()
        if os.geteuid() != 0:
            raise SkipTest("only root can give directories away")
        directory = tempfile.TemporaryDirectory(prefix="gotwist-")
        self.addCleanup(directory.cleanup)
        self.place = Path(directory.name)
        self.place.chmod(0o755)
        self.rights = Rights("", 54321, 54322, "/x")

    def test_hand_over(self) -> None:
        """A directory is made for the daemon alone, below directories it can pass."""
        path = self.place / "a" / "b" / "sessions"
        hand_over(str(path), self.rights)
        found = path.stat()
        self.assertEqual((found.st_uid, found.st_gid), (54321, 54322))
        self.assertEqual(stat.S_IMODE(found.st_mode), 0o700)
        check_way(str(path), self.rights)
        hand_over(str(path), self.rights)
        path.parent.chmod(0o700)
        with self.assertRaises(Unavailable):
            check_way(str(path), self.rights)

    def test_not_handed_over(self) -> None:
        """Links, and what belongs to others, are not given away."""
        other = self.place / "other"
        other.mkdir(0o700)
        (self.place / "link").symlink_to(other)
        with self.assertRaises(Unavailable):
            hand_over(str(self.place / "link"), self.rights)
        self.assertEqual(other.stat().st_uid, 0)
        other.chmod(0o755)
        with self.assertRaises(Unavailable) as refused:
            hand_over(str(other), self.rights)
        self.assertIn("open to other users", refused.exception.message)
        os.chown(other, 54399, -1)
        with self.assertRaises(Unavailable):
            hand_over(str(other), self.rights)

    def test_out_of_reach(self) -> None:
        """What root runs may not be the daemon's to change, nor anything above it."""
        path = self.place / "a" / "b"
        path.mkdir(parents=True)
        check_out_of_reach(str(path), self.rights)
        for one, uid, gid, mode in (
            (path, 54321, 0, 0o755),
            (path.parent, 54321, 0, 0o555),
            (path.parent, 0, 0, 0o777),
            (path.parent, 0, 54322, 0o770),
        ):
            os.chown(one, uid, gid)
            one.chmod(mode)
            with self.assertRaises(Unavailable):
                check_out_of_reach(str(path), self.rights)
            for one in (path, path.parent):
                os.chown(one, 0, 0)
                one.chmod(0o755)
        check_out_of_reach(str(path), self.rights)

    def test_settings(self) -> None:
        """New settings can be read, not written, by the daemon; old ones are left alone."""
        path = self.place / "10server.conf"
        path.write_text("{}")
        path.chmod(0o600)
        with self.assertRaises(Unavailable) as refused:
            let_read(str(self.place), (), self.rights)
        self.assertIn(f"chgrp 54322 {path}", refused.exception.message)
        let_read(str(self.place), (str(path),), self.rights)
        found = path.stat()
        self.assertEqual((found.st_uid, found.st_gid), (0, 54322))
        self.assertEqual(stat.S_IMODE(found.st_mode), 0o640)
