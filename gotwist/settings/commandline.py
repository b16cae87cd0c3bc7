"""The command line: ``--name=value`` for every option of the table, and its help.

A bare ``--name`` switches a boolean on; ``--name=None`` puts any option back to its
default, whatever the files say.  Dashes may stand for the underscores of a name.
"""

from __future__ import annotations

import os.path
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from gotwist.errors import Malformed
from gotwist.paths import Places
from gotwist.settings.kinds import Boolean, Path
from gotwist.settings.option import Option
from gotwist.settings.table import Table, nearest
from gotwist.settings.values import Value

_HELP_COLUMN = 32


class OptionError(Malformed):
    """A command line that cannot be understood; the message says what to type."""


@dataclass(frozen=True)
class CommandLine:
    """What the command line asks for."""

    #: Values by option name; None stands for the default.
    overrides: Mapping[str, Value] = field(default_factory=dict)
    wants_help: bool = False

    def is_on(self, name: str) -> bool:
        """Tell whether an action such as ``version`` is asked for."""
        return self.overrides.get(name) is True


def parse_command_line(arguments: Sequence[str], table: Table, *, cwd: str) -> CommandLine:
    """Read the options of a command line; the last of several equal ones counts.

    :param cwd: where relative paths begin.
    :raises OptionError: a word is no option, or an option's value is wrong.
    """
    overrides: dict[str, Value] = {}
    wants_help = False
    for word in arguments:
        if word in ("--help", "-h"):
            wants_help = True
            continue
        if not word.startswith("--") or word == "--":
            raise OptionError(f"{word[:100]!r} is no option; options are written --name=value")
        spelled, equals, text = word[2:].partition("=")
        option = _find(spelled, table)
        overrides[option.name] = _value(option, text if equals else None, cwd)
    return CommandLine(overrides, wants_help)


def _find(spelled: str, table: Table) -> Option:
    name = spelled.replace("-", "_")
    option = table.find_on_command_line(name)
    if option is not None:
        return option
    for known in table:
        if known.name == name:
            raise OptionError(
                f"{name} is set in a settings file, not on the command line: "
                f'{{"*": {{"{known.application}": {{"{name}": ...}}}}}}'
            )
    meant = nearest(name, table.command_line_names())
    remedy = f"did you mean --{meant}?" if meant else "--help lists the known ones"
    raise OptionError(f"unknown option --{spelled[:100]}; {remedy}")


def _value(option: Option, text: str | None, cwd: str) -> Value:
    if text is None:
        if isinstance(option.kind, Boolean):
            return True
        raise OptionError(f"--{option.name} needs a value: --{option.name}={option.kind.form}")
    if text.lower() == "none" and not _accepts(option, text):
        return None
    if isinstance(option.kind, Path) and text:
        text = os.path.normpath(os.path.join(cwd, text))
    try:
        return option.kind.from_text(text)
    except ValueError as problem:
        raise OptionError(f"--{option.name} {problem}") from None


def _accepts(option: Option, text: str) -> bool:
    # auth=none is a value of its own; paths and free texts called "None" are not.
    return text in option.kind.form.replace(";", "|").split("|")


def render_help(table: Table, places: Places, *, width: int = 79) -> str:
    """Write the help for all options, grouped as in the table."""
    lines: list[str] = []
    section = ""
    for option in table:
        if not option.command_line:
            continue
        if option.section != section:
            section = option.section
            lines += ["", f"{section}:"]
        lines += _help_lines(option, places, width)
    return "\n".join([*lines[1:], ""])


def _help_lines(option: Option, places: Places, width: int) -> Iterator[str]:
    if isinstance(option.kind, Boolean) and option.default is False:
        head = f"  --{option.name}"
    else:
        head = f"  --{option.name}={option.kind.form}"
    body = textwrap.wrap(
        option.help + render_default(option, places),
        max(20, width - _HELP_COLUMN),
        break_on_hyphens=False,
    )
    if len(head) >= _HELP_COLUMN - 1:
        yield head
        head = ""
    for line in body:
        yield f"{head:<{_HELP_COLUMN}}{line}"
        head = ""


def render_default(option: Option, places: Places) -> str:
    """Tell the default in brackets, or nothing when the help says it all."""
    if option.default is None or option.default is False or option.default in ([], {}):
        return ""
    shown = option.kind.to_json(option.default_value(places))
    if isinstance(shown, list):
        shown = ";".join(str(item) for item in shown)
    return f" (default {shown})"
