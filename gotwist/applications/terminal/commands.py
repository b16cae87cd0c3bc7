"""Which program a terminal starts: templates from the settings become argument vectors.

A template is split by shell rules *first* and its variables are replaced inside the single
arguments afterwards, so a value can become neither two arguments nor shell text.  A value
that came from a user and would stand as an argument of its own must not begin with ``-``.
"""

from __future__ import annotations

import hashlib
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass

from gotwist.errors import Malformed, NotFound

VARIABLE = re.compile(r"%([A-Z_]{1,32})%")
#: Variables whose text a user had a say in; they may not look like an option.
FROM_USERS = frozenset({"USER"})
LOCALE = re.compile(r"[A-Za-z0-9_.@-]{1,64}")
SAFE_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True, slots=True)
class Command:
    """A program users may choose by name; the command line itself is never sent to them."""

    name: str
    template: str
    description: str = ""
    icon: str = ""


@dataclass(frozen=True, slots=True)
class Account:
    """The account whose shell is started.

    :ivar name: login name
    :ivar home: home directory
    :ivar shell: path of the login shell
    """

    name: str
    home: str
    shell: str


def read_commands(value: Mapping[str, object]) -> dict[str, Command]:
    """Read the ``commands`` setting.

    :param value: ``{"<name>": "<template>" or {"command", "description"?, "icon"?}}``
    :raises Malformed: naming the command whose value is of another shape
    """
    commands: dict[str, Command] = {}
    for name, entry in value.items():
        fields = {"command": entry} if isinstance(entry, str) else entry
        if not isinstance(fields, Mapping) or not isinstance(fields.get("command"), str):
            raise Malformed(f'commands: "{name}" needs a text or an object with "command"')
        commands[name] = Command(
            name,
            str(fields["command"]),
            str(fields.get("description") or ""),
            str(fields.get("icon") or ""),
        )
    return commands


def choose_command(commands: Mapping[str, Command], name: str | None, default: str) -> Command:
    """Look a command up by the name a client gave, or take the default one.

    :raises NotFound: when there is no command of that name
    """
    wanted = default if name is None else name
    command = commands.get(wanted)
    if command is None:
        raise NotFound(f'there is no command "{wanted[:64]}"; ask for terminal:enumerate_commands')
    return command


def build_argv(command: Command, variables: Mapping[str, str]) -> tuple[str, ...]:
    """Turn a template into the argument vector of a program.

    :param variables: name (``USER``, ``SHELL``, ...) to text
    :raises Malformed: a template that does not split, an unknown variable, a NUL, or a
        user's value that would be read as an option
    """
    return tuple(_fill(command, word, variables) for word in split_command(command))


def split_command(command: Command) -> list[str]:
    """Split a template into words; raises :class:`~gotwist.errors.Malformed`."""
    try:
        words = shlex.split(command.template)
    except ValueError as error:
        raise Malformed(f'command "{command.name}" cannot be split: {error}') from None
    if not words:
        raise Malformed(f'command "{command.name}" is empty')
    return words


def command_id(command: Command) -> str:
    """The name under which a privileged keeper knows a template, whatever users call it."""
    return hashlib.sha256(command.template.encode()).hexdigest()[:32]


def _fill(command: Command, word: str, variables: Mapping[str, str]) -> str:
    def value_of(match: re.Match[str]) -> str:
        name = match[1]
        if name not in variables:
            raise Malformed(f'command "{command.name}" names the unknown variable %{name}%')
        text = variables[name]
        if name in FROM_USERS and match.start() == 0 and text.startswith("-"):
            raise Malformed(f"the value of %{name}% may not begin with a dash")
        return text

    filled = VARIABLE.sub(value_of, word)
    if "\0" in filled:
        raise Malformed(f'command "{command.name}" holds a NUL character')
    return filled


def build_environment(
    account: Account,
    inherited: Mapping[str, str],
    configured: Mapping[str, object],
    place: Mapping[str, str],
) -> dict[str, str]:
    """Build a program's environment from nothing.

    :param inherited: the daemon's own environment, of which only the locale is taken
    :param configured: the ``environment_vars`` setting
    :param place: the documented ``GO_*`` variables
    """
    environment = {
        "HOME": account.home,
        "USER": account.name,
        "LOGNAME": account.name,
        "SHELL": account.shell,
        "PATH": SAFE_PATH,
        "TERM": "xterm-256color",
        "COLORTERM": "truecolor",
        "LANG": "C.UTF-8",
    }
    for name, text in inherited.items():
        if (name == "LANG" or name.startswith("LC_")) and LOCALE.fullmatch(text):
            environment[name] = text
    environment.update((name, str(text)) for name, text in configured.items())
    environment.update(place)
    return environment
