"""What the keeper remembers of a terminal for the daemon: one opaque JSON text.

The keeper hands it back after a restart of the daemon, so that every terminal finds its
session, its place and its title again.
"""

from __future__ import annotations

import msgspec

from gotwist.errors import Malformed

#: The keeper refuses longer ones (docs/protocol.md, section 2).
MAX_LABEL_BYTES = 2048


class Label(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where a terminal belongs.

    :ivar session: session id
    :ivar upn: user who opened it
    :ivar location: location name
    :ivar term: number within the location
    :ivar command: name of the command
    :ivar created: milliseconds since 1970
    :ivar manual_title: title given by the user, empty for the program's own
    """

    session: str
    upn: str
    location: str
    term: int
    command: str
    created: int
    manual_title: str = ""


def render_label(label: Label) -> str:
    """Render a label; the inverse of :func:`parse_label`.

    :raises Malformed: when it would be longer than the keeper takes
    """
    text = msgspec.json.encode(label)
    if len(text) > MAX_LABEL_BYTES:
        raise Malformed("the names of this terminal are too long")
    return text.decode()


def parse_label(text: str) -> Label:
    """Parse what :func:`render_label` wrote.

    :raises Malformed: anything else
    """
    try:
        return msgspec.json.decode(text, type=Label)
    except (msgspec.DecodeError, UnicodeEncodeError) as error:
        raise Malformed(f"not a terminal's label: {error}") from None
