"""The README keeps its word."""

from __future__ import annotations

import re

from twisted.trial.unittest import SynchronousTestCase

from gotwist.gateway.loader import check_application
from gotwist.settings.table import TABLE
from tests.packaging.test_repository import ROOT


class ReadmeTests(SynchronousTestCase):
    """What an operator or an author copies from the README works."""

    def test_its_application_is_one(self) -> None:
        """The application in the README is found as written, with its action, in few lines."""
        code = self.block("python")
        names: dict[str, object] = {}
        exec(compile(code, "README.md", "exec"), names)
        apps = names["apps"]
        assert isinstance(apps, list)
        (application,) = map(check_application, apps)
        self.assertEqual(list(application.actions), ["greeter:greet"])
        self.assertLessEqual(len([line for line in code.splitlines() if line.strip()]), 15)

    def test_its_settings_are_settings(self) -> None:
        """The settings in the README are read without a complaint."""
        code = self.block("jsonc")
        options = set(re.findall(r'^    "(\w+)":', code, re.M))
        self.assertNotEqual(options, set())
        known = {option.name for option in TABLE.of("gotwist")}
        self.assertEqual(options - known, set())

    def block(self, language: str) -> str:
        """The first code block of that language."""
        text = (ROOT / "README.md").read_text()
        found = re.search(rf"^```{language}\n(.*?)^```$", text, re.M | re.S)
        assert found is not None
        return found[1]
