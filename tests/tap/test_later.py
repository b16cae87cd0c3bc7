"""Tests of modules that are loaded at their first use."""

from __future__ import annotations

import importlib
import sys
import tempfile
from pathlib import Path
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from gotwist.tap.later import put_off

PREFIX = "put_off_in_tests"


class PutOffTests(SynchronousTestCase):
    def setUp(self) -> None:
        directory = tempfile.TemporaryDirectory(prefix="gotwist-")
        self.addCleanup(directory.cleanup)
        self.place = Path(directory.name)
        sys.path.insert(0, directory.name)
        self.addCleanup(sys.path.remove, directory.name)
        self.addCleanup(self.forget)

    def forget(self) -> None:
        for name in [name for name in sys.modules if name.startswith(PREFIX)]:
            del sys.modules[name]

    def write(self, own: str, text: str) -> str:
        """Make a module, or with a slash one of a package; answers its name."""
        path = self.place / f"{PREFIX}_{own}.py"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        importlib.invalidate_caches()
        dotted = f"{PREFIX}_{own}".replace("/", ".")
        return dotted.removesuffix(".__init__")

    def has_run(self, name: str) -> bool:
        return "value" in vars(sys.modules[name])

    def load(self, name: str) -> Any:
        return importlib.import_module(name)

    def test_first_use(self) -> None:
        """Importing a module that is put off does not run it; the first name asked for does."""
        name = self.write("plain", "value = 7\n")
        put_off([name])
        module = self.load(name)
        self.assertFalse(self.has_run(name))
        self.assertEqual(module.value, 7)
        self.assertNotIn("__getattr__", vars(module))
        module.value = 8
        self.assertEqual(self.load(name).value, 8)
        self.assertEqual((module.__name__, module.__file__), (name, module.__spec__.origin))

    def test_name_imported(self) -> None:
        """Importing a name from it runs it at once."""
        name = self.write("named", "value = 7\n")
        put_off([name])
        found: dict[str, object] = {}
        exec(f"from {name} import value", found)
        self.assertEqual(found["value"], 7)

    def test_name_that_is_missing(self) -> None:
        """What it does not have, it does not have, before and after."""
        name = self.write("missing", "value = 7\n")
        put_off([name])
        for _ in range(2):
            with self.assertRaisesRegex(AttributeError, f"'{name}' has no attribute 'nothing'"):
                _ = self.load(name).nothing
            with self.assertRaises(ImportError):
                exec(f"from {name} import nothing")

    def test_package(self) -> None:
        """A module of a package that is put off runs without the package; both come together."""
        package = self.write("package/__init__", "value = 7\n")
        inner = self.write("package/inner", "value = 8\n")
        put_off([package])
        self.assertEqual(self.load(inner).value, 8)
        self.assertFalse(self.has_run(package))
        self.assertEqual(self.load(package).inner.value, 8)
        self.assertFalse(self.has_run(package))
        self.assertEqual(self.load(package).value, 7)

    def test_inside_a_package(self) -> None:
        """Its package knows it as if it had been imported."""
        package = self.write("outer/__init__", "")
        name = self.write("outer/inner", "value = 7\n")
        put_off([name])
        self.assertFalse(self.has_run(name))
        found: dict[str, object] = {}
        exec(f"import {name}\nvalue = {package}.inner.value", found)
        self.assertEqual(found["value"], 7)

    def test_circle(self) -> None:
        """A module may be imported by what it imports itself, as far as it has come."""
        name = self.write("circle", f"early = 1\nimport {PREFIX}_other\nvalue = 7\n")
        self.write(
            "other",
            f"import {name}\nseen = {name}.early\nmissed = hasattr({name}, 'value')\n",
        )
        put_off([name])
        self.assertEqual(self.load(name).value, 7)
        other = self.load(f"{PREFIX}_other")
        self.assertEqual((other.seen, other.missed), (1, False))

    def test_own_names_on_demand(self) -> None:
        """A module that makes names on demand goes on doing so."""
        name = self.write("demand", "value = 7\ndef __getattr__(name):\n    return name.upper()\n")
        put_off([name])
        self.assertEqual(self.load(name).shout, "SHOUT")
        self.assertEqual(self.load(name).value, 7)

    def test_broken(self) -> None:
        """One that cannot be loaded says so each time it is used."""
        name = self.write("broken", "raise ImportError('a library is missing')\n")
        put_off([name])
        for _ in range(2):
            with self.assertRaisesRegex(ImportError, "a library is missing"):
                _ = self.load(name).value

    def test_loaded_already(self) -> None:
        """One that is there stays what it is."""
        name = self.write("loaded", "value = 7\n")
        module = self.load(name)
        put_off([name])
        self.assertIs(sys.modules[name], module)

    def test_not_installed(self) -> None:
        """One that is not installed, or whose package is not, cannot be imported either way."""
        for name in (f"{PREFIX}_nowhere", f"{PREFIX}_nowhere.inner"):
            put_off([name])
            self.assertRaises(ModuleNotFoundError, self.load, name)
