"""The colours and attributes in force (``CSI ... m``)."""

from __future__ import annotations

import re

_SGR = re.compile(rb"\x1b\[([0-9;:]{0,128})m")
_RESETS = (b"\x1b[0m", b"\x1b[m", b"\x1b[0;", b"\x1b[00m")
# What each "off" number clears.  Colours have keys of their own.
_OFF = {
    22: (1, 2),
    23: (3,),
    24: (4, 21),
    25: (5, 6),
    27: (7,),
    28: (8,),
    29: (9,),
    55: (53,),
    39: (38,),
    49: (48,),
    59: (58,),
}
_NEAR = 2_048


class Sgr:
    """Attributes as ``key -> parameters``; rendering them sets them again."""

    __slots__ = ("_set",)

    def __init__(self, attributes: dict[int, bytes] | None = None) -> None:
        self._set = attributes or {}

    def copy(self) -> Sgr:
        """Give an independent copy."""
        return Sgr(dict(self._set))

    def follow(self, data: bytes, start: int, end: int) -> None:
        """Apply all colour sequences between two places, from the last full reset on."""
        # Resets are frequent, so the last one is mostly near the end.
        near = max(start, end - _NEAR)
        last = max(data.rfind(reset, near, end) for reset in _RESETS)
        if last < 0 and near > start:
            last = max(data.rfind(reset, start, near + 4) for reset in _RESETS)
        # Each sequence sets constants, so only the last of several equal ones counts.
        found = _SGR.findall(data, max(last, start), end)
        found.reverse()
        for parameters in reversed(dict.fromkeys(found)):
            self.apply(parameters)

    def apply(self, parameters: bytes) -> None:
        """Apply the parameters of one sequence."""
        parts = parameters.split(b";", 33)[:32]
        at = 0
        while at < len(parts):
            part = parts[at]
            at += 1
            number_text, colon, sub = part.partition(b":")
            if len(number_text) > 3:
                continue
            number = int(number_text or b"0")
            if number in (38, 48, 58):
                if not colon:
                    count = {b"5": 2, b"2": 4}.get(parts[at] if at < len(parts) else b"", 0)
                    if not count or at + count > len(parts):
                        return
                    part = b";".join([part, *parts[at : at + count]])
                    at += count
                self._set[number] = part
            elif number == 4 and colon:
                self._set.pop(21, None)
                self._set.pop(4, None)
                if sub != b"0":
                    self._set[4] = part
            else:
                self._simple(number)

    def _simple(self, number: int) -> None:
        if number == 0:
            self._set = {}
        elif number in _OFF:
            for key in _OFF[number]:
                self._set.pop(key, None)
        elif 30 <= number <= 37 or 90 <= number <= 97:
            self._set[38] = b"%d" % number
        elif 40 <= number <= 47 or 100 <= number <= 107:
            self._set[48] = b"%d" % number
        elif 1 <= number <= 9 or number in (21, 53):
            if number in (4, 21):
                self._set.pop(25 - number, None)  # one line below, or two
            self._set[number] = b"%d" % number

    def render(self) -> bytes:
        """Render one sequence that sets these attributes on a reset terminal."""
        if not self._set:
            return b""
        return b"\x1b[%sm" % b";".join(self._set[key] for key in sorted(self._set))
