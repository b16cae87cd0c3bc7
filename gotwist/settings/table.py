"""The table of all options: every option exists here once, and everything follows from it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator

from gotwist.settings.api_options import API_OPTIONS
from gotwist.settings.audit_options import AUDIT_OPTIONS
from gotwist.settings.certificate_options import CERTIFICATE_OPTIONS
from gotwist.settings.core_options import CORE
from gotwist.settings.option import Option
from gotwist.settings.pam_options import AUTHSERVICE_OPTIONS, PAM_OPTIONS
from gotwist.settings.policy_options import POLICIES
from gotwist.settings.privilege_options import PRIVILEGE_OPTIONS
from gotwist.settings.sign_in_options import SIGN_IN
from gotwist.settings.sso_options import SSO_OPTIONS
from gotwist.settings.terminal_options import TERMINAL_OPTIONS
from gotwist.settings.web_options import WEB

#: The application of the daemon's own options, and how its predecessor called it.
CORE_APPLICATION = "gotwist"
ALIASES = {"gateone": CORE_APPLICATION}


class Table:
    """Options by application and name; names on the command line are unique."""

    def __init__(self, options: Iterable[Option]) -> None:
        self._options = tuple(options)
        self._by_name: dict[tuple[str, str], Option] = {}
        self._on_command_line: dict[str, Option] = {}
        for option in self._options:
            key = (option.application, option.name)
            if key in self._by_name or (
                option.command_line and option.name in self._on_command_line
            ):
                raise ValueError(f"option {option.name} stands in the table twice")
            self._by_name[key] = option
            if option.command_line:
                self._on_command_line[option.name] = option

    def __iter__(self) -> Iterator[Option]:
        return iter(self._options)

    @property
    def applications(self) -> tuple[str, ...]:
        """The applications that have options here."""
        return tuple(dict.fromkeys(option.application for option in self._options))

    def of(self, application: str) -> tuple[Option, ...]:
        """The options of one application."""
        return tuple(option for option in self._options if option.application == application)

    def find(self, application: str, name: str) -> Option | None:
        """The option of that name, or None."""
        return self._by_name.get((application, name))

    def find_on_command_line(self, name: str) -> Option | None:
        """The option of that name if the command line knows it, or None."""
        return self._on_command_line.get(name)

    def command_line_names(self) -> tuple[str, ...]:
        """The names that the command line knows."""
        return tuple(self._on_command_line)


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that ``name`` was probably meant to be, or None."""
    close = difflib.get_close_matches(name[:100], tuple(known), n=1, cutoff=0.6)
    return close[0] if close else None


TABLE = Table(
    (
        *WEB,
        *SIGN_IN,
        *PAM_OPTIONS,
        *AUTHSERVICE_OPTIONS,
        *API_OPTIONS,
        *CERTIFICATE_OPTIONS,
        *SSO_OPTIONS,
        *PRIVILEGE_OPTIONS,
        *CORE,
        *TERMINAL_OPTIONS,
        *POLICIES,
        *AUDIT_OPTIONS,
    )
)
