"""The keeper socket's codec."""

from __future__ import annotations

import json
import os

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gotwist.keeper import wire

VECTORS = os.path.join(os.path.dirname(__file__), os.pardir, "vectors", "keeper.json")
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)


class WireTests(SynchronousTestCase):
    """Messages between daemon and keeper."""

    @settings(max_examples=60)
    @given(st.lists(st.dictionaries(st.text(max_size=5), st.integers()), max_size=4), st.data())
    def test_any_split(self, messages: list[dict[str, object]], data: st.DataObject) -> None:
        """Messages arrive whole, however the stream is cut."""
        stream = b"".join(wire.render_json(message) for message in messages)
        splitter = wire.Splitter(wire.MAX_REQUEST)
        got = []
        while stream:
            cut = data.draw(st.integers(1, len(stream)))
            got += splitter.feed(stream[:cut])
            stream = stream[cut:]
        self.assertEqual([wire.parse_json(payload) for _, payload in got], messages)

    @given(st.dictionaries(st.text(max_size=5), VALUES, max_size=4))
    def test_json_round_trip(self, message: dict[str, object]) -> None:
        """What is rendered parses back, unless it is nested too deeply."""
        ((kind, payload),) = wire.Splitter(2**20).feed(wire.render_json(message))
        self.assertEqual(kind, wire.JSON)
        try:
            self.assertEqual(wire.parse_json(payload), message)
        except wire.Odd as error:
            self.assertIn("deeply", str(error))

    @given(st.binary(max_size=60))
    def test_nonsense(self, payload: bytes) -> None:
        """Random bytes are a message or odd, nothing else."""
        for parse in (wire.parse_json, wire.parse_need, wire.Splitter(99).feed):
            try:
                parse(payload)
            except wire.Odd:
                pass

    def test_depth(self) -> None:
        """Brackets in texts are no nesting; a deep nest is refused before it is parsed."""
        self.assertEqual(wire.parse_json(b'{"a":"[[[[[[[[[[\\"[["}'), {"a": '[[[[[[[[[["[['})
        self.assertRaises(wire.Odd, wire.parse_json, b'{"a":' + b"[" * 9_000)

    def test_lengths(self) -> None:
        """A length of 0 or above the limit is refused as soon as it is seen."""
        for length in (0, 17, 2**32 - 1):
            self.assertRaises(wire.Odd, wire.Splitter(16).feed, length.to_bytes(4, "little"))
        self.assertEqual(wire.Splitter(16).feed((16).to_bytes(4, "little")), [])

    def test_fields(self) -> None:
        """Fields of another type or size are refused; a boolean is no number."""
        self.assertEqual(wire.integer({"n": 5}, "n", 1, 5), 5)
        for value in (True, 0, 6, "5", 5.0, None):
            self.assertRaises(wire.Odd, wire.integer, {"n": value}, "n", 1, 5)
        self.assertEqual(wire.text({"t": "ab"}, "t", 2), "ab")
        for other in ("abc", "a\0", 1, None):
            self.assertRaises(wire.Odd, wire.text, {"t": other}, "t", 2)

    def test_vectors(self) -> None:
        """The wire is the one that is written down."""
        with open(VECTORS, encoding="utf-8") as file:
            vectors = json.load(file)
        for vector in vectors["json"]:
            data = bytes.fromhex(vector["hex"])
            self.assertEqual(wire.render_json(vector["message"]), data)
        for vector in vectors["need"]:
            data = bytes.fromhex(vector["hex"])
            self.assertEqual(wire.render_need(vector["terminal"], vector["offset"]), data)
            ((kind, payload),) = wire.Splitter(99).feed(data)
            self.assertEqual(kind, wire.NEED)
            self.assertEqual(wire.parse_need(payload), (vector["terminal"], vector["offset"]))
        for text in vectors["odd"]:
            self.assertRaises(wire.Odd, wire.parse_json, text.encode())
