"""The recipes of the documentation do what they say."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from cryptography import x509
from twisted.internet.defer import Deferred
from twisted.trial.unittest import SkipTest, SynchronousTestCase

from gotwist.auth.apikey import ApiKeys, ApiRules
from gotwist.auth.replays import MemoryReplays
from gotwist.settings.load import SettingsFile, load
from gotwist.web.client_certificates import leaf_fault, load_policy
from gotwist.web.options import ClientPolicy
from tests.settings.helpers import makings

ROOT = Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "build_tools"))

from npm import find_npm  # noqa: E402

KEY, SECRET, UPN = "some-key", "0123456789abcdef" * 3, "joe@company.com"
NODE = f"""
console.log(JSON.stringify(apiObject("{KEY}", "{SECRET}", "{UPN}", {{ mail: "m" }})));
"""


def blocks(page: str, language: str) -> list[str]:
    """The code blocks of one language on a page of the documentation."""
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.M | re.S)


def run(*words: str, directory: str, path: str | None = None) -> str:
    """Run a program and give what it prints."""
    done = subprocess.run(
        words,
        cwd=directory,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env=None if path is None else {"PATH": path},
    )
    if done.returncode:
        raise AssertionError(done.stderr)
    return done.stdout


class RecipesCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.directory = tempfile.mkdtemp(prefix="gotwist-")
        self.addCleanup(shutil.rmtree, self.directory)

    def assert_settings(self, page: str) -> None:
        """The settings on a page are read without a complaint."""
        found = blocks(page, "jsonc")
        self.assertNotEqual(found, [])
        for text in found:
            filled = text.replace("<secret>", SECRET).replace("<key>", KEY)
            load([SettingsFile(page, filled)], makings())


class ApiTests(RecipesCase):
    def accept(self, fields: dict[str, object]) -> None:
        """An object lets its user in."""
        rules = ApiRules({KEY: SECRET}, 30.0, False)
        keys = ApiKeys(lambda: rules, MemoryReplays(time.monotonic), time.time)
        user = self.successResultOf(Deferred.fromCoroutine(keys.judge(fields)))
        self.assertEqual(user.upn, UPN)

    def test_settings(self) -> None:
        """The settings are settings."""
        self.assert_settings("api-authentication.md")

    def test_python(self) -> None:
        """The object made in Python is accepted."""
        (code,) = blocks("api-authentication.md", "python")
        names: dict[str, object] = {}
        exec(compile(code, "recipe.py", "exec"), names)
        make = names["api_object"]
        assert callable(make)
        self.accept(make(KEY, SECRET, UPN, mail="m"))

    def test_node(self) -> None:
        """The object made in Node is accepted."""
        npm = find_npm()
        if npm is None:
            raise SkipTest("there is no Node")
        path = npm.environment()["PATH"]
        node = shutil.which("node", path=path)
        assert node is not None
        (code,) = blocks("api-authentication.md", "javascript")
        Path(self.directory, "recipe.mjs").write_text(code + NODE)
        self.accept(json.loads(run(node, "recipe.mjs", directory=self.directory)))

    def test_shell(self) -> None:
        """The object made by a shell is accepted."""
        code = blocks("api-authentication.md", "sh")[0]
        given = f"api_key={KEY} secret={SECRET} upn={UPN}\n"
        self.accept(json.loads(run("sh", "-ec", given + code, directory=self.directory)))


class CertificateTests(RecipesCase):
    def test_settings(self) -> None:
        """The settings are settings."""
        self.assert_settings("client-certificates.md")

    def test_openssl(self) -> None:
        """The CA and the list made with OpenSSL are taken, and so is the certificate."""
        code = blocks("client-certificates.md", "sh")[0]
        run("sh", "-ec", code, directory=self.directory)
        made = Path(self.directory)
        loaded = load_policy(ClientPolicy(made / "ca.pem", made / "ca.crl.pem"))
        self.assertEqual((len(loaded.authorities), len(loaded.revoked)), (1, 1))
        certificate = x509.load_pem_x509_certificate((made / "anna.pem").read_bytes())
        self.assertIsNone(leaf_fault(certificate))
        certificate.verify_directly_issued_by(loaded.authorities[0])
