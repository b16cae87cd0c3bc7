"""Tests of the JSON messages."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gotwist.errors import Malformed
from gotwist.gateway.messages import MAX_MESSAGE, TooDeep, decode_message, encode_message

VECTORS = Path(__file__).parent.parent / "vectors" / "messages.json"

values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**14), 10**14)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


class MessageTests(SynchronousTestCase):
    """Messages are read whole and in order, or refused whole."""

    def test_vectors(self) -> None:
        """The messages that Python and TypeScript share read as written down."""
        vectors = json.loads(VECTORS.read_text())
        for vector in vectors["valid"]:
            actions = [list(pair) for pair in decode_message(vector["text"].encode())]
            self.assertEqual(actions, vector["actions"], vector["name"])
        for vector in vectors["malformed"]:
            with self.assertRaises(Malformed, msg=vector["name"]):
                decode_message(vector["text"].encode())

    @given(st.text(), values)
    def test_round_trip(self, action: str, value: object) -> None:
        """Whatever is encoded decodes to the same."""
        ((name, found),) = decode_message(encode_message(action, value))
        self.assertEqual((name, found), (action, value))

    @given(st.binary(max_size=200) | st.text(alphabet='{}[]":,\\u0019aeE.-', max_size=60))
    def test_anything(self, data: bytes | str) -> None:
        """Random bytes give actions or a refusal, nothing else."""
        with contextlib.suppress(Malformed):
            decode_message(data.encode() if isinstance(data, str) else data)

    def test_length(self) -> None:
        """A message at the limit passes, one byte more does not."""
        longest = b'{"c": "' + b"x" * (MAX_MESSAGE - 9) + b'"}'
        decode_message(longest)
        with self.assertRaises(Malformed):
            decode_message(longest + b" ")

    def test_hostile_nesting(self) -> None:
        """Sixty thousand brackets are refused as too deep, before anything parses them."""
        with self.assertRaises(TooDeep):
            decode_message(b"[" * 60_000)
        with self.assertRaises(TooDeep):
            decode_message(b'{"a":' * 12_000)

    def test_not_utf8(self) -> None:
        """Bytes that are no text are refused."""
        with self.assertRaises(Malformed):
            decode_message(b'{"c": "\xff"}')
