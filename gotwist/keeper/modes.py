"""Which modes a program has set, so that a fresh terminal can take over at a safe point.

Bytes in, state out.  The tracker knows nothing of cells; it knows what a screen cannot show:
modes, character sets, margins, colours in force, the alternate screen, the title.

Cost is the design: text without ESC costs one ``memchr``; colours (``CSI ... m``) are jumped
over by one compiled expression and only looked at where the state is asked for, from the
last full reset on.  Measured on 64 KiB: plain 2 us, ``ls --color`` 60 us, an escape sequence
every eight bytes 180 us.
"""

from __future__ import annotations

import re

from gotwist.keeper.sgr import Sgr

#: Text with none of these changes nothing here: ESC, shift out, shift in.
CHANGES_MODES = (0x1B, 0x0E, 0x0F)
MAX_SEQUENCE = 4_096
MAX_TITLE = 256
MAX_MODES = 64
MAX_COLOURS = 300

ALTERNATE = (47, 1047, 1049)
# DECCOLM clears the screen; 1048 is a cursor position; 2026 would freeze the display.
_NEVER_RESTORED = frozenset((3, 1048, 2026))
_MOUSE = frozenset((9, 1000, 1002, 1003))
_MOUSE_FORMAT = frozenset((1005, 1006, 1015, 1016))

_INTERESTING = re.compile(
    rb"\x1b(?!\[[0-9;:]*[m@ABCDEFGHIJKLMPSTXZ`abdefnt])"
    rb"(?:\[([\x20-\x3f]*)([\x40-\x7e])"
    rb"|([\]PX^_])"
    rb"|([()*+\-./])([\x20-\x2f]*[\x30-\x7e])"
    rb"|([\x30-\x7e]))"
)
# Nothing but text and colours, from the front: sixteen at a time are a quarter cheaper than one.
_COLOURED = re.compile(rb"(?:%s)*+" % (rb"[^\x1b]*+\x1b\[[0-9;:]*+m" * 16))
_UNFINISHED = re.compile(rb"\x1b(?:[\x20-\x2f]*|\[[\x20-\x3f]*)\Z")
_STRING_END = re.compile(rb"[\x1b\x18\x1a]")
_OSC_END = re.compile(rb"[\x07\x1b\x18\x1a]")
_SAFE_COLOUR = re.compile(rb"[0-9A-Za-z#:/;.]{1,32}\Z")
# Besides C0 and C1: marks that turn the direction of text, and invisible ones.
_NOT_IN_TITLE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]"
)

_NOTHING_SAVED: tuple[Sgr, bytes, dict[bytes, bytes]] = (Sgr(), b"", {})


