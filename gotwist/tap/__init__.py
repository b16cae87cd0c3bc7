"""The roof: from options to running services; the only room that knows every other."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from typing import NoReturn, cast

from twisted.application.service import IService
from twisted.python import usage

from gotwist.errors import GotwistError
from gotwist.settings.commandline import CommandLine
from gotwist.tap import actions
from gotwist.tap.later import put_off
from gotwist.tap.rights import of_twistd


class Options(usage.Options):
    """The command line of ``twistd gotwist``: every option of the settings table."""

    def __init__(self) -> None:
        super().__init__()
        self.command_line = CommandLine()

    def parseOptions(self, options: Sequence[str] | None = None) -> None:
        """Parse ``--name=value`` words; actions such as ``--version`` run and exit here."""
        try:
            self.command_line = actions.parse(sys.argv[1:] if options is None else options)
            status = actions.run_action(self.command_line)
        except GotwistError as error:
            _refuse(error)
        if status is not None:
            raise SystemExit(status)
        # Before twistd loads the reactor, which would load some of them.
        put_off()


def makeService(options: Options, reactor: object = None) -> IService:
    """Build the daemon.

    :param reactor: tests hand in theirs; otherwise the one that twistd has installed
    :raises SystemExit: with one sentence, when it cannot start
    """
    if reactor is None:
        from twisted.internet import reactor
    # Late, since Autobahn may not be imported before somebody has chosen the reactor, and not
    # at all by a process that has no web door.
    from gotwist.tap.authservice import IAloneReactor, build_alone, is_alone

    command_line = options.command_line
    of_its_own = of_twistd(getattr(options, "parent", None))
    command_line = replace(command_line, overrides={**of_its_own, **command_line.overrides})
    try:
        if is_alone(command_line):
            return build_alone(command_line, cast(IAloneReactor, reactor))
        from gotwist.tap.build import IDaemonReactor, build

        return build(command_line, cast(IDaemonReactor, reactor))
    except GotwistError as error:
        _refuse(error)


def print_link(arguments: Sequence[str]) -> int:
    """``gotwist link``: print a fresh launch link of the running daemon."""
    return actions.print_link(arguments)


def change_password(arguments: Sequence[str]) -> int:
    """``gotwist passwd``: edit the users of the password file."""
    from gotwist.tap import users

    return users.change_password(arguments, actions.read_settings)


def enrol_totp(arguments: Sequence[str]) -> int:
    """``gotwist totp``: give a user a second factor."""
    from gotwist.tap import users

    return users.enrol(arguments, actions.read_settings)


def validate_authobj(arguments: Sequence[str]) -> int:
    """``gotwist validate_authobj``: tell whether an API object is well made and signed."""
    return actions.validate_authobj(arguments)


def kill_terminals(arguments: Sequence[str]) -> int:
    """``gotwist --kill``: end all terminals and the process that keeps them."""
    return actions.kill_terminals(arguments)


def run_keeper(arguments: Sequence[str]) -> int:
    """``gotwist keeper``: run the process that opens terminals as others."""
    from gotwist.tap import privileged

    privileged.run_keeper(actions.parse(arguments))
    return 1


def _refuse(error: GotwistError) -> NoReturn:
    raise SystemExit(f"gotwist: {error.message}") from None
