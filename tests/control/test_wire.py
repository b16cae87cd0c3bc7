"""The control socket's codec: what is rendered parses back, and everything else is refused."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gotwist.control import wire
from gotwist.errors import Malformed

MEMBERS = st.dictionaries(
    st.text(max_size=20).filter(lambda name: name != "ok"), st.text() | st.integers(-9, 9)
)


class RequestTests(SynchronousTestCase):
    @given(st.text(max_size=200))
    def test_round_trip(self, verb: str) -> None:
        """Whatever word is asked with is the word that is read."""
        line = wire.render_request(verb)
        self.assertEqual(line.count(b"\n"), 1)
        self.assertEqual(wire.parse_request(line.rstrip(b"\n")).do, verb)

    @given(
        st.binary(max_size=64) | st.recursive(st.none(), st.lists).map(json.dumps).map(str.encode)
    )
    def test_random_bytes(self, line: bytes) -> None:
        """Bytes are a request or malformed, and nothing else."""
        try:
            wire.parse_request(line)
        except Malformed:
            pass

    def test_refused(self) -> None:
        """Too long, too deep, another shape, one member too many: refused."""
        for line in (
            b'{"do": "' + b"x" * wire.MAX_LINE + b'"}',
            b"[" * 4000,
            b'{"do": 1}',
            b'{"do": "link", "as": "root"}',
            b"{}",
            b"",
            b"\xff",
        ):
            with self.assertRaises(Malformed):
                wire.parse_request(line)


class AnswerTests(SynchronousTestCase):
    @given(MEMBERS)
    def test_round_trip(self, members: dict[str, object]) -> None:
        """Every member of an answer arrives."""
        found = wire.parse_answer(wire.render_answer(members))
        self.assertEqual(found, {"ok": True, **members})

    @given(st.text())
    def test_refusal(self, message: str) -> None:
        """A refusal arrives with its sentence, and as nothing but a refusal."""
        with self.assertRaises(Malformed) as refused:
            wire.parse_answer(wire.render_refusal(message))
        self.assertEqual(refused.exception.message, message)

    def test_not_an_answer(self) -> None:
        """What is no answer is never taken for a favourable one."""
        for line in (b"", b"ok", b"[]", b'{"ok": 1}', b'{"ok": "true"}', b"[" * 4000):
            with self.assertRaises(Malformed):
                wire.parse_answer(line)
