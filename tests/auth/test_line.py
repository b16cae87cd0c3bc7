"""The line of the authentication service: what is read, what is refused, in whatever pieces."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gotwist.auth.line import (
    MAX_LINE,
    MAX_PASSWORD,
    Lines,
    Request,
    is_acceptable,
    parse_answer,
    parse_line,
    render_line,
)
from gotwist.errors import Malformed

VECTORS = json.loads(
    (Path(__file__).resolve().parents[1] / "vectors" / "authline.json").read_text()
)
FIELD = st.text(st.characters(exclude_characters="\r\n\0", exclude_categories=["Cs"]), min_size=1)


class LineTests(SynchronousTestCase):
    def test_vectors(self) -> None:
        """Lines of three fields are read as they are; whether PAM sees them is another thing."""
        for vector in VECTORS["lines"]:
            request = parse_line(vector["line"].encode("latin-1"))
            expected = Request(vector["user"], vector["password"], vector["service"])
            self.assertEqual(request, expected, vector["name"])
            self.assertEqual(is_acceptable(request), vector["acceptable"], vector["name"])

    def test_bad(self) -> None:
        """Anything but three fields of text is malformed."""
        for vector in VECTORS["bad"]:
            with self.assertRaises(Malformed, msg=vector["name"]):
                parse_line(vector["line"].encode("latin-1"))

    def test_sizes(self) -> None:
        """A line has 8,192 bytes at most, a password 1,024, whatever letters it is made of."""
        line = b"a\rb\r" + b"c" * (MAX_LINE - 5)
        self.assertEqual(len(parse_line(line).service), MAX_LINE - 5)
        self.assertRaises(Malformed, parse_line, line + b"c")
        for password, allowed in (
            ("x" * MAX_PASSWORD, True),
            ("x" * (MAX_PASSWORD + 1), False),
            ("é" * (MAX_PASSWORD // 2), True),
            ("é" * (MAX_PASSWORD // 2 + 1), False),
        ):
            request = Request("alice", password, "login")
            self.assertEqual(is_acceptable(request), allowed)
            if allowed:
                self.assertEqual(parse_line(render_line(request)[:-1]), request)
            else:
                self.assertRaises(Malformed, render_line, request)

    def test_names(self) -> None:
        """Which names PAM is asked about is a setting; a loose one lets no separator through."""
        self.assertTrue(is_acceptable(Request("ALICE", "x", "login"), "[A-Z]+"))
        self.assertFalse(is_acceptable(Request("ALICE1", "x", "login"), "[A-Z]+"))
        for user in ("a\rb", "a\nb", "a\0b", "a\ud800", ""):
            self.assertFalse(is_acceptable(Request(user, "x", "login"), "(?s).*"), repr(user))

    def test_never_sent(self) -> None:
        """The client sends no field that would be read as several, as none, or not at all."""
        for text in ("", "a\rb", "a\nb", "a\0b", "\ud800"):
            for request in (
                Request(text, "x", "login"),
                Request("alice", text, "login"),
                Request("alice", "x", text),
            ):
                self.assertRaises(Malformed, render_line, request)
        self.assertRaises(Malformed, render_line, Request("a" * MAX_LINE, "x", "login"))

    def test_no_password_shown(self) -> None:
        """A request that is printed does not show its password."""
        self.assertNotIn("s3cret", repr(Request("alice", "s3cret", "login")))

    def test_answers(self) -> None:
        """Only the whole word ok is a yes, and half an answer is none."""
        for vector in VECTORS["answers"]:
            self.assertIs(parse_answer(vector["bytes"].encode()), vector["verdict"], vector)

    @given(FIELD, FIELD, FIELD)
    def test_round_trip(self, user: str, password: str, service: str) -> None:
        """What the client writes the service reads."""
        request = Request(user, password, service)
        try:
            line = render_line(request)
        except Malformed:
            self.assertGreater(len(password.encode()), MAX_PASSWORD)
            return
        self.assertEqual(parse_line(line[:-1]), request)

    @given(st.binary(max_size=200))
    def test_any_bytes(self, data: bytes) -> None:
        """Any bytes are a request or malformed, and nothing else."""
        try:
            request = parse_line(data)
        except Malformed:
            return
        self.assertEqual("\r".join((request.user, request.password, request.service)),
                         data.decode())  # fmt: skip


class LinesTests(SynchronousTestCase):
    @given(st.lists(st.binary(max_size=60), max_size=8), st.data())
    def test_any_split(self, lines: list[bytes], data: st.DataObject) -> None:
        """Whatever the pieces, the same lines come out."""
        lines = [line.replace(b"\n", b"") for line in lines]
        stream = b"".join(line + b"\n" for line in lines)
        cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=6)))
        edges = [0, *cuts, len(stream)]
        cutter = Lines()
        found = [line for start, end in pairwise(edges) for line in cutter.feed(stream[start:end])]
        self.assertEqual(found, lines)
        self.assertFalse(cutter.has_part)

    def test_byte_by_byte(self) -> None:
        """A line may come one byte at a time."""
        cutter = Lines()
        found = [line for byte in b"a\rb\rc\nd" for line in cutter.feed(bytes([byte]))]
        self.assertEqual((found, cutter.has_part), ([b"a\rb\rc"], True))

    def test_too_long(self) -> None:
        """A line that is too long is told once, kept nowhere, and the next one is read."""
        for size in (1, 1000, 70_000):
            cutter = Lines()
            found: list[bytes | None] = []
            for start in range(0, 70_000, size):
                found += cutter.feed(b"x" * min(size, 70_000 - start))
            found += cutter.feed(b"yyy\nnext\n")
            self.assertEqual(found, [None, b"next"])
        self.assertEqual(Lines().feed(b"x" * (MAX_LINE - 1) + b"\n"), [b"x" * (MAX_LINE - 1)])
        self.assertEqual(Lines().feed(b"x" * MAX_LINE + b"\n"), [None])
