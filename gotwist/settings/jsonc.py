"""JSON with comments: the text of a settings file into values, each with its place.

JSON as in RFC 8259, and ``// ...`` and ``/* ... */`` wherever white space may stand.  The
whole is an object; a file with nothing but comments is an empty one.  Equal keys in one
object, NaN and a trailing comma are refused.  At most ``MAX_LENGTH`` characters, nesting
at most ``MAX_DEPTH``, whole numbers of at most 15 digits.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import NoReturn

from gotwist.settings.error import SettingsError, error_at
from gotwist.settings.values import JSON

MAX_LENGTH = 1_048_576
MAX_DEPTH = 32

_STRING_OR_COMMENT = re.compile(r'"(?:[^"\\\n]|\\.)*"|//[^\n]*|/\*.*?\*/|/\*', re.DOTALL)
_STRING = re.compile(r'"(?:[^"\\\x00-\x1f]|\\.)*')
_SPACE = re.compile(r"[ \t\r\n]*")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")
_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_WORDS: dict[str, JSON] = {"true": True, "false": False, "null": None}


@dataclass(frozen=True)
class Document:
    """What one settings file says, and where it says it."""

    file: str
    text: str
    root: dict[str, JSON]
    #: The offset of each key, by the path of keys that leads to it.
    offsets: dict[tuple[str, ...], int]

    def error(self, path: tuple[str, ...], message: str) -> SettingsError:
        """Make the error for the key at ``path``, or for the nearest key above it."""
        while path and path not in self.offsets:
            path = path[:-1]
        return error_at(self.file, self.text, self.offsets.get(path, 0), message)


def blank_comments(file: str, text: str) -> str:
    """Replace comments by spaces, so that every line and column stays where it is.

    :raises SettingsError: a ``/*`` has no ``*/``.
    """

    def blank(match: re.Match[str]) -> str:
        found = match[0]
        if found[0] == '"':
            return found
        if found == "/*":
            raise error_at(file, text, match.start(), "this comment never ends; add the */")
        return re.sub(r"[^\n]", " ", found)

    return _STRING_OR_COMMENT.sub(blank, text)


def parse_document(file: str, text: str) -> Document:
    """Parse the text of one settings file.

    :raises SettingsError: it is not of the form above; tells line, column and remedy.
    """
    if len(text) > MAX_LENGTH:
        raise SettingsError(
            file, 0, 0, f"is longer than {MAX_LENGTH} characters; split it into several files"
        )
    parser = _Parser(file, text, blank_comments(file, text))
    return Document(file, text, parser.document(), parser.offsets)


class _Parser:
    """Recursive descent over one text; ``at`` is the offset of the next character."""

    def __init__(self, file: str, text: str, plain: str) -> None:
        self.file = file
        self.text = text
        self.plain = plain
        self.at = 0
        self.offsets: dict[tuple[str, ...], int] = {}

    def fail(self, offset: int, message: str) -> NoReturn:
        raise error_at(self.file, self.text, offset, message)

    def peek(self) -> str:
        match = _SPACE.match(self.plain, self.at)
        assert match is not None
        self.at = match.end()
        return self.plain[self.at : self.at + 1]

    def document(self) -> dict[str, JSON]:
        first = self.peek()
        if not first:
            return {}
        if first != "{":
            self.fail(self.at, 'a settings file is one object; begin it with {"*": {')
        root = self.object((), 1)
        if self.peek():
            self.fail(self.at, "text after the end; one brace too many, or two objects")
        return root

    def value(self, path: tuple[str, ...], depth: int) -> JSON:
        letter = self.peek()
        if letter in ("{", "[") and depth > MAX_DEPTH:
            self.fail(self.at, f"nested more than {MAX_DEPTH} deep; flatten it")
        if letter == "{":
            return self.object(path, depth)
        if letter == "[":
            return self.list(path, depth)
        if letter == '"':
            return self.string()
        if letter and letter in "-0123456789":
            return self.number()
        return self.word(letter)

    def object(self, path: tuple[str, ...], depth: int) -> dict[str, JSON]:
        opened = self.at
        self.at += 1
        result: dict[str, JSON] = {}
        while self.peek() != "}" or result:
            start = self.at
            if self.peek() != '"':
                self.expected_key(opened)
            key = self.string()
            if key in result:
                self.fail(start, f"{json.dumps(key)} stands here twice; take one of them away")
            self.offsets[(*path, key)] = start
            if self.peek() != ":":
                self.fail(self.at, f"a colon is missing; write {json.dumps(key)}: value")
            self.at += 1
            result[key] = self.value((*path, key), depth + 1)
            if not self.another("}", opened):
                return result
        self.at += 1
        return result

    def list(self, path: tuple[str, ...], depth: int) -> list[JSON]:
        opened = self.at
        self.at += 1
        result: list[JSON] = []
        while self.peek() != "]" or result:
            result.append(self.value(path, depth + 1))
            if not self.another("]", opened):
                return result
        self.at += 1
        return result

    def another(self, closing: str, opened: int) -> bool:
        """Read the comma that another item follows, or the closing bracket."""
        behind = self.at
        letter = self.peek()
        if letter == closing:
            self.at += 1
            return False
        if letter == ",":
            comma = self.at
            self.at += 1
            following = self.peek()
            if following and following in "}]":
                self.fail(comma, "trailing comma; take away the comma after the last item")
            if following == ",":
                self.fail(self.at, "two commas in a row; take one away")
            return True
        if not letter:
            self.never_closed(closing, opened)
        if letter in "}]":
            self.fail(self.at, f"this {letter} closes nothing; {closing} is expected here")
        self.fail(behind, "a comma is missing; put one between the two items")

    def never_closed(self, closing: str, opened: int) -> NoReturn:
        self.fail(opened, f"this is never closed; add the missing {closing}")

    def expected_key(self, opened: int) -> NoReturn:
        letter = self.peek()
        if not letter:
            self.never_closed("}", opened)
        if letter == "'":
            self.fail(self.at, "single quotes do not make a text; use double quotes")
        self.fail(self.at, "a name in double quotes is expected; quote it")

    def string(self) -> str:
        start = self.at
        match = _STRING.match(self.plain, start)
        assert match is not None
        self.at = match.end()
        ending = self.plain[self.at : self.at + 1]
        if ending in ("", "\n"):
            self.fail(start, "this text never ends; add the closing double quote")
        if ending != '"':
            self.fail(self.at, "a control character in a text; write it as \\u and four digits")
        self.at += 1
        try:
            text = str(json.loads(match[0] + '"'))
        except json.JSONDecodeError as problem:
            self.fail(start + problem.pos, "an unknown \\ sequence; write \\\\ for a backslash")
        if "\x00" in text or any("\ud800" <= letter <= "\udfff" for letter in text):
            self.fail(start, "a text with a zero or half a surrogate pair; take it out")
        return text

    def number(self) -> int | float:
        start = self.at
        match = _NUMBER.match(self.plain, start)
        after = self.plain[match.end() : match.end() + 1] if match else ""
        if match is None or (after and (after.isalnum() or after in "._+")):
            self.fail(start, "not a number; put double quotes around a text")
        self.at = match.end()
        if match[1] is None and match[2] is None:
            if len(match[0].lstrip("-")) > 15:
                self.fail(start, "a number of more than 15 digits; make it smaller")
            return int(match[0])
        if abs(result := float(match[0])) > 1e300:
            self.fail(start, "a number too large; make it smaller")
        return result

    def word(self, letter: str) -> JSON:
        if not letter:
            self.fail(len(self.plain.rstrip()), "the file ends where a value is expected; add it")
        if letter == "'":
            self.fail(self.at, "single quotes do not make a text; use double quotes")
        match = _WORD.match(self.plain, self.at)
        if match is None:
            self.fail(self.at, "a value is expected here; add it")
        if match[0] not in _WORDS:
            hint = {"true": "true", "false": "false", "none": "null"}.get(match[0].lower())
            remedy = f"write {hint}" if hint else "put double quotes around a text"
            self.fail(self.at, f"{match[0][:40]} is not a value; {remedy}")
        self.at = match.end()
        return _WORDS[match[0]]
