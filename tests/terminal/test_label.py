"""Tests of the labels by which a daemon finds its terminals again."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gotwist.applications.terminal.label import (
    MAX_LABEL_BYTES,
    Label,
    parse_label,
    render_label,
)
from gotwist.errors import Malformed

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
LABELS = st.builds(
    Label,
    session=TEXT,
    upn=TEXT,
    location=TEXT,
    term=st.integers(1, 2**31 - 1),
    command=TEXT,
    created=st.integers(0, 2**53),
    manual_title=TEXT,
)


class LabelTests(SynchronousTestCase):
    @given(LABELS)
    def test_round_trip(self, label: Label) -> None:
        """Whatever was written is found again, within the keeper's limit."""
        text = render_label(label)
        self.assertLessEqual(len(text.encode()), MAX_LABEL_BYTES)
        self.assertEqual(parse_label(text), label)

    @given(st.text(max_size=200))
    def test_any_text(self, text: str) -> None:
        """A text is a label or malformed, and nothing else."""
        try:
            parse_label(text)
        except Malformed:
            pass

    def test_refused(self) -> None:
        """Another program's label is not taken for one of ours; a longer one is not written."""
        for text in ("", "{}", "tmux", '{"session": 1}', "\ud800", "[" * 2000):
            with self.assertRaises(Malformed):
                parse_label(text)
        with self.assertRaises(Malformed):
            render_label(Label("s", "u", "l", 1, "c", 1, "x" * MAX_LABEL_BYTES))
