"""Tests of when and how the browser files are built."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from tests.packaging.test_repository import ROOT

sys.path.append(str(ROOT / "build_tools"))

import build_web
import npm


class FreshTests(SynchronousTestCase):
    """Whether a bundle has to be made anew."""

    def setUp(self) -> None:
        """A project whose bundle was made at second 100 from sources of second 50."""
        self.root = Path(self.mktemp())
        for name in ("package.json", "package-lock.json", "static/src/main.ts"):
            self.write(name, 50)
        self.write("build_tools/bundle.mjs", 50)
        self.write("static/dist/manifest.json", 100)

    def write(self, name: str, second: int) -> None:
        """Make a file that was last changed at this second."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        os.utime(path, (second, second))

    def test_a_newer_bundle_is_fresh(self) -> None:
        """A bundle newer than all it is made of is left as it is."""
        self.write("static/dist/main.js", 200)
        self.assertTrue(build_web.is_fresh(self.root))

    def test_a_missing_bundle_is_not(self) -> None:
        """Without a manifest there is no bundle, whatever else lies there."""
        (self.root / "static/dist/manifest.json").unlink()
        self.assertFalse(build_web.is_fresh(self.root))

    def test_a_changed_source_is_noticed(self) -> None:
        """A change of a source, the lock file or the bundler itself makes a bundle stale."""
        for name in ("static/src/main.ts", "package-lock.json", "build_tools/bundle.mjs"):
            self.write(name, 150)
            self.assertFalse(build_web.is_fresh(self.root), name)
            self.write(name, 50)


class EnvironmentTests(SynchronousTestCase):
    """What npm is given."""

    def test_packaged_node_comes_first(self) -> None:
        """npm's children find the very Node that runs npm, not one too old for it on PATH."""
        environment = npm.Npm(("node",), ("/packaged/bin",)).environment()
        self.assertEqual(environment["PATH"].split(os.pathsep)[0], "/packaged/bin")

    def test_system_certificates_are_used(self) -> None:
        """Behind a company's own authority npm trusts whom the machine trusts."""
        self.patch(os, "environ", {"PATH": "/bin", "SSL_CERT_FILE": "/company.pem"})
        environment = npm.Npm(("npm",)).environment()
        self.assertEqual(environment["NODE_EXTRA_CA_CERTS"], "/company.pem")
        self.assertEqual(environment["NODE_USE_SYSTEM_CA"], "1")


class SystemNpmTests(SynchronousTestCase):
    """Which Node of the machine will do."""

    def machine(self, **programs: str) -> None:
        """Put a PATH in place on which these programs print these texts."""
        directory = Path(self.mktemp()).absolute()
        directory.mkdir()
        for name, text in programs.items():
            (directory / name).write_text(f"#!/bin/sh\necho {text}\n")
            (directory / name).chmod(0o755)
        self.patch(os, "environ", {"PATH": str(directory)})

    def test_a_recent_node_is_used(self) -> None:
        """With Node 18 or newer and npm the machine's own are used."""
        self.machine(node="v18.0.0", npm="9")
        found = npm.find_system_npm()
        assert found is not None
        self.assertEqual(Path(found.command[0]).name, "npm")

    def test_an_old_node_is_not(self) -> None:
        """An older Node is left alone, and the packaged one installed instead."""
        self.machine(node="v16.20.2", npm="8")
        self.assertIsNone(npm.find_system_npm())

    def test_half_a_node_is_not(self) -> None:
        """Node without npm will not do, nor will something else of that name."""
        self.machine(node="v20.0.0")
        self.assertIsNone(npm.find_system_npm())
        self.machine(node="usage: node ADDRESS", npm="9")
        self.assertIsNone(npm.find_system_npm())
