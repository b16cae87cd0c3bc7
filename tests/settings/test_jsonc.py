"""Tests of JSON with comments."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gotwist.settings.error import SettingsError
from gotwist.settings.jsonc import MAX_DEPTH, MAX_LENGTH, blank_comments, parse_document

CHARACTERS = st.characters(exclude_categories=["Cs"], exclude_characters="\x00")
TEXT = st.text(CHARACTERS, max_size=20)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**14), 10**14)
    | st.floats(-1e200, 1e200, allow_nan=False)
    | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=20,
)


def parse(text: str) -> object:
    return parse_document("a.conf", text).root


class ParseTests(SynchronousTestCase):
    def test_plain(self) -> None:
        """JSON is read as JSON."""
        text = '{"a": [1, -2.5e3, "x\\u00e9\\n", true, false, null, {}, []]}'
        self.assertEqual({"a": [1, -2500.0, "xé\n", True, False, None, {}, []]}, parse(text))

    def test_comments(self) -> None:
        """Both styles of comments may stand wherever white space may."""
        text = '// first\n{/* a */"a"/**/:// b\n1/* several\nlines */,"b":2} // end'
        self.assertEqual({"a": 1, "b": 2}, parse(text))

    def test_comment_marks_in_texts(self) -> None:
        """Comment marks inside of a text are text."""
        text = '{"a": "http://x/*y*/", "b": "\\"// no comment"} // "comment"'
        self.assertEqual({"a": "http://x/*y*/", "b": '"// no comment'}, parse(text))

    def test_nothing_but_comments(self) -> None:
        """An empty file, or one that is all comments, says nothing."""
        self.assertEqual({}, parse(""))
        self.assertEqual({}, parse("\n// {\n/* } */\n"))

    def test_columns_are_kept(self) -> None:
        """Blanking comments moves no line and no column."""
        text = '{/* ä\nb */"a": 1 // c\n}'
        plain = blank_comments("a.conf", text)
        self.assertEqual(len(text), len(plain))
        self.assertEqual(text.index('"a"'), plain.index('"a"'))
        self.assertEqual(text.count("\n"), plain.count("\n"))

    def test_offsets(self) -> None:
        """The place of every key is known."""
        document = parse_document("a.conf", '{"*": {\n  "b": {"c": 1}}}')
        error = document.error(("*", "b", "c"), "is wrong; right it")
        self.assertEqual((2, 9), (error.line, error.column))
        above = document.error(("*", "b", "missing"), "is wrong; right it")
        self.assertEqual((2, 3), (above.line, above.column))


class RefusalTests(SynchronousTestCase):
    def refused(self, text: str, line: int, column: int, fragment: str) -> SettingsError:
        error: SettingsError = self.assertRaises(SettingsError, parse_document, "/etc/a.conf", text)
        self.assertEqual((line, column), (error.line, error.column), str(error))
        self.assertIn(fragment, str(error))
        self.assertTrue(str(error).startswith(f"/etc/a.conf:{line}:{column}: "), str(error))
        return error

    def test_trailing_comma(self) -> None:
        """A trailing comma is refused, with its place and what to do."""
        self.refused('{\n  "a": 1,\n}', 2, 9, "trailing comma; take away the comma")
        self.refused('{"a": [1, 2 , ] }', 1, 13, "trailing comma")
        self.refused('{"a": 1, // last\n}', 1, 8, "trailing comma")

    def test_excerpt(self) -> None:
        """The error shows the line, and a caret below the place."""
        error = self.refused('{\n\t"a": 1,\n}', 2, 8, "trailing comma")
        self.assertEqual(['    \t"a": 1,', "    \t      ^"], str(error).split("\n")[1:])

    def test_long_line(self) -> None:
        """Of a very long line only the part around the place is shown."""
        error = self.refused('{"a": "' + "x" * 5000 + '", }', 1, 5009, "trailing comma")
        shown, caret = str(error).split("\n")[1:]
        self.assertLess(len(shown), 120)
        self.assertEqual(",", shown[caret.index("^")])

    def test_secret_line(self) -> None:
        """A line that may hold a secret is not repeated in the error."""
        error = self.refused('{"cookie_secret": "hush",}', 1, 25, "trailing comma")
        self.assertNotIn("hush", str(error))
        error = self.refused('{"cookie_secret":\n  "hush",}', 2, 9, "trailing comma")
        self.assertNotIn("hush", str(error))

    def test_control_characters_in_the_excerpt(self) -> None:
        """The error cannot be used to write escape sequences into a log."""
        error = self.refused('{"a": \x1b[31m}', 1, 7, "a value is expected")
        self.assertNotIn("\x1b", str(error))

    def test_duplicate_key(self) -> None:
        """Equal keys in one object are refused: one of them would be lost."""
        self.refused('{"a": 1,\n "a": 2}', 2, 2, "stands here twice")
        self.assertEqual({"a": {"a": 1}}, parse('{"a": {"a": 1}}'))

    def test_missing_comma(self) -> None:
        """A missing comma is told behind the item that lacks it."""
        self.refused('{"a": 1\n "b": 2}', 1, 8, "a comma is missing")

    def test_missing_colon(self) -> None:
        """A missing colon is told."""
        self.refused('{"a" 1}', 1, 6, "a colon is missing")

    def test_never_closed(self) -> None:
        """What is never closed is told where it was opened."""
        self.refused('{"a": {\n"b": 1}', 1, 1, "never closed")
        self.refused('{"a": [1', 1, 7, "never closed")
        self.refused("{", 1, 1, "never closed")
        self.refused('{"a": "b\n}', 1, 7, "this text never ends")
        self.refused('{"a": "b', 1, 7, "this text never ends")
        self.refused('{"a": 1} /* b', 1, 10, "this comment never ends")

    def test_wrong_bracket(self) -> None:
        """A bracket that closes something else is told."""
        self.refused('{"a": [1}', 1, 9, "] is expected")

    def test_python_words(self) -> None:
        """Words of other languages are refused with the right ones."""
        self.refused('{"a": True}', 1, 7, "write true")
        self.refused('{"a": None}', 1, 7, "write null")
        self.refused('{"a": NaN}', 1, 7, "NaN is not a value")
        self.refused("{'a': 1}", 1, 2, "use double quotes")
        self.refused("{\"a\": 'b'}", 1, 7, "use double quotes")
        self.refused("{a: 1}", 1, 2, "a name in double quotes")

    def test_numbers(self) -> None:
        """Numbers that are none, or too large, are refused."""
        for text in ("01", "1.", "+1", "0x10", "1_000", "-", "5d"):
            self.assertRaises(SettingsError, parse, f'{{"a": {text}}}')
        self.refused('{"a": 1234567890123456}', 1, 7, "15 digits")
        self.refused('{"a": 1e999}', 1, 7, "too large")

    def test_bad_texts(self) -> None:
        """Texts with unknown escapes, control characters or half characters are refused."""
        self.refused('{"a": "\\d"}', 1, 8, "unknown \\ sequence")
        self.refused('{"a": "x\x01"}', 1, 9, "control character")
        self.refused('{"a": "\\ud800"}', 1, 7, "surrogate")
        self.refused('{"a": "\\u0000"}', 1, 7, "zero")

    def test_not_an_object(self) -> None:
        """A file that holds something else than one object is refused."""
        self.refused("[]", 1, 1, "one object")
        self.refused("{} {}", 1, 4, "text after the end")

    def test_limits(self) -> None:
        """Depth and length are limited."""
        deep = '{"a":' * MAX_DEPTH + "1" + "}" * MAX_DEPTH
        self.assertIsInstance(parse(deep), dict)
        deeper = '{"a":' * (MAX_DEPTH + 1) + "1" + "}" * (MAX_DEPTH + 1)
        error = self.assertRaises(SettingsError, parse, deeper)
        self.assertIn("nested more than", str(error))
        self.assertRaises(SettingsError, parse, '{"a":' + "[" * 100_000)
        self.assertRaises(SettingsError, parse, " " * (MAX_LENGTH + 1))


class PropertyTests(SynchronousTestCase):
    @given(st.dictionaries(TEXT, VALUES, max_size=5), st.sampled_from([None, 1, 4]))
    def test_round_trip(self, root: dict[str, object], indent: int | None) -> None:
        """Whatever JSON is written is read back."""
        self.assertEqual(root, parse(json.dumps(root, indent=indent)))

    @given(st.text('{}[]:,"\\/* \n1atrue', max_size=40) | st.text(max_size=40))
    def test_anything(self, text: str) -> None:
        """Any text gives values or an error with a place, nothing else."""
        try:
            root = parse(text)
        except SettingsError as error:
            self.assertGreaterEqual(error.line, 1)
            self.assertGreaterEqual(error.column, 1)
        else:
            self.assertIsInstance(root, dict)
