"""Tests of the lines of the audit stream."""

from __future__ import annotations

import json
import re

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gotwist.events.audit import KINDS, MAX_LINE, AuditValue, Trail, render_event, render_time

WALL = 1_795_516_896.73
TEXTS = st.one_of(
    st.text(max_size=600), st.text(st.characters(categories=["Cc", "Cf", "Cs", "So"]), max_size=600)
)
VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**53), 2**53),
    st.floats(),
    TEXTS,
    st.lists(TEXTS, max_size=60),
)


def line(event: str, **fields: AuditValue) -> str:
    return render_event(event, fields, WALL, 7).decode("ascii")


class LineTests(SynchronousTestCase):
    def test_vector(self) -> None:
        """A line has version, time, number and event, then all fields of its kind in order."""
        self.assertEqual(
            '{"v":1,"time":"2026-11-24T10:41:36.730Z","seq":7,"event":"sign_in_refused",'
            '"address":"192.0.2.7","method":"password","reason":"wrong","user":"m\\u00fcller"}\n',
            line(
                "sign_in_refused",
                user="müller",
                reason="wrong",
                method="password",
                address="192.0.2.7",
            ),
        )

    def test_unknown(self) -> None:
        """What is not known is null, and the field is there all the same."""
        for event, kind in KINDS.items():
            read = json.loads(line(event))
            self.assertEqual(["v", "time", "seq", "event", *kind.fields], list(read))
            self.assertTrue(all(read[name] is None for name in kind.fields))

    def test_no_such_event(self) -> None:
        """An event or a field that the schema has not got is refused."""
        self.assertRaises(ValueError, line, "nothing")
        self.assertRaises(ValueError, line, "daemon_stopped", password="x")

    def test_words_of_strangers_stand_last(self) -> None:
        """What a stranger chooses stands behind address, reason and the like."""
        chosen = {"user", "action", "command", "location", "to", "key", "service", "name"}
        for event, kind in KINDS.items():
            told = [name in chosen for name in kind.fields]
            self.assertEqual(sorted(told), told, event)

    def test_forgery(self) -> None:
        """No name can begin a line, end one, add a field, or turn the text around."""
        for name in (
            'x"}\n{"v":1,"event":"signed_in","user":"root"}',
            'x","address":"198.51.100.1',
            "\r\n\x1b[2J\x9b\x00\x7f",
            "\u2028\u2029\u0085",
            "\u202eevil\u2066\u200f\ufeff",
            "\ud800",
        ):
            text = line("signed_in", user=name, address="192.0.2.7")
            self.assertEqual(1, text.count("\n"))
            self.assertIsNone(re.search(r"[^ -~]", text[:-1]), name)
            read = json.loads(text)
            self.assertEqual((name, "192.0.2.7"), (read["user"], read["address"]))
            self.assertEqual(1, len(re.findall(r'"address":"', text)))

    def test_cut(self) -> None:
        """A text or list without an end is cut, visibly, and the line is still whole."""
        read = json.loads(line("signed_in", user="x" * 10**6))
        self.assertTrue(read["user"].endswith("…") and len(read["user"]) < 400)
        files = [f"{number:05}.conf" for number in range(10_000)]
        read = json.loads(line("settings_reloaded", files=files))
        self.assertEqual(files[0], read["files"][0])
        self.assertIn("more", read["files"][-1])
        self.assertEqual(10_000, len(read["files"]) - 1 + int(re.sub(r"\D", "", read["files"][-1])))

    def test_time(self) -> None:
        """Times are in UTC, whatever the machine's zone, with milliseconds."""
        self.assertEqual("1970-01-01T00:00:00.000Z", render_time(0))
        self.assertEqual("2026-11-24T10:41:36.730Z", render_time(WALL))

    @given(st.data())
    def test_any(self, data: st.DataObject) -> None:
        """Whatever the fields hold, a line is one JSON object of printable ASCII, not too long."""
        event = data.draw(st.sampled_from(sorted(KINDS)))
        fields = {name: data.draw(VALUES) for name in KINDS[event].fields}
        text = render_event(event, fields, WALL, 2**53)
        self.assertLessEqual(len(text), MAX_LINE)
        self.assertIsNone(re.search(rb"[^ -~]", text[:-1]))
        self.assertTrue(text.endswith(b"}\n"))
        read = json.loads(text)
        for name, value in fields.items():
            if (
                value is None
                or isinstance(value, bool | int)
                or (isinstance(value, str) and len(value) < 60)
            ):
                self.assertEqual(value, read[name])


class TrailTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.lines: list[bytes] = []
        self.faults: list[Exception] = []
        self.trail = Trail(self.lines.append, lambda: WALL, self.faults.append)

    def test_numbers(self) -> None:
        """Lines are numbered, so that a gap shows."""
        for _ in range(3):
            self.trail.record("daemon_stopped", pid=1)
        self.assertEqual([1, 2, 3], [json.loads(text)["seq"] for text in self.lines])

    def test_counts(self) -> None:
        """Events are counted by the field of their kind, never by a stranger's words."""
        self.trail.record("signed_in", method="pam", user="a")
        self.trail.record("signed_in", method="pam", user="b")
        self.trail.record("sign_in_refused", method="pam", user="c")
        self.trail.record("connected", user="d")
        self.assertEqual(
            {("signed_in", "pam"): 2, ("sign_in_refused", "pam"): 1, ("connected", ""): 1},
            dict(self.trail.counts),
        )

    def test_fault(self) -> None:
        """A mistake of ours is told, and stops nobody."""
        self.trail.record("nothing")
        self.trail.record("daemon_stopped", colour="red")
        self.assertEqual((2, []), (len(self.faults), self.lines))

        def full(line: bytes) -> None:
            raise RuntimeError

        Trail(full, lambda: WALL, self.faults.append).record("daemon_stopped")
        self.assertEqual(3, len(self.faults))
