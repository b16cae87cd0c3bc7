"""Tests of default places and private directories."""

from __future__ import annotations

import os
import stat

from twisted.trial.unittest import SynchronousTestCase

from gotwist.errors import Unavailable
from gotwist.paths import (
    MAX_SOCKET_PATH,
    check_socket_path,
    default_places,
    make_private_directory,
)


class PlacesTests(SynchronousTestCase):
    def test_root(self) -> None:
        """Root's daemon keeps its things where the system's services keep theirs."""
        places = default_places(is_root=True, home="/root")
        self.assertEqual("/etc/gotwist/conf.d", places.settings_dir)
        self.assertEqual("/var/lib/gotwist/users", places.user_dir)
        self.assertEqual("/run/gotwist", places.runtime_dir)

    def test_others(self) -> None:
        """Everybody else's keeps them below one directory of the home."""
        places = default_places(is_root=False, home="/home/alice")
        self.assertEqual("/home/alice/.gotwist/conf.d", places.settings_dir)
        self.assertEqual("/home/alice/.gotwist/run", places.runtime_dir)

    def test_deep_home(self) -> None:
        """Sockets of a deep home go where paths are short, each home's to a place of its own."""
        deep = "/home/" + "a" * 100
        places = default_places(is_root=False, home=deep, xdg_runtime_dir="/run/user/1000")
        other = default_places(is_root=False, home=deep + "b", xdg_runtime_dir="/run/user/1000")
        self.assertTrue(places.runtime_dir.startswith("/run/user/1000/gotwist-"))
        self.assertNotEqual(places.runtime_dir, other.runtime_dir)
        self.assertTrue(places.user_dir.startswith(deep))
        check_socket_path(places.runtime_dir + "/keeper.sock")
        shallow = default_places(is_root=False, home="/home/a", xdg_runtime_dir="/run/user/1000")
        self.assertEqual("/home/a/.gotwist/run", shallow.runtime_dir)

    def test_long_socket_path(self) -> None:
        """A path too long for a socket is refused in a sentence that names the options."""
        check_socket_path("/" + "a" * (MAX_SOCKET_PATH - 1))
        error = self.assertRaises(Unavailable, check_socket_path, "/" + "ü" * 60)
        self.assertIn("--runtime_dir", error.message)


class PrivateDirectoryTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.root = self.mktemp()
        os.mkdir(self.root)

    def refused(self, path: str, says: str) -> None:
        error = self.assertRaises(Unavailable, make_private_directory, path)
        self.assertIn(says, error.message)

    def test_made(self) -> None:
        """A directory is made for its user alone, its missing parents too."""
        path = os.path.join(self.root, "a", "b")
        for _ in range(2):
            self.assertEqual(path, make_private_directory(path))
        for made in (path, os.path.dirname(path)):
            self.assertEqual(0o700, stat.S_IMODE(os.stat(made).st_mode))

    def test_link(self) -> None:
        """A link is refused, also to a good directory or to nothing."""
        make_private_directory(os.path.join(self.root, "good"))
        for target in ("good", "nothing"):
            link = os.path.join(self.root, f"to-{target}")
            os.symlink(target, link)
            self.refused(link, "symbolic link")

    def test_no_directory(self) -> None:
        """A file of that name is refused."""
        path = os.path.join(self.root, "file")
        with open(path, "w"):
            pass
        self.refused(path, "not a directory")
        self.refused(os.path.join(path, "below"), "cannot be made")

    def test_open_to_others(self) -> None:
        """A directory that others may enter is refused, with the command that mends it."""
        path = os.path.join(self.root, "open")
        os.mkdir(path)
        os.chmod(path, 0o750)
        self.refused(path, f"chmod 700 {path}")
        self.assertEqual(path, make_private_directory(path, allow=0o750))

    def test_somebody_elses(self) -> None:
        """A directory of somebody else is refused."""
        if os.geteuid() != 0:
            self.refused("/usr", "belongs to user 0")
            return
        path = os.path.join(self.root, "foreign")
        os.mkdir(path, 0o700)
        os.chown(path, 12345, -1)
        self.refused(path, "belongs to user 12345")
