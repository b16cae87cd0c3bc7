"""Tests of benchmarks.frames: the client's frames and its reader of headers."""

import itertools

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from benchmarks.frames import (
    BINARY,
    TAIL,
    TEXT,
    BrokenFrame,
    FrameReader,
    PlainReader,
    Shape,
    masked,
    unescaped_size,
)

PLAIN = Shape(b"\x01", 16)
JSON = Shape(b'["stdout", "', 12, 2, escaped=True)


def server_frame(payload: bytes, opcode: int = BINARY) -> bytes:
    """A final frame without a mask."""
    size = len(payload)
    if size < 126:
        return bytes((0x80 | opcode, size)) + payload
    if size < 65536:
        return bytes((0x80 | opcode, 126)) + size.to_bytes(2, "big") + payload
    return bytes((0x80 | opcode, 127)) + size.to_bytes(8, "big") + payload


def read_in_pieces(reader: FrameReader, data: bytes, cuts: list[int]) -> None:
    """Feed ``data`` cut at these places, as a socket would give it."""
    kept = b""
    places = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    for start, stop in itertools.pairwise(places):
        piece = kept + data[start:stop]
        left = reader.feed(memoryview(piece))
        kept = piece[len(piece) - left :] if left else b""
    if kept:
        raise AssertionError("bytes left over at the end")


class MaskedTests(SynchronousTestCase):
    """What the client sends."""

    @given(st.binary(max_size=70_000), st.sampled_from((TEXT, BINARY)))
    def test_unmasks_to_what_was_given(self, payload: bytes, opcode: int) -> None:
        """A frame holds its payload under its mask, whatever its length."""
        frame = masked(opcode, payload)
        self.assertEqual(frame[0], 0x80 | opcode)
        self.assertTrue(frame[1] & 0x80)
        size, at = frame[1] & 0x7F, 2
        if size == 126:
            size, at = int.from_bytes(frame[2:4], "big"), 4
        elif size == 127:
            size, at = int.from_bytes(frame[2:10], "big"), 10
        mask, body = frame[at : at + 4], frame[at + 4 :]
        self.assertEqual(size, len(body))
        self.assertEqual(bytes(b ^ mask[i % 4] for i, b in enumerate(body)), payload)


class FrameReaderTests(SynchronousTestCase):
    """What the client reads."""

    def setUp(self) -> None:
        self.messages: list[tuple[int, bytes]] = []

    def note(self, opcode: int, payload: bytes) -> None:
        """Keep a message that is no output."""
        self.messages.append((opcode, payload))

    @given(
        st.lists(
            st.one_of(
                st.tuples(st.just(True), st.binary(max_size=300)),
                st.tuples(st.just(True), st.integers(65_500, 65_600).map(bytes)),
                st.tuples(st.just(False), st.binary(max_size=30)),
            ),
            max_size=8,
        ),
        st.lists(st.integers(0, 1 << 20), max_size=8),
    )
    def test_counts_the_same_however_it_is_cut(
        self, parts: list[tuple[bool, bytes]], cuts: list[int]
    ) -> None:
        """Output is counted and its end is known, whatever pieces the socket gives."""
        self.messages.clear()
        data = b""
        for is_output, payload in parts:
            prefix = b"\x01" + bytes(15) if is_output else b"\x04" + bytes(15)
            data += server_frame(prefix + payload)
        reader = FrameReader(PLAIN, self.note)
        read_in_pieces(reader, data, cuts)
        output = b"".join(payload for is_output, payload in parts if is_output)
        self.assertEqual(reader.output, len(output))
        self.assertEqual(reader.tail, output[-TAIL:])
        self.assertEqual(reader.frames, sum(is_output for is_output, _ in parts))
        others = [payload for is_output, payload in parts if not is_output]
        self.assertEqual([message[16:] for _, message in self.messages], others)

    def test_takes_the_output_out_of_json(self) -> None:
        """A message of a JSON peer counts as what its text stands for."""
        reader = FrameReader(JSON, self.note)
        data = server_frame(b'["setup", {}]', TEXT)
        data += server_frame(b'["stdout", "a\\r\\nb\\u001b"]', TEXT)
        data += server_frame(b'["stdout", "<<ready>>"]', TEXT)
        self.assertEqual(reader.feed(memoryview(data)), 0)
        self.assertEqual(reader.output, 5 + 9)
        self.assertTrue(reader.tail.endswith(b"<<ready>>"))
        self.assertEqual(self.messages, [(TEXT, b'["setup", {}]')])

    def test_knows_the_output_before_a_message(self) -> None:
        """Who handles a message can ask how much output came before it."""
        seen = []
        reader = FrameReader(PLAIN, lambda opcode, payload: seen.append(reader.output))
        head = b"\x01" + bytes(15)
        reader.feed(memoryview(server_frame(head + b"abc") + server_frame(b"{}", TEXT)))
        self.assertEqual(seen, [3])

    def test_hands_on_control_frames(self) -> None:
        """A ping that looks like output is none."""
        reader = FrameReader(Shape(b"0", 1), self.note)
        reader.feed(memoryview(server_frame(b"0abc", 9)))
        self.assertEqual(self.messages, [(9, b"0abc")])
        self.assertEqual(reader.output, 0)

    def test_refuses_what_it_cannot_count(self) -> None:
        """A masked, fragmented or overlong frame is an error, not a wrong number."""
        masked_frame = masked(BINARY, b"\x01" + bytes(20))
        fragment = b"\x02\x05" + bytes(5)
        overlong = b"\x81\x7f" + (1 << 40).to_bytes(8, "big") + bytes(20)
        for data in (masked_frame, fragment, overlong):
            reader = FrameReader(PLAIN, self.note)
            self.assertRaises(BrokenFrame, reader.feed, memoryview(data))


class OtherReaderTests(SynchronousTestCase):
    """The readers' small parts."""

    def test_counts_escapes_once(self) -> None:
        """An escape stands for one character."""
        self.assertEqual(unescaped_size(b"ab"), 2)
        self.assertEqual(unescaped_size(b"\\n\\u001bx"), 3)

    def test_counts_plain_bytes(self) -> None:
        """Without frames everything is output."""
        reader = PlainReader()
        self.assertEqual(reader.feed(memoryview(b"x" * 100)), 0)
        self.assertEqual(reader.feed(memoryview(b"end")), 0)
        self.assertEqual(reader.output, 103)
        self.assertEqual(reader.tail, b"x" * 61 + b"end")
