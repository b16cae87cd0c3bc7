"""The options about whose rights the processes have (application ``gotwist``)."""

from __future__ import annotations

from gotwist.settings.kinds import Integer, Path, Text
from gotwist.settings.lists import TextList
from gotwist.settings.option import SERVER, Option

_SECTION = "Rights"
_ACCOUNT = r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}|"


def method_name(text: str) -> str:
    """Read the name of a way of signing in."""
    if not text.isidentifier() or text in ("none", "pam"):
        raise ValueError("must hold ways of signing in other than none and pam")
    return text


PRIVILEGE_OPTIONS = (
    Option(
        "uid",
        Text(_ACCOUNT, "the name or number of an account"),
        "",
        "Account the daemon runs as. Started as root, it gives all other rights up, and a second "
        "process opens terminals as the accounts of those who sign in. Empty: the daemon and all "
        "terminals run as whoever starts it.",
        _SECTION,
        file=SERVER,
        restart=True,
    ),
    Option(
        "gid",
        Text(_ACCOUNT, "the name or number of a group"),
        "",
        "Group the daemon runs as. Empty: that of the account.",
        _SECTION,
        file=SERVER,
        restart=True,
    ),
    Option(
        "keeper_dir",
        Path(),
        None,
        "Directory of the socket of the process that opens terminals as others; root's. "
        "Default: runtime_dir with -keeper behind it.",
        _SECTION,
        file=SERVER,
        restart=True,
    ),
    Option(
        "trusted_methods",
        TextList(method_name),
        [],
        "Ways of signing in besides pam whose users get terminals as the account of their name. "
        "The process that opens them cannot judge these itself: it believes the daemon.",
        _SECTION,
        file=SERVER,
        restart=True,
    ),
    Option(
        "trusted_min_uid",
        Integer(1_000, 2**31 - 1),
        1_000,
        "Accounts with a smaller user id are never opened for trusted_methods.",
        _SECTION,
        file=SERVER,
        restart=True,
    ),
)
