"""Becoming the user: the last steps before the user's program, none of which may fail half."""

from __future__ import annotations

import ctypes
import fcntl
import grp
import os
import re
import signal
import termios
from collections.abc import Mapping

from gotwist.keeper.accounts import Account
from gotwist.keeper.process import find_program

PATH = "/usr/local/bin:/usr/bin:/bin:/usr/local/games:/usr/games"
NOT_STARTED = 127
_PR_SET_PDEATHSIG = 1
_VARIABLE = re.compile(r"%([A-Z_]{1,32})%")


def grant_terminal(account: Account) -> None:
    """Make the terminal the user's: theirs to read and write, others may only write messages."""
    try:
        group = grp.getgrnam("tty").gr_gid
        mode = 0o620
    except KeyError:
        group, mode = account.gid, 0o600
    os.fchown(0, account.uid, group)
    os.fchmod(0, mode)


def program_environment(
    account: Account, request: Mapping[str, object], of_modules: Mapping[str, str]
) -> dict[str, str]:
    """The environment: the account's, what modules add, the settings', the terminal's own."""
    environment = {
        "HOME": account.home,
        "USER": account.name,
        "LOGNAME": account.name,
        "SHELL": account.shell,
        "PATH": PATH,
        "TERM": "xterm-256color",
        "COLORTERM": "truecolor",
        "LANG": "C.UTF-8",
        **of_modules,
    }
    for part in ("configured", "place"):
        given = request[part]
        assert isinstance(given, dict)
        environment.update((str(name), str(text)) for name, text in given.items())
    return environment


def fill(template: list[str], account: Account, variables: Mapping[str, str]) -> list[str]:
    """Put values into the words of a command; a name nobody knows stays as it is."""
    known = {**variables, "USER": account.name, "SHELL": account.shell}
    return [_VARIABLE.sub(lambda match: known.get(match[1], match[0]), word) for word in template]


def become(account: Account, request: Mapping[str, object], environment: dict[str, str]) -> None:
    """Become the user and the program; never returns.

    In the child of a fork: whatever goes wrong here ends this process.
    """
    try:
        _become(account, request, environment)
    except BaseException as error:
        os.write(2, f"gotwist: {error}\n".encode("utf-8", "replace"))
    finally:
        os._exit(NOT_STARTED)


def _become(account: Account, request: Mapping[str, object], environment: dict[str, str]) -> None:
    os.dup2(0, 1)
    os.dup2(0, 2)
    os.setsid()
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    os.closerange(3, min(os.sysconf("SC_OPEN_MAX"), 1_048_576))
    # The groups are set already; some modules have added to them.
    os.setresgid(account.gid, account.gid, account.gid)
    os.setresuid(account.uid, account.uid, account.uid)
    _make_sure(account)
    # Should the program above us be killed, nobody is left who would close this session.
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGHUP, 0, 0, 0)
    try:
        os.chdir(account.home)
    except OSError:
        os.chdir("/")
        os.write(2, b"No home directory: starting in /.\n")
    template, variables = request["argv"], request["variables"]
    assert isinstance(template, list) and isinstance(variables, dict)
    argv = fill(template, account, variables)
    program = find_program(argv[0], environment["PATH"])
    if program is None:
        raise FileNotFoundError(f"there is no program {argv[0]!r}")
    if template == ["%SHELL%"]:
        # A login shell, by the old sign: a dash before its name.
        argv[0] = "-" + os.path.basename(program)
    for number in range(1, signal.NSIG):
        if number not in (signal.SIGKILL, signal.SIGSTOP, 32, 33):
            signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    os.execve(program, argv, environment)  # noqa: S606


def _make_sure(account: Account) -> None:
    """See that there is no way back."""
    try:
        os.setuid(0)
    except PermissionError:
        pass
    else:
        raise RuntimeError("the rights of root are still there")
    if os.getresuid() != (account.uid,) * 3 or os.getresgid() != (account.gid,) * 3:
        raise RuntimeError("the rights of another account are still there")
