"""What must hold for the repository itself."""

from __future__ import annotations

import json
import os
import re
import subprocess
import tomllib
from importlib.metadata import version
from pathlib import Path

from twisted.trial.unittest import SkipTest, SynchronousTestCase

ROOT = Path(__file__).resolve().parents[2]
MAX_FILE_BYTES = 400_000
# Put together here, so that this file may be searched like any other.
REGISTRIES = [
    ".".join(parts)
    for parts in (
        ("registry", "npmjs", "org"),
        ("registry", "yarnpkg", "com"),
        ("files", "pythonhosted", "org"),
        ("deb", "debian", "org"),
        ("pypi", "org/simple"),
    )
]


def tracked_files() -> list[Path]:
    """The files that git knows, as they lie in the checkout."""
    if not (ROOT / ".git").exists():
        raise SkipTest("not a git checkout")
    listing = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True, text=True
    )
    files = [ROOT / name for name in listing.stdout.split("\0") if name]
    return [file for file in files if file.is_file()]


def linked_files(markdown: str) -> set[str]:
    """The paths in this repository that a Markdown text links to."""
    links = re.findall(r"\]\(([^)\s]+)\)", markdown)
    return {link.split("#")[0] for link in links if not re.match(r"[a-z]+:|#|/", link)}


class TrackedFilesTests(SynchronousTestCase):
    """Nothing lies in the repository that does not belong there."""

    def test_no_file_is_large(self) -> None:
        """Third-party code and build results are installed, never committed."""
        large = [str(file) for file in tracked_files() if file.stat().st_size > MAX_FILE_BYTES]
        self.assertEqual(large, [])

    def test_no_build_result_is_tracked(self) -> None:
        """The bundle, node_modules and twistd's plugin cache are made where they are used."""
        names = [file.relative_to(ROOT).as_posix() for file in tracked_files()]
        pattern = re.compile(r"(^|/)(node_modules|dist|__pycache__|dropin\.cache)(/|$)")
        self.assertEqual([name for name in names if pattern.search(name)], [])

    def test_no_registry_is_named(self) -> None:
        """Where packages come from is the business of whoever installs, mirrors included."""
        naming = [
            (file.relative_to(ROOT).as_posix(), registry)
            for file in tracked_files()
            for registry in REGISTRIES
            if registry.encode() in file.read_bytes()
        ]
        self.assertEqual(naming, [])

    def test_lock_file_names_no_place(self) -> None:
        """package-lock.json pins what is installed by its hash and not where it lay."""
        packages = json.loads((ROOT / "package-lock.json").read_text())["packages"]
        self.assertEqual([name for name, entry in packages.items() if "resolved" in entry], [])
        self.assertEqual(
            [name for name, entry in packages.items() if name and "integrity" not in entry], []
        )

    def test_no_plugin_directory_is_a_package(self) -> None:
        """An __init__.py in twisted/ or twisted/plugins/ would hide Twisted itself."""
        self.assertEqual(list((ROOT / "twisted").rglob("__init__.py")), [])


class CommandsTests(SynchronousTestCase):
    """The few commands of the checkout can be started."""

    def test_scripts_are_executable(self) -> None:
        """A clone can run dev, the tests' needs and CI as they are."""
        for name in ("dev", ".ci/run", "tests/needs.sh"):
            self.assertTrue(os.access(ROOT / name, os.X_OK), name)

    def test_scripts_are_plain_sh(self) -> None:
        """They parse as POSIX sh, the only shell that a bare machine surely has."""
        for name in ("dev", ".ci/run", "tests/needs.sh"):
            self.assertTrue((ROOT / name).read_bytes().startswith(b"#!/bin/sh\n"), name)
            subprocess.run(["sh", "-n", ROOT / name], check=True)

    def test_dev_without_a_word_explains_itself(self) -> None:
        """Without arguments it prints its words, installs nothing and fails."""
        answer = subprocess.run(["./dev"], cwd=ROOT, capture_output=True, text=True, check=False)
        self.assertEqual(answer.returncode, 2)
        self.assertIn("./dev run", answer.stderr)

    def test_dev_refuses_an_option_for_a_word(self) -> None:
        """An option in place of a word is a mistake, not the name of an environment."""
        answer = subprocess.run(
            ["./dev", "--port=1"], cwd=ROOT, capture_output=True, text=True, check=False
        )
        self.assertEqual(answer.returncode, 2)


class DocumentsTests(SynchronousTestCase):
    """The documents lead somewhere."""

    def test_links_between_documents_hold(self) -> None:
        """Every file that a document at the top links to exists."""
        for document in ROOT.glob("*.md"):
            for link in linked_files(document.read_text()):
                self.assertTrue((ROOT / link).exists(), f"{document.name} links to {link}")

    def test_documents_are_there(self) -> None:
        """Each document that an operator or a contributor looks for exists."""
        for name in (
            "README.md",
            "CHANGELOG.md",
            "CONTRIBUTING.md",
            "SECURITY.md",
            "LICENSE",
            "docs/architecture.md",
            "docs/dependencies.md",
            "docs/protocol.md",
            "docs/settings.md",
        ):
            self.assertTrue((ROOT / name).is_file(), name)

    def test_links_are_found(self) -> None:
        """Links to other sites and to headings are no files; all else is."""
        text = "[a](docs/a.md#b) ![c](docs/c.png) [d](https://d/) [e](#e) [f](mailto:f@g)"
        self.assertEqual(linked_files(text), {"docs/a.md", "docs/c.png"})


class DependenciesTests(SynchronousTestCase):
    """What is installed is new enough to be safe."""

    def floors(self) -> dict[str, str]:
        """The lower bounds of the metadata."""
        project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
        bounds = [re.match(r"([\w-]+)(?:\[.*\])?>=([\d.]+)$", d) for d in project["dependencies"]]
        return {bound[1]: bound[2] for bound in bounds if bound is not None}

    def test_every_dependency_has_a_lower_bound(self) -> None:
        """Dependencies are bounded from below and never pinned: security fixes must get in."""
        project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
        self.assertEqual(len(self.floors()), len(project["dependencies"]))

    def test_bounds_exclude_known_holes(self) -> None:
        """Twisted before 26.4 and Autobahn before 26.7.1 have defects a stranger can use."""
        floors = self.floors()
        self.assertGreaterEqual(_parts(floors["twisted"]), (26, 4))
        self.assertGreaterEqual(_parts(floors["autobahn"]), (26, 7, 1))

    def test_installed_versions_reach_the_bounds(self) -> None:
        """The environment under test holds nothing older than what the metadata asks for."""
        for name, floor in self.floors().items():
            self.assertGreaterEqual(_parts(version(name)), _parts(floor), name)


def _parts(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", text)[:3])
