"""The generated settings files: their text, from the table and the command line's options."""

from __future__ import annotations

import json
import secrets
import string
import textwrap
from collections.abc import Iterator, Mapping

from gotwist.settings.option import AUTHENTICATION, SERVER, TERMINAL, Option
from gotwist.settings.snapshot import Makings
from gotwist.settings.table import CORE_APPLICATION
from gotwist.settings.values import JSON, Value

COOKIE_SECRET = "20cookie_secret.conf"

_WIDTH = 79
_INDENT = " " * 12
_TITLES = {
    SERVER: "The daemon: its doors and places.",
    AUTHENTICATION: "Signing in.",
    TERMINAL: "The terminal application.",
}
_PREFACE = (
    "Written at the first start, yours to change. All files of this directory whose names end "
    "in .conf are read in alphanumeric order, and later ones win. Options on the command line "
    "win over all files. docs/settings.md describes every option."
)
_SECRET_LENGTH = 45


def generated_files(makings: Makings) -> dict[str, str]:
    """Render the settings files of a first start, by name.

    Each shows the options that belong there, with the command line's values; whatever else
    the command line sets is written as well, so that the next start needs no options.
    """
    files: dict[str, list[Option]] = {name: [] for name in _TITLES}
    for option in makings.table:
        given = option.command_line and makings.overrides.get(option.name) is not None
        name = option.file or (_home(option) if given else None)
        if name is not None and option.in_files and not option.secret:
            files.setdefault(name, []).append(option)
    return {
        name: _render(_TITLES.get(name, ""), options, makings)
        for name, options in files.items()
        if options
    }


def cookie_secret_file() -> str:
    """Render the file that holds a new secret for signing cookies."""
    alphabet = string.ascii_letters + string.digits
    secret = "".join(secrets.choice(alphabet) for _ in range(_SECRET_LENGTH))
    content = json.dumps({"*": {CORE_APPLICATION: {"cookie_secret": secret}}}, indent=4)
    return (
        "// Signs the cookies of the browsers; whoever knows it can sign in as anybody.\n"
        "// Remove this file to sign everybody out: the next start makes a new one.\n"
        f"{content}\n"
    )


def _home(option: Option) -> str:
    return SERVER if option.application == CORE_APPLICATION else TERMINAL


def _render(title: str, options: list[Option], makings: Makings) -> str:
    lines = [*_comment(title, ""), *_comment(_PREFACE, ""), "{", '    "*": {']
    applications = list(dict.fromkeys(option.application for option in options))
    for application in applications:
        lines.append(f"        {json.dumps(application)}: {{")
        own = [option for option in options if option.application == application]
        for option in own:
            lines += _comment(option.help, _INDENT)
            comma = "" if option is own[-1] else ","
            lines.append(f"{_INDENT}{_member(option, makings)}{comma}")
        lines.append("        }" if application == applications[-1] else "        },")
    return "\n".join([*lines, "    }", "}", ""])


def _member(option: Option, makings: Makings) -> str:
    written = json.dumps(_written(option, makings.overrides, makings), indent=4)
    indented = written.replace("\n", "\n" + _INDENT)
    return f"{json.dumps(option.name)}: {indented}"


def _written(option: Option, overrides: Mapping[str, Value], makings: Makings) -> JSON:
    value = overrides.get(option.name) if option.command_line else None
    if value is None:
        value = option.default_value(makings.places)
    return None if value is None else option.kind.to_json(value)


def _comment(text: str, indent: str) -> Iterator[str]:
    for line in textwrap.wrap(text, _WIDTH - len(indent) - 3, break_on_hyphens=False):
        yield f"{indent}// {line}"
