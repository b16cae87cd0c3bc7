"""The console script: ``gotwist [options]`` is ``twistd -n gotwist [options]``.

Everything but this file's few words is loaded late and by name: whoever starts twistd chooses
the reactor, so nothing that imports one may be imported before that choice.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from importlib.metadata import version
from typing import cast

from gotwist.errors import GotwistError

HELP = """\
gotwist [options]        run the daemon here (the same as: twistd -n gotwist [options])
gotwist link [options]   print a fresh launch link of the running daemon
gotwist passwd NAME      add a user to the password file, or change one (--help: more)
gotwist totp NAME        give a user a second factor (--help: more)
gotwist validate_authobj OBJECT    check an API object, but not its time
gotwist keeper [options] run the process that opens terminals as others here; as root
gotwist --kill           end all terminals and the process that keeps them
gotwist --version        print the version

The daemon's options follow.
"""

Subcommand = Callable[[Sequence[str]], int]

# word -> "module:function", which takes the arguments after the word and returns an exit status
SUBCOMMANDS: Mapping[str, str] = {
    "keeper": "gotwist.tap:run_keeper",
    "link": "gotwist.tap:print_link",
    "passwd": "gotwist.tap:change_password",
    "totp": "gotwist.tap:enrol_totp",
    "validate_authobj": "gotwist.tap:validate_authobj",
}


def find_subcommand(argv: Sequence[str]) -> tuple[str, list[str]] | None:
    """Which function these arguments ask for, and what it is to be given.

    A word counts only in first place: ``--certificate link`` names a file.
    """
    if argv and argv[0] in SUBCOMMANDS:
        return SUBCOMMANDS[argv[0]], list(argv[1:])
    return None


def twistd_arguments(argv: Sequence[str]) -> list[str]:
    """The command line of twistd for these arguments.

    Without a pid file: in the foreground it only leaves litter, and a second daemon started
    from the same directory would refuse.
    """
    return ["twistd", "--nodaemon", "--pidfile=", "gotwist", *argv]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the daemon or a subcommand.

    :returns: the exit status.
    """
    argv = list(sys.argv[1:] if arguments is None else arguments)
    if argv == ["--version"]:
        print(f"gotwist {version('gotwist')}")
        return 0
    if "--help" in argv and argv[0] not in SUBCOMMANDS:
        print(HELP, flush=True)
    found = find_subcommand(argv)
    if found is None:
        sys.argv = twistd_arguments(argv)
        import_module("twisted.scripts.twistd").run()
        return 0
    target, rest = found
    try:
        return _load(target)(rest)
    except GotwistError as error:
        print(f"gotwist: {error.message}", file=sys.stderr)
        return 1


def _load(target: str) -> Subcommand:
    module, name = target.split(":")
    return cast(Subcommand, getattr(import_module(module), name))
