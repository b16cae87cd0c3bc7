"""The setuptools command that bundles the browser files and puts them into the package.

A wheel carries ``gotwist/static`` and ``gotwist/conf``.  An editable install only bundles, in
place: the daemon looks into its package first and beside it second.  ``GOTWIST_NO_WEB=1``
leaves the bundle as it is (for machines that build without a network).
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

from npm import REQUIREMENT, find_npm
from setuptools import Command
from setuptools.command.build import build
from setuptools.errors import ExecError

ROOT = Path(__file__).resolve().parent.parent
# Sources of the bundle have no business in an installed package.
SOURCES = shutil.ignore_patterns("src", "*.ts", "*.tsx", "*.mjs", "node_modules")


class BuildWithWeb(build):
    """setuptools' ``build``, and the browser files after it."""

    sub_commands: ClassVar = [*build.sub_commands, ("build_web", None)]


class BuildWeb(Command):
    """Bundle the browser files and copy them and the settings' templates into the package."""

    description = "bundle the browser files with npm and esbuild"
    user_options: ClassVar[list[tuple[str, str, str]]] = []
    build_lib: str | None
    editable_mode: bool

    def initialize_options(self) -> None:
        """Begin with nothing known."""
        self.build_lib = None
        self.editable_mode = False

    def finalize_options(self) -> None:
        """Take the directory from the command that builds the modules."""
        self.set_undefined_options("build_py", ("build_lib", "build_lib"))

    def run(self) -> None:
        """Bundle if anything changed; in a real build also copy."""
        if os.environ.get("GOTWIST_NO_WEB") != "1":
            ensure_bundle(ROOT)
        if self.editable_mode:
            return
        assert self.build_lib is not None
        for name in ("static", "conf"):
            if (ROOT / name).is_dir():
                target = Path(self.build_lib, "gotwist", name)
                # Left over from an earlier build: its hashed names would travel along for ever.
                shutil.rmtree(target, ignore_errors=True)
                shutil.copytree(ROOT / name, target, ignore=SOURCES)
                _remove_empty_directories(target)

    def get_source_files(self) -> list[str]:
        """The files a source distribution must hold; MANIFEST.in names them."""
        return []

    def get_outputs(self) -> list[str]:
        """The files this command wrote for the package."""
        if self.editable_mode or self.build_lib is None:
            return []
        package = Path(self.build_lib, "gotwist")
        return [
            str(file)
            for name in ("static", "conf")
            for file in (package / name).rglob("*")
            if file.is_file()
        ]

    def get_output_mapping(self) -> dict[str, str]:
        """Nothing is linked into an editable install: the daemon looks beside the package."""
        return {}


def is_fresh(root: Path) -> bool:
    """Whether the bundle is newer than everything it is made of."""
    manifest = root / "static" / "dist" / "manifest.json"
    if not manifest.exists():
        return False
    built = manifest.stat().st_mtime_ns
    return all(source.stat().st_mtime_ns <= built for source in _sources(root))


def ensure_bundle(root: Path) -> None:
    """Install what package-lock.json names and run the project's own bundler, if need be.

    Two builds of one checkout (tox runs several environments) take turns.

    :raises ExecError: when there is no Node, or npm fails.
    """
    cache = root / ".cache"
    cache.mkdir(exist_ok=True)
    with open(cache / "build_web.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not is_fresh(root):
            _bundle(root)


def _bundle(root: Path) -> None:
    npm = find_npm()
    if npm is None:
        raise ExecError(f"the browser files need Node with npm, or: pip install '{REQUIREMENT}'")
    try:
        if not _has_modules(root):
            # Scripts of packages are arbitrary code from strangers, and none of ours needs one.
            npm.run(["ci", "--ignore-scripts", "--no-audit", "--no-fund"], root)
        npm.run(["run", "build"], root)
    except subprocess.CalledProcessError as failed:
        raise ExecError(f"npm failed with exit status {failed.returncode}") from failed


def _has_modules(root: Path) -> bool:
    installed = root / "node_modules" / ".package-lock.json"
    locked = root / "package-lock.json"
    return installed.exists() and installed.stat().st_mtime_ns >= locked.stat().st_mtime_ns


def _sources(root: Path) -> Iterator[Path]:
    for name in ("package.json", "package-lock.json", "tsconfig.json"):
        if (root / name).exists():
            yield root / name
    yield from (root / "build_tools").glob("*.mjs")
    bundle_directory = root / "static" / "dist"
    for directory, names, files in os.walk(root / "static"):
        if Path(directory) == bundle_directory:
            names.clear()
            continue
        yield from (Path(directory, file) for file in files)


def _remove_empty_directories(top: Path) -> None:
    for directory, _, _ in os.walk(top, topdown=False):
        if not os.listdir(directory):
            os.rmdir(directory)
