"""Forms of what a daemon tells a privileged keeper; the daemon keeps to them, the keeper checks."""

from __future__ import annotations

import re

MAX_PASSWORD = 1_024
MAX_TEXTS = 16

#: Names of accounts.
USER = re.compile(r"[A-Za-z_][A-Za-z0-9_.@+-]{0,127}")
#: Where a person is, if that is known.
ADDRESS = re.compile(r"[0-9A-Za-z.:%_-]{0,255}")
#: Environment variables whose values are the daemon's to choose: none that a program obeys.
PLACE = re.compile(r"GO_[A-Z_]{1,32}|LINES|COLUMNS")
VALUE = re.compile(r"[^\x00-\x1f\x7f]{0,4096}")
#: Variables of command lines, apart from those that the keeper knows better.
VARIABLE = re.compile(r"SESSION|SESSION_DIR|SESSION_HASH|USERDIR|TIME")
WORD = re.compile(r"[A-Za-z0-9_/][A-Za-z0-9_./@+-]{0,4095}|")


def is_secret(text: str) -> bool:
    """Tell whether a text can be a password or another answer."""
    return len(text) <= MAX_PASSWORD and "\0" not in text
