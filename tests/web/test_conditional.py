"""Ranges and conditions."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gotwist.web.conditional import (
    UNSATISFIABLE,
    ByteRange,
    http_date,
    is_not_modified,
    parse_http_date,
    parse_range,
    range_applies,
)


class RangeTests(SynchronousTestCase):
    def test_good(self) -> None:
        """One range is read, from the front, to the end, and from the back."""
        for header, expected in (
            ("bytes=0-99", ByteRange(0, 100)),
            ("bytes=900-", ByteRange(900, 100)),
            ("bytes=-100", ByteRange(900, 100)),
            ("bytes=-5000", ByteRange(0, 1000)),
            ("bytes=990-5000", ByteRange(990, 10)),
            ("bytes=999-999", ByteRange(999, 1)),
        ):
            self.assertEqual(parse_range(header, 1000), expected, header)

    def test_bad_and_several(self) -> None:
        """Several ranges and what is none give the whole file."""
        for header in (None, "", "bytes=", "bytes=-", "bytes=0-1,5-6", "bytes=5-1", "bytes=a-b"):
            self.assertIsNone(parse_range(header, 1000), header)
        for header in ("items=0-1", "bytes=0-1-2", "bytes=" + "0-1," * 1_300, "bytes=--1"):
            self.assertIsNone(parse_range(header, 1000), header)

    def test_nothing_there(self) -> None:
        """A range behind the end has nothing."""
        for header, size in (("bytes=1000-", 1000), ("bytes=-0", 1000), ("bytes=0-", 0)):
            self.assertEqual(parse_range(header, size), UNSATISFIABLE)

    @given(st.text(alphabet="bytes=0123456789-, ", max_size=30), st.integers(0, 1 << 40))
    def test_never_outside(self, header: str, size: int) -> None:
        """Whatever is asked, no byte outside the file is promised."""
        part = parse_range(header, size)
        if part is not None:
            self.assertLessEqual(part.start + part.size, size)
            self.assertGreaterEqual(min(part.start, part.size), 0)


class ConditionTests(SynchronousTestCase):
    @given(st.integers(0, 1 << 33))
    def test_dates(self, seconds: int) -> None:
        """A date that was written is read back."""
        self.assertEqual(parse_http_date(http_date(seconds)), seconds)

    def test_not_modified(self) -> None:
        """The tag decides where there is one, else the date."""
        now = http_date(1_000)
        for headers, expected in (
            ({"if-none-match": '"a"'}, True),
            ({"if-none-match": "*"}, True),
            ({"if-none-match": '"b"', "if-modified-since": now}, False),
            ({"if-modified-since": now}, True),
            ({"if-modified-since": http_date(999)}, False),
            ({"if-modified-since": "yesterday"}, False),
            ({}, False),
        ):
            self.assertIs(is_not_modified(headers, '"a"', 1_000.5), expected, headers)

    def test_if_range(self) -> None:
        """A range of a file that has changed since is not given."""
        self.assertTrue(range_applies(None, '"a"', 1_000))
        self.assertTrue(range_applies('"a"', '"a"', 1_000))
        self.assertTrue(range_applies(http_date(1_000), '"a"', 1_000.5))
        self.assertFalse(range_applies('"b"', '"a"', 1_000))
        self.assertFalse(range_applies('W/"a"', '"a"', 1_000))
        self.assertFalse(range_applies("x", '"a"', 1_000))
