"""What the command line does instead of running a daemon: help, version, link, kill, API key."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version

from gotwist.auth.apikey import Refused, check_signature, parse_object, parse_text
from gotwist.control.ask import ask
from gotwist.errors import Malformed, Unavailable
from gotwist.keeper.shutdown import shut_down
from gotwist.paths import Places, default_places
from gotwist.settings.api_key_file import API_KEYS, add_api_key
from gotwist.settings.commandline import CommandLine, parse_command_line, render_help
from gotwist.settings.disk import read_settings_files
from gotwist.settings.snapshot import Makings, Snapshot
from gotwist.settings.source import SettingsSource
from gotwist.settings.start import open_settings
from gotwist.settings.table import TABLE
from gotwist.tap.acts import record_now
from gotwist.tap.rights import find_rights

KEEPER_SOCKET = "keeper.sock"
CONTROL_SOCKET = "control.sock"


def places() -> Places:
    """The default places of whoever runs this; ``GOTWIST_HOME`` puts them all below it."""
    return default_places(
        is_root=os.geteuid() == 0,
        home=os.environ.get("HOME") or "/",
        xdg_runtime_dir=os.environ.get("XDG_RUNTIME_DIR", ""),
        base=os.environ.get("GOTWIST_HOME", ""),
    )


def parse(arguments: Sequence[str]) -> CommandLine:
    """Parse the words of the command line; raises :class:`~gotwist.errors.Malformed`."""
    return parse_command_line(arguments, TABLE, cwd=os.getcwd())


def run_action(command_line: CommandLine) -> int | None:
    """Run what is asked for instead of the daemon.

    :returns: the exit status, or None when the daemon is to run
    """
    if command_line.wants_help:
        print(render_help(TABLE, places()), end="")
        return 0
    if command_line.is_on("version"):
        print(f"gotwist {installed_version()}")
        return 0
    if command_line.is_on("new_api_key"):
        return _new_api_key(command_line)
    if command_line.is_on("kill"):
        return _kill(command_line)
    return None


def installed_version() -> str:
    """The version of the installed package."""
    try:
        return version("gotwist")
    except PackageNotFoundError:
        return "unknown"


def print_link(arguments: Sequence[str]) -> int:
    """Print a fresh launch link of the running daemon.

    :raises Unavailable: when no daemon answers
    """
    settings = read_settings(arguments)
    answer = ask(os.path.join(settings.text("runtime_dir"), CONTROL_SOCKET), "link")
    print(answer["link"])
    return 0


def validate_authobj(arguments: Sequence[str]) -> int:
    """Check an API object, but neither its time nor whether it has been used.

    :param arguments: the object as JSON text, and options of the daemon after it
    :returns: 2 when it is bad; then what is wrong is printed
    """
    # Late: it knows every room, and a service that is alone loads none of the web.
    from gotwist.tap.parts import api_rules

    text, *options = arguments or ("",)
    rules = api_rules(_settings(parse(options)))
    try:
        claim = parse_object(parse_text(text))
        check_signature(claim, rules)
    except Malformed as problem:
        reason = problem.message
    except Refused as refusal:
        reason = refusal.reason
    else:
        print(f"This object is good, and signs in {claim.upn}.")
        return 0
    print(f"This object is bad: {reason.rstrip('.')}.")
    return 2


def kill_terminals(arguments: Sequence[str]) -> int:
    """End all terminals and their keeper."""
    return _kill(parse(arguments))


def _kill(command_line: CommandLine) -> int:
    settings = _settings(command_line)
    rights = find_rights(settings)
    path = os.path.join(settings.text("runtime_dir"), KEEPER_SOCKET)
    if rights is not None:
        path = rights.keeper_socket
    try:
        was_there = shut_down(path)
    except OSError as error:
        raise Unavailable(f"the keeper on {path} does not end: {error}") from None
    record_now(settings, "terminals_killed", running=was_there)
    print("All terminals have been ended." if was_there else "No terminals are running.")
    return 0


def _new_api_key(command_line: CommandLine) -> int:
    # As a start would: a directory with nothing but keys would be no first start any more.
    opened = open_settings(command_line.overrides, places())
    key = add_api_key(opened.directory)
    record_now(opened.source.current, "key_made", key=key)
    print(key)
    path = os.path.join(opened.directory, API_KEYS)
    print(f"The secret of this key stands in {path}.", file=sys.stderr)
    return 0


def read_settings(arguments: Sequence[str]) -> Snapshot:
    """The settings that a daemon with these options would have."""
    return _settings(parse(arguments))


def _settings(command_line: CommandLine) -> Snapshot:
    """Read the settings as the daemon would, but write none."""
    here = places()
    chosen = command_line.overrides.get("settings_dir")
    directory = chosen if isinstance(chosen, str) else here.settings_dir
    makings = Makings(TABLE, here, command_line.overrides)
    return SettingsSource(read_settings_files(directory), makings).current
