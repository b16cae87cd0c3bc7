"""The table of attacks names tests that exist."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

TABLE = Path(__file__).resolve().parents[2] / "docs" / "security-tests.md"
NAME = re.compile(r"`((?:[a-z]+\.)?test_[a-z_]+(?:\.[A-Za-z_]+)*)`")


class TableTests(SynchronousTestCase):
    def test_named_tests_exist(self) -> None:
        """Whoever looks an attack up finds its test."""
        text = TABLE.read_text(encoding="utf-8")
        names = NAME.findall(text)
        self.assertGreater(len(names), 80)
        module = None
        for name in names:
            room, _, rest = name.partition(".")
            if room.startswith("test_") and not rest and not _is_module(room):
                # Another test of the class or module named just before.
                self.assertTrue(_has(module, room), name)
                continue
            module = self.find(name)

    def find(self, name: str) -> object:
        parts = name.split(".")
        at = next(index for index, part in enumerate(parts) if part.startswith("test_"))
        module = importlib.import_module(".".join(["tests", *parts[: at + 1]]))
        found: object = module
        for part in parts[at + 1 :]:
            if part.startswith("test_") and found is module:
                self.assertTrue(_has(module, part), name)
                break
            found = getattr(found, part, None)
            self.assertIsNotNone(found, name)
        return module


def _is_module(name: str) -> bool:
    return (Path(__file__).resolve().parents[1] / f"{name}.py").is_file()


def _has(module: object, name: str) -> bool:
    return any(hasattr(value, name) for value in vars(module).values())
