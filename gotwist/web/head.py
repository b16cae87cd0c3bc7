"""What a request head must be like before anything of it is believed or its body is read."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

METHODS: Final = (b"GET", b"HEAD", b"POST", b"OPTIONS")

_PATH_CONTROL = re.compile(rb"%(?:[01][0-9a-f]|7f)", re.IGNORECASE)
_RAW_CONTROL = re.compile(rb"[\x00-\x20\x7f-\xff]")


def head_fault(version: bytes, target: bytes, transfer_encodings: Sequence[bytes]) -> int | None:
    """Judge the parts of a head that need no knowledge of us; a status, or ``None`` if fine.

    Refused here although lenient servers take it: two ``Transfer-Encoding`` lines or codings
    and ``identity`` (a front server may read them otherwise: request smuggling), any coding
    in HTTP/1.0, a target that is no path, control characters however they are written.
    """
    if transfer_encodings and (
        len(transfer_encodings) > 1
        or transfer_encodings[0].lower() != b"chunked"
        or version != b"HTTP/1.1"
    ):
        return 400
    path, _, query = target.partition(b"?")
    if not path.startswith(b"/"):
        return 400
    if _RAW_CONTROL.search(target) or b"#" in target:
        return 400
    if _PATH_CONTROL.search(path) or b"%00" in query:
        return 400
    return None
