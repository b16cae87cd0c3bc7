"""Tests of the binary frames."""

from __future__ import annotations

import json
import os
import struct
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gotwist.errors import Malformed
from gotwist.gateway.frames import (
    BINARY,
    MAX_INPUT,
    MAX_OUTPUT,
    TEXT,
    Frame,
    Kind,
    pack_header,
    parse_frame,
    render_frame,
    unmask_small,
    wire_header,
    ws_header,
)

VECTORS = Path(__file__).parent.parent / "vectors" / "frames.json"

terminals = st.integers(1, 2**31 - 1)
offsets = st.integers(0, 2**64 - 1)


def masked(payload: bytes, mask: bytes, first: int = BINARY) -> bytes:
    """A client's frame, masked byte by byte."""
    body = bytes(byte ^ mask[i % 4] for i, byte in enumerate(payload))
    if len(payload) < 126:
        return bytes([first, 0x80 | len(payload)]) + mask + body
    return bytes([first, 0x80 | 126]) + struct.pack("!H", len(payload)) + mask + body


class FrameTests(SynchronousTestCase):
    """Frames are what ``docs/protocol.md`` says."""

    def test_vectors(self) -> None:
        """The frames that Python and TypeScript share read and write as written down."""
        vectors = json.loads(VECTORS.read_text())
        for vector in vectors["valid"]:
            frame = Frame(
                Kind(vector["kind"]),
                vector["terminal"],
                int(vector["offset"]),
                bytes.fromhex(vector["payload"]),
            )
            self.assertEqual(render_frame(frame).hex(), vector["hex"], vector["name"])
            self.assertEqual(parse_frame(bytes.fromhex(vector["hex"])), frame)
        for vector in vectors["malformed"]:
            with self.assertRaises(Malformed, msg=vector["name"]):
                parse_frame(bytes.fromhex(vector["hex"]))

    @given(st.sampled_from([Kind.OUTPUT, Kind.INPUT]), terminals, offsets, st.binary(min_size=1))
    def test_round_trip(self, kind: Kind, terminal: int, offset: int, payload: bytes) -> None:
        """Whatever is rendered parses back."""
        frame = Frame(kind, terminal, offset, payload)
        self.assertEqual(parse_frame(render_frame(frame)), frame)

    @given(st.binary(max_size=64))
    def test_anything(self, data: bytes) -> None:
        """Random bytes give a frame or a refusal, nothing else."""
        try:
            frame = parse_frame(data)
        except Malformed:
            return
        self.assertEqual(render_frame(frame), data)

    def test_lengths(self) -> None:
        """A payload at its limit passes, one byte more does not; an acknowledgement has none."""
        for kind, most in [(Kind.OUTPUT, MAX_OUTPUT), (Kind.INPUT, MAX_INPUT), (Kind.ACK, 0)]:
            parse_frame(pack_header(kind, 1, 0) + b"x" * most)
            with self.assertRaises(Malformed):
                parse_frame(pack_header(kind, 1, 0) + b"x" * (most + 1))

    @given(st.sampled_from([0, 1, 109, 110, 65_519, 65_520, 65_536]), terminals, offsets)
    def test_wire_header(self, length: int, terminal: int, offset: int) -> None:
        """The header in one piece is the WebSocket's and ours, at every border of its sizes."""
        both = ws_header(16 + length) + pack_header(Kind.OUTPUT, terminal, offset)
        self.assertEqual(wire_header(Kind.OUTPUT, terminal, offset, length), both)

    def test_ws_header(self) -> None:
        """Lengths are written in the shortest form there is."""
        self.assertEqual(ws_header(125), b"\x82\x7d")
        self.assertEqual(ws_header(126), b"\x82\x7e\x00\x7e")
        self.assertEqual(ws_header(65_535, TEXT), b"\x81\x7e\xff\xff")
        self.assertEqual(ws_header(65_536), b"\x82\x7f" + (65_536).to_bytes(8, "big"))


class UnmaskTests(SynchronousTestCase):
    """The short way takes exactly one small frame."""

    @given(st.binary(max_size=125), st.binary(min_size=4, max_size=4))
    def test_small(self, payload: bytes, mask: bytes) -> None:
        """A small frame that came alone is unmasked."""
        self.assertEqual(unmask_small(masked(payload, mask)), payload)
        self.assertEqual(unmask_small(masked(payload, mask, TEXT), TEXT), payload)

    @given(st.binary(min_size=126, max_size=300))
    def test_large(self, payload: bytes) -> None:
        """A larger one is left alone."""
        self.assertIsNone(unmask_small(masked(payload, b"abcd")))

    @given(st.binary(max_size=40), st.data())
    def test_not_whole(self, payload: bytes, data: st.DataObject) -> None:
        """Less or more than one frame is left alone."""
        frame = masked(payload, os.urandom(4))
        cut = data.draw(st.integers(0, len(frame) - 1))
        self.assertIsNone(unmask_small(frame[:cut]))
        self.assertIsNone(unmask_small(frame + b"\x82"))

    def test_other_frames(self) -> None:
        """Text, fragments, reserved bits, control and unmasked frames are left alone."""
        for first in (0x81, 0x02, 0x00, 0x80, 0xC2, 0xA2, 0x92, 0x88, 0x89, 0x8A):
            self.assertIsNone(unmask_small(masked(b"hello", b"abcd", first)))
        self.assertIsNone(unmask_small(b"\x82\x05hello"))
        self.assertIsNone(unmask_small(b"\x82\x05hellohello!"[:11]))
