"""The options of PAM and of the authentication service (application ``gotwist``)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from gotwist.settings.kinds import Boolean, Choice, Integer, OctalMode, Path, Text
from gotwist.settings.lists import TextList
from gotwist.settings.option import AUTHENTICATION, SERVER, Option
from gotwist.settings.values import JSON, Value

_PAM = "PAM"
_SERVICE = "Authentication service"

_SERVICE_NAME = r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}"
_ACCOUNT = r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}\$?"


@dataclass(frozen=True)
class Pattern:
    """A regular expression that has to match as a whole."""

    form: str = "pattern"

    def from_text(self, text: str) -> Value:
        try:
            if 0 < len(text) <= 1000:
                re.compile(text)
                return text
        except (re.error, RecursionError, OverflowError):
            pass
        raise ValueError("must be a regular expression such as [a-z][a-z0-9-]*")

    def from_json(self, raw: JSON) -> Value:
        return self.from_text(raw if isinstance(raw, str) else "")

    def to_json(self, value: Value) -> JSON:
        return str(value)


def service_name(text: str) -> str:
    """Read the name of a PAM service."""
    if not re.fullmatch(_SERVICE_NAME, text):
        raise ValueError("must hold names of PAM services, such as x2gobroker")
    return text


def peer(text: str) -> str:
    """Read an account, or a group with ``@`` before it, by name or number."""
    if not re.fullmatch(f"@?{_ACCOUNT}", text):
        raise ValueError("must hold users and @groups, such as x2gobroker;@staff")
    return text


PAM_OPTIONS = (
    Option(
        "pam_service",
        Text(_SERVICE_NAME, "the name of a PAM service, such as login"),
        "login",
        "PAM service that is asked when somebody signs in (auth=pam). It needs a file of this "
        "name; libpam's fallback is not used.",
        _PAM,
        file=AUTHENTICATION,
        restart=True,
    ),
    Option(
        "pam_realm",
        Text(r"[A-Za-z0-9_.-]{0,64}", "letters, digits and . _ -, such as example.org"),
        None,
        "A PAM user is called <account>@<pam_realm>. Default: this machine's name. Empty: "
        "the account's name alone.",
        _PAM,
        file=AUTHENTICATION,
        restart=True,
    ),
    Option(
        "pam_user_pattern",
        Pattern(),
        "[a-z_][a-z0-9_.@-]{0,63}",
        "Names that PAM is asked about at all, as a regular expression.",
        _PAM,
        restart=True,
    ),
    Option(
        "pam_service_dir",
        Path(),
        None,
        "Directory of PAM services, instead of the system's.",
        _PAM,
        restart=True,
    ),
    Option(
        "pam_workers",
        Integer(1, 16),
        16,
        "Processes that check passwords at a time; started when they are needed.",
        _PAM,
        restart=True,
    ),
)

AUTHSERVICE_OPTIONS = (
    Option(
        "services",
        Choice(("all", "authservice")),
        "all",
        "What this process is. authservice: the authentication service alone, without web door "
        "and terminals, for a second process with more rights.",
        _SERVICE,
        in_files=False,
        restart=True,
    ),
    Option(
        "authservice_enable",
        Boolean(),
        True,
        "Check passwords for other programs, over a UNIX socket.",
        _SERVICE,
        file=SERVER,
        restart=True,
    ),
    Option(
        "authservice_path",
        Path(),
        None,
        "Path of that socket. Default: authservice.sock in runtime_dir, which is for this "
        "account alone; for others a directory of its own, which is made when it is missing.",
        _SERVICE,
        file=SERVER,
        restart=True,
    ),
    Option(
        "authservice_owner",
        Text(f"{_ACCOUNT}|", "the name or number of a user"),
        "",
        "Owner of that socket. Empty: this account.",
        _SERVICE,
        file=SERVER,
        restart=True,
    ),
    Option(
        "authservice_group",
        Text(f"{_ACCOUNT}|", "the name or number of a group"),
        "",
        "Group of that socket; its members may ask. Empty: this account's.",
        _SERVICE,
        file=SERVER,
        restart=True,
    ),
    Option(
        "authservice_mode",
        OctalMode(),
        "0660",
        "Mode of that socket.",
        _SERVICE,
        file=SERVER,
        restart=True,
    ),
    Option(
        "authservice_peers",
        TextList(peer),
        [],
        "Further users and @groups that may ask, where the mode of the socket lets them "
        "connect. Owner, group, this account and root always may.",
        _SERVICE,
        file=SERVER,
        restart=True,
    ),
    Option(
        "pam_services",
        TextList(service_name),
        ["x2gobroker"],
        "PAM services that may be asked over that socket. Never one with pam_rootok, such as "
        "su: it accepts every password.",
        _SERVICE,
        file=SERVER,
        restart=True,
    ),
)
