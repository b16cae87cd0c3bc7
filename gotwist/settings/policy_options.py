"""The options that say who may do what: policies, most of them per user.

None stands in a generated file: later files win, and 50terminal.conf comes after 50access.conf.
"""

from __future__ import annotations

import re

from gotwist.settings.kinds import Boolean
from gotwist.settings.lists import TextList
from gotwist.settings.mappings import Dimensions
from gotwist.settings.option import Option

_SECTION = "Policies"
_FIELD = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,63}")


def field(text: str) -> str:
    """Read the name of something that is known of a user."""
    if not _FIELD.fullmatch(text):
        raise ValueError('must hold names of attributes, such as ["upn", "ip_address"]')
    return text


MESSAGING = (
    Option(
        "send_user_messages",
        Boolean(),
        True,
        "May send messages to single users (go:send_user_message).",
        _SECTION,
        per_user=True,
        command_line=False,
    ),
    Option(
        "send_broadcasts",
        Boolean(),
        False,
        "May send messages to everybody who is signed in (go:broadcast).",
        _SECTION,
        per_user=True,
        command_line=False,
    ),
    Option(
        "list_users",
        Boolean(),
        True,
        "May ask who is signed in (go:list_users).",
        _SECTION,
        per_user=True,
        command_line=False,
    ),
    Option(
        "user_list_fields",
        TextList(field),
        ["upn", "ip_address"],
        "What who asks is told of each user: upn, ip_address, or any attribute.",
        _SECTION,
        per_user=True,
        command_line=False,
    ),
)

TERMINALS = (
    Option(
        "allow",
        Boolean(),
        True,
        "May use terminals at all; when false, the application is not there. Every other "
        "application has this option too.",
        _SECTION,
        "terminal",
        per_user=True,
        command_line=False,
    ),
    Option(
        "max_dimensions",
        Dimensions(),
        None,
        'The largest terminal, as {"rows": 100, "columns": 300}; larger ones are made so small. '
        "Not set: 500 rows and 1000 columns.",
        _SECTION,
        "terminal",
        per_user=True,
        command_line=False,
    ),
)

POLICIES = MESSAGING + TERMINALS
