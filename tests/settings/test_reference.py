"""Tests of the table, and of the page made from it."""

from __future__ import annotations

from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from gotwist.paths import default_places
from gotwist.settings.kinds import Boolean
from gotwist.settings.option import Option
from gotwist.settings.reference import render_reference
from gotwist.settings.table import TABLE, Table, nearest

ROOT = Path(__file__).resolve().parent.parent.parent


class TableTests(SynchronousTestCase):
    def test_defaults(self) -> None:
        """Every default is a value of its option's kind, for root and for others."""
        for is_root in (True, False):
            places = default_places(is_root=is_root, home="/home/alice")
            for option in TABLE:
                value = option.default_value(places)
                if value is not None:
                    written = option.kind.to_json(value)
                    self.assertEqual(value, option.kind.from_json(written), option.name)

    def test_safe_defaults(self) -> None:
        """As installed, only this machine can come in, and nobody without a credential."""
        places = default_places(is_root=True, home="/root")
        values = {option.name: option.default_value(places) for option in TABLE}
        self.assertEqual(("127.0.0.1",), values["address"])
        self.assertEqual(("token",), values["auth"])
        self.assertEqual((), values["origins"])
        for name in ("disable_ssl", *(name for name in values if name.startswith("allow_"))):
            self.assertIs(False, values[name], name)

    def test_sections(self) -> None:
        """The options of a section stand together."""
        sections = [option.section for option in TABLE]
        changes = [b for a, b in zip([None, *sections], sections, strict=False) if a != b]
        self.assertEqual(len(set(sections)), len(changes))

    def test_once(self) -> None:
        """An option exists once: a second one of the same name is refused."""
        option = Option("x", Boolean(), False, "Help.", "Section")
        elsewhere = Option("x", Boolean(), False, "Help.", "Section", "terminal")
        self.assertRaises(ValueError, Table, [option, option])
        self.assertRaises(ValueError, Table, [option, elsewhere])
        in_files = Option("x", Boolean(), False, "Help.", "S", "terminal", command_line=False)
        self.assertIsNotNone(Table([option, in_files]).find("terminal", "x"))

    def test_nearest(self) -> None:
        """A misspelled name leads to the right one, nonsense to none."""
        self.assertEqual("port", nearest("prot", ["port", "address"]))
        self.assertIsNone(nearest("xyzzy", ["port", "address"]))


class ReferenceTests(SynchronousTestCase):
    def test_up_to_date(self) -> None:
        """docs/settings.md is what the table says; python -m gotwist.settings writes it."""
        committed = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
        self.assertEqual(committed, render_reference(TABLE))

    def test_complete(self) -> None:
        """Every option is on the page, with its help."""
        page = render_reference(TABLE)
        for option in TABLE:
            self.assertIn(f"\n### {option.name}\n\n{option.help}\n", page)