class Modes:
    """The state after all bytes fed so far.  ``feed`` says how far that was."""

    __slots__ = (
        "_ansi", "_charsets", "_colours", "_cursor", "_in_string", "_keypad", "_known", "_margins",
        "_private", "_saved", "_sgr", "_sgr_from", "_shift", "alternate", "entered_at", "title",
    )  # fmt: skip

    def __init__(self) -> None:
        self.title = ""
        self.alternate = 0
        # Where (in the data of the last feed) the alternate screen was entered, or -1.
        self.entered_at = -1
        self._in_string = 0
        self._sgr_from = 0
        self._colours: dict[bytes, bytes] = {}
        self._reset()

    def _reset(self) -> None:
        self.alternate = 0
        self._private: dict[int, bool] = {}
        # Whole sequences that only switch one mode that is in use: programs repeat them.
        self._known: dict[bytes, tuple[int, bool]] = {}
        self._ansi: dict[int, bool] = {}
        self._keypad = False
        self._charsets: dict[bytes, bytes] = {}
        self._shift = b""
        self._margins = b""
        self._cursor = b""
        self._sgr = Sgr()
        # Saved by ESC 7 on the main and on the alternate screen.
        self._saved = [_NOTHING_SAVED, _NOTHING_SAVED]

    @property
    def is_safe(self) -> bool:
        """Tell whether the state is known exactly here: not inside a control string."""
        return not self._in_string

    def feed(self, data: bytes) -> int:
        """Follow the bytes; give how many were used.

        The rest (an unfinished sequence of at most ``MAX_SEQUENCE`` bytes) is to be fed
        again with what follows it.
        """
        self.entered_at = -1
        at = 0
        if self._in_string:
            at = self._skip_string(data, 0)
            if self._in_string:
                return len(data)
        end = self._unfinished(data, at)
        self._sgr_from = at
        if data.find(b"\x1b", at, end) >= 0:
            at = self._walk(data, at, end)
        if not self._in_string:
            self._catch_up(data, end)
        return end

    def _walk(self, data: bytes, at: int, end: int) -> int:
        search = _INTERESTING.search
        if coloured := _COLOURED.match(data, at, end):
            at = coloured.end()
        while match := search(data, at, end):
            at = match.end()
            kind = match.lastindex
            if (known := self._known.get(match[0])) is not None:
                self._private[known[0]] = known[1]
            elif kind == 2:
                self._csi(match[1], match[2], data, match.start())
            elif kind == 3:
                start = at
                self._catch_up(data, match.start())
                self._in_string = match[3][0]
                at = self._skip_string(data, at)
                aborted = data[at - 1] in b"\x18\x1a"
                if match[3] == b"]" and not self._in_string and not aborted:
                    self._osc(data[start : min(at, start + MAX_SEQUENCE)])
                self._sgr_from = at
                if self._in_string:
                    return at
            elif kind == 5:
                if match[4] in b"()*+" and len(match[5]) <= 3:
                    self._charsets[match[4]] = match[5]
            else:
                self._escape(match[6], data, match.start())
        return at

    def _skip_string(self, data: bytes, at: int) -> int:
        match = (_OSC_END if self._in_string == 0x5D else _STRING_END).search(data, at)
        if match is None:
            return len(data)
        self._in_string = 0
        # An ESC ends the string and begins the next sequence (usually ESC \\).
        return match.start() if match[0] == b"\x1b" else match.end()

    def _unfinished(self, data: bytes, at: int) -> int:
        """Find where the complete sequences end."""
        end = len(data)
        last = data.rfind(b"\x1b", max(at, end - MAX_SEQUENCE))
        if last >= 0 and _UNFINISHED.match(data, last):
            # The ESC of ESC \\ : keep the string it ends whole, it may be a title.
            opener = data.rfind(b"\x1b]", max(at, last - MAX_SEQUENCE), last)
            if last == end - 1 and opener >= 0 and not _OSC_END.search(data, opener + 2, last):
                return opener
            return last
        if last >= 0 and data[last + 1 : last + 2] in (b"]", b"P", b"X", b"^", b"_"):
            ends = _OSC_END if data[last + 1] == 0x5D else _STRING_END
            if not ends.search(data, last + 2):
                return last
        return end

    def _catch_up(self, data: bytes, end: int) -> None:
        """Bring colours and shift up to date with what lies before ``end``."""
        start = self._sgr_from
        if end <= start:
            return
        self._sgr_from = end
        in_shift = data.rfind(b"\x0f", start, end)
        out_shift = data.rfind(b"\x0e", start, end)
        if in_shift != out_shift:
            self._shift = b"" if in_shift > out_shift else b"\x0e"
        if data.find(b"\x1b", start, end) >= 0:
            self._sgr.follow(data, start, end)

    def _escape(self, final: bytes, data: bytes, at: int) -> None:
        if final == b"c":
            self._reset()
            self._colours.clear()
            self._sgr_from = at
        elif final == b"7" or final == b"8":
            self._catch_up(data, at)
            self._save() if final == b"7" else self._restore_saved()
        elif final in b"=>":
            self._keypad = final == b"="
        elif final == b"n" or final == b"o":
            self._catch_up(data, at)
            self._shift = b"\x1b" + final

    def _save(self) -> None:
        saved = (self._sgr.copy(), self._shift, dict(self._charsets))
        self._saved[1 if self.alternate else 0] = saved

    def _restore_saved(self) -> None:
        sgr, self._shift, charsets = self._saved[1 if self.alternate else 0]
        self._sgr = sgr.copy()
        self._charsets = dict(charsets)

    def _csi(self, parameters: bytes, final: bytes, data: bytes, at: int) -> None:
        if final == b"h" or final == b"l":
            private = parameters[:1] == b"?"
            for part in parameters[private:].split(b";", 33)[:32]:
                if part.isdigit() and len(part) <= 5:
                    self._mode(int(part), private, final == b"h", data, at)
        elif final == b"r" and not parameters.strip(b"0123456789;"):
            self._margins = parameters[:16]
        elif final == b"q" and parameters[-1:] == b" ":
            self._cursor = parameters[:3] if parameters[:-1].isdigit() else b""
        elif final == b"p" and parameters == b"!":
            # A soft reset keeps screen, title, palette and the mouse.
            alternate = self.alternate
            mouse = {n: on for n, on in self._private.items() if n in _MOUSE | _MOUSE_FORMAT}
            self._reset()
            self.alternate = alternate
            self._private |= mouse
            self._sgr_from = at
        elif final in b"su" and not parameters:
            self._catch_up(data, at)
            self._save() if final == b"s" else self._restore_saved()

    def _mode(self, number: int, private: bool, on: bool, data: bytes, at: int) -> None:
        if not private:
            if number in (4, 20):
                self._ansi[number] = on
            return
        if number in ALTERNATE:
            self._catch_up(data, at)
            if on and number == 1049:
                self._save()
            if on and not self.alternate:
                self.entered_at = at
            self.alternate = number if on else 0
            if not on and number == 1049:
                self._restore_saved()
        elif number == 1048:
            self._catch_up(data, at)
            self._save() if on else self._restore_saved()
        elif number in _NEVER_RESTORED:
            return
        elif number in _MOUSE or number in _MOUSE_FORMAT:
            # One choice each: the last one set wins, resetting any resets it.
            for other in _MOUSE if number in _MOUSE else _MOUSE_FORMAT:
                self._private.pop(other, None)
            if on:
                self._private[number] = True
        elif number in self._private or len(self._private) < MAX_MODES:
            self._private[number] = on
            self._known[b"\x1b[?%d%s" % (number, b"h" if on else b"l")] = (number, on)

    def _osc(self, content: bytes) -> None:
        content = content.rstrip(b"\x07")
        number, _, value = content.partition(b";")
        if number in (b"0", b"2"):
            self.title = clean_title(value.decode("utf-8", "replace"))
        elif number in (b"10", b"11", b"12"):
            if _SAFE_COLOUR.match(value):
                self._colours[number] = value
        elif number == b"4":
            parts = value.split(b";", 2 * MAX_COLOURS)
            for index, colour in zip(parts[::2], parts[1::2], strict=False):
                if (
                    index.isdigit()
                    and len(index) <= 3
                    and int(index) < 256
                    and _SAFE_COLOUR.match(colour)
                ):
                    self._colours[b"4;" + index] = colour
        elif number in (b"104", b"110", b"111", b"112"):
            self._reset_colours(b"4" if number == b"104" else number.replace(b"11", b"1"), value)

    def _reset_colours(self, number: bytes, indexes: bytes) -> None:
        if number != b"4":
            self._colours.pop(number, None)
            return
        chosen = [b"4;" + index for index in indexes.split(b";", MAX_COLOURS) if index]
        for key in chosen or [key for key in self._colours if key.startswith(b"4;")]:
            self._colours.pop(key, None)

    def restore(self) -> bytes:
        """Render what brings a freshly reset terminal into this state (screen apart)."""
        parts = [b"\x1b]%s;%s\x1b\\" % item for item in self._colours.items()]
        if self.alternate:
            parts.append(b"\x1b[?%dh" % self.alternate)
        if self._margins:
            parts.append(b"\x1b[%sr" % self._margins)
        parts += [b"\x1b%s%s" % item for item in self._charsets.items()]
        parts.append(self._shift)
        for number, on in self._ansi.items():
            parts.append(b"\x1b[%d%s" % (number, b"h" if on else b"l"))
        for number, on in self._private.items():
            parts.append(b"\x1b[?%d%s" % (number, b"h" if on else b"l"))
        if self._keypad:
            parts.append(b"\x1b=")
        if self._cursor:
            parts.append(b"\x1b[%sq" % self._cursor)
        parts.append(self._sgr.render())
        return b"".join(parts)


def clean_title(title: str) -> str:
    """Make program-chosen text fit for a title bar: no controls, no direction marks, short."""
    return _NOT_IN_TITLE.sub("", title)[:MAX_TITLE]
