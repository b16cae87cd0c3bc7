"""Tests that the audit stream is documented as it is."""

from __future__ import annotations

from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from gotwist.events.audit import KINDS
from gotwist.events.syslog import FACILITIES
from gotwist.settings.audit_options import FACILITIES as CHOICES

PAGE = Path(__file__).resolve().parents[2] / "docs" / "audit.md"


class DocumentedTests(SynchronousTestCase):
    def test_every_event(self) -> None:
        """The page has every event with all of its fields in their order, and no other."""
        lines = PAGE.read_text(encoding="utf-8").splitlines()
        start = lines.index("| event | | fields |") + 2
        told = lines[start : lines.index("", start)]
        wanted = []
        for name, kind in KINDS.items():
            fields = ", ".join(f"`{field}`" for field in kind.fields)
            wanted.append(f"| `{name}` | {kind.meaning} | {fields} |")
        self.assertEqual(wanted, told)

    def test_facilities(self) -> None:
        """Every facility that can be chosen is one of the system log's."""
        self.assertEqual(set(CHOICES), set(FACILITIES))
