"""The privileged keeper: its rules from the settings, its start, with the daemon or without."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress

from gotwist.applications.terminal.commands import (
    Command,
    command_id,
    read_commands,
    split_command,
)
from gotwist.errors import Unavailable
from gotwist.keeper import wire
from gotwist.settings.snapshot import Snapshot
from gotwist.tap import parts
from gotwist.tap.rights import LOG, RULES, Rights, make_parents

START_S = 30.0


def keeper_rules(snapshot: Snapshot) -> dict[str, object]:
    """What the keeper allows, as these settings say.

    :raises Malformed: a command's template cannot be split
    """
    terminal = snapshot.application("terminal")
    service = snapshot.text("pam_service")
    environment = terminal["environment_vars"]
    return {
        "services": {name: name for name in (service, *snapshot.texts("pam_services"))},
        "session": service,
        "commands": {
            command_id(command): split_command(command) for command in all_commands(snapshot)
        },
        "environment": dict(environment) if isinstance(environment, Mapping) else {},
        "ticket_s": snapshot.seconds("auth_timeout"),
        "trusted": list(snapshot.texts("trusted_methods")),
        "trusted_min_uid": snapshot.integer("trusted_min_uid"),
    }


def all_commands(snapshot: Snapshot) -> Iterator[Command]:
    """The commands of everybody, and those that only some users may choose."""
    scopes = [snapshot.application("terminal")]
    scopes += [snapshot.of_scope("terminal", scope) for scope in snapshot.scopes("terminal")]
    for values in scopes:
        value = values["commands"]
        yield from read_commands(value if isinstance(value, Mapping) else {}).values()


def prepare(rights: Rights, snapshot: Snapshot) -> None:
    """Make the keeper's directory and write its rules; for root.

    :raises Unavailable: the directory cannot be made, or others could write it.
    """
    directory = rights.keeper_dir
    make_parents(directory)
    try:
        os.makedirs(directory, 0o711, exist_ok=True)
        found = os.lstat(directory)
        if found.st_uid != 0 or found.st_mode & 0o022:
            raise Unavailable(f"{directory}: must be root's alone to write; choose another place")
        # The daemon finds the socket in it, and nothing else.
        os.chmod(directory, 0o711)  # noqa: S103
        path = os.path.join(directory, RULES)
        fresh = path + ".new"
        with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            json.dump(keeper_rules(snapshot), file)
        os.replace(fresh, path)
    except OSError as problem:
        raise Unavailable(f"{directory}: cannot be written: {problem.strerror}") from problem


def keeper_argv(rights: Rights, snapshot: Snapshot, *more: str) -> list[str]:
    """The command line of the keeper."""
    program = os.path.join(os.path.dirname(os.path.abspath(wire.__file__)), "__main__.py")
    return [
        *(sys.executable, "-I", "-S", program),
        *("--socket", rights.keeper_socket),
        *("--log", os.path.join(rights.keeper_dir, LOG)),
        *("--daemon-uid", str(rights.uid), "--daemon-gid", str(rights.gid)),
        *("--rules", os.path.join(rights.keeper_dir, RULES)),
        *parts.keeper_options(snapshot),
        *more,
    ]


def start(rights: Rights, snapshot: Snapshot) -> None:
    """Start a keeper, unless there is one; waits until it serves.

    :raises Unavailable: with what it has said.
    """
    argv = keeper_argv(rights, snapshot)
    try:
        done = subprocess.run(
            argv,
            env={},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=START_S,
            check=False,
        )
    except (OSError, subprocess.SubprocessError) as problem:
        raise Unavailable(f"The keeper cannot be started: {problem}") from problem
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip()
        log = os.path.join(rights.keeper_dir, LOG)
        raise Unavailable(f"The keeper cannot be started: {said or f'see {log}'}")


def run(rights: Rights, snapshot: Snapshot) -> None:
    """Become the keeper, in the foreground, for a supervisor; never returns.

    :raises Unavailable: when it cannot be started
    """
    argv = keeper_argv(rights, snapshot, "--foreground", "yes", "--idle", "0")
    _tell_supervisor(os.environ.get("NOTIFY_SOCKET", ""))
    try:
        os.execve(argv[0], argv, {})  # noqa: S606
    except OSError as problem:
        raise Unavailable(f"The keeper cannot be started: {problem.strerror}") from problem


def _tell_supervisor(path: str) -> None:
    """Tell a supervisor that asked for it that everything is prepared."""
    if not path.startswith(("/", "@")):
        return
    address = "\0" + path[1:] if path.startswith("@") else path
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as line, suppress(OSError):
        line.sendto(b"READY=1", address)
