"""The options of the terminal application (application ``terminal``)."""

from __future__ import annotations

from gotwist.settings.kinds import Boolean, Integer, Size, Text
from gotwist.settings.mappings import Commands, Environment
from gotwist.settings.option import TERMINAL, Option

_SECTION = "Terminals"

TERMINAL_OPTIONS = (
    Option(
        "commands",
        Commands(),
        {"shell": "%SHELL%"},
        'Programs users can start, by name: {"name": "command line"}, or {"name": {"command": '
        '..., "description": ..., "icon": ...}}. The command line is split into words first, '
        "then in each word are replaced: %USER% (name), %SHELL% (login shell), %SESSION%, "
        "%SESSION_DIR%, %SESSION_HASH% (8 characters), %USERDIR% and %TIME% (milliseconds); "
        "no shell reads it.",
        _SECTION,
        "terminal",
        file=TERMINAL,
        per_user=True,
        command_line=False,
    ),
    Option(
        "default_command",
        Text(r"[^\x00-\x1f\x7f]{1,64}", "the name of a command"),
        "shell",
        "The command of a new terminal.",
        _SECTION,
        "terminal",
        file=TERMINAL,
        per_user=True,
        command_line=False,
    ),
    Option(
        "dtach",
        Boolean(),
        True,
        "Terminals outlive the daemon and are taken up again at its next start.",
        _SECTION,
        "terminal",
        file=TERMINAL,
        restart=True,
    ),
    Option(
        "environment_vars",
        Environment(),
        {"TERM": "xterm-256color"},
        "Environment variables added to every program's.",
        _SECTION,
        "terminal",
        file=TERMINAL,
        per_user=True,
        command_line=False,
    ),
    Option(
        "max_terms",
        Integer(1, 10_000),
        32,
        "Open terminals of one user, over all places.",
        _SECTION,
        "terminal",
        per_user=True,
        command_line=False,
    ),
    Option(
        "max_terminals",
        Integer(1, 100_000),
        512,
        "Open terminals of this machine.",
        _SECTION,
        "terminal",
        file=TERMINAL,
        restart=True,
        command_line=False,
    ),
    Option(
        "scrollback",
        Integer(0, 1_000_000),
        1000,
        "Lines that a browser keeps above the screen.",
        _SECTION,
        "terminal",
        file=TERMINAL,
        per_user=True,
        command_line=False,
    ),
    Option(
        "ring_size",
        Size(256 * 1024, 64 * 1024**2, power_of_two=True),
        "1M",
        "Output kept of each terminal for those who come back; a power of two.",
        _SECTION,
        "terminal",
        file=TERMINAL,
        restart=True,
        command_line=False,
    ),
)
