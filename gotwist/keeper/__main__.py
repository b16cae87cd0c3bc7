"""Start the keeper: ``python -m gotwist.keeper --socket PATH``.

Also runnable as a file, without site packages and environment (``python -I -S``), which is
how the daemon starts it: the keeper needs nothing but the standard library and must not load
what lies in the current directory.
"""

from __future__ import annotations

import os
import sys

if __name__ == "__main__" and not __package__:
    # Last: among installed packages nothing may take the place of the standard library.
    sys.path.append(os.path.abspath(__file__).rsplit(os.sep, 3)[0])

import gc
import signal

from gotwist.keeper.arena import SLACK, Arena, Unsealable
from gotwist.keeper.door import AlreadyRunning, CannotListen, Door
from gotwist.keeper.process import Surroundings
from gotwist.keeper.unix import Keeper

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gotwist.keeper.rules import Privilege

OPTIONS = {
    "socket": "",
    "log": "/dev/null",
    "slots": "512",
    "ring": "1048576",
    "grace": "10",
    "idle": "60",
    "forget": "600",
    "kill-after": "5",
    "foreground": "",
    # These three, together and as root: a privileged keeper.
    "daemon-uid": "",
    "daemon-gid": "",
    "rules": "",
}
MAX_LOG = 1_048_576


def parse(arguments: list[str]) -> dict[str, str]:
    """Read ``--name value`` pairs (argparse would double the memory of this program)."""
    options = dict(OPTIONS)
    rest = iter(arguments)
    for argument in rest:
        name = argument.removeprefix("--")
        value = next(rest, None)
        if not argument.startswith("--") or name not in options or value is None:
            raise SystemExit(f"keeper: bad option {argument!r}; known: --" + " --".join(options))
        options[name] = value
    if not options["socket"]:
        raise SystemExit("keeper: --socket PATH is needed")
    return options


def find_privilege(options: dict[str, str]) -> Privilege | None:
    """Read what makes this a privileged keeper, if anything does."""
    wanted = [options[name] for name in ("daemon-uid", "daemon-gid", "rules")]
    if not any(wanted):
        return None
    from gotwist.keeper.rules import BadRules, Privilege, RulesFile

    if os.geteuid() != 0 or not all(wanted):
        raise SystemExit("keeper: --daemon-uid, --daemon-gid and --rules: all, and as root")
    try:
        uid, gid = int(wanted[0]), int(wanted[1])
        if uid <= 0 or gid <= 0:
            raise SystemExit("keeper: the daemon must not run as root")
        return Privilege(uid, gid, RulesFile(wanted[2]))
    except (ValueError, BadRules) as error:
        raise SystemExit(f"keeper: {error}") from error


def detach() -> int:
    """Become a process of its own session; the one that was started stays to tell how it went.

    :returns: the descriptor on which the child says one byte when it serves.  The started
        process does not return: it exits with 0 then, or with 1 when the child ends before.
    """
    heard, told = os.pipe()
    if os.fork():
        os.close(told)
        os._exit(0 if os.read(heard, 1) else 1)
    os.setsid()
    if os.fork():
        os._exit(0)
    os.close(heard)
    # Out of the way of what is opened next.
    os.dup2(told, 3)
    return 3


def open_log(path: str) -> None:
    """Let everything this program says go to a file, which cannot grow without bound."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW
    log = os.open(path, flags, 0o600)
    if path != "/dev/null" and os.fstat(log).st_size > MAX_LOG:
        os.ftruncate(log, 0)
    nothing = os.open("/dev/null", os.O_RDWR)
    os.dup2(nothing, 0)
    os.dup2(log, 1)
    os.dup2(log, 2)
    for number in (nothing, log):
        if number > 2:
            os.close(number)


def close_inherited() -> None:
    """Close what a careless parent has left open."""
    os.closerange(4, min(os.sysconf("SC_OPEN_MAX"), 65_536))


def say(told: int) -> None:
    """Tell the process that was started that a keeper serves."""
    if told >= 0:
        try:
            os.write(told, b"+")
        except BrokenPipeError:
            # Who waited for it has been killed: no reason to end as well.
            pass
        os.close(told)


def main(arguments: list[str]) -> int:
    """Run the keeper; returns its exit status."""
    options = parse(arguments)
    try:
        slots, ring = int(options["slots"]), int(options["ring"])
        grace, idle, forget, kill_after = (
            float(options[name]) for name in ("grace", "idle", "forget", "kill-after")
        )
    except ValueError as error:
        raise SystemExit(f"keeper: {error}") from error
    if not 1 <= slots <= 65_536 or ring < 4 * SLACK or ring % 4_096:
        raise SystemExit("keeper: slots in 1..65536, ring a multiple of 4096 from 262144 on")
    privilege = find_privilege(options)
    told = -1 if options["foreground"] else detach()
    close_inherited()
    open_log(options["log"])
    os.chdir("/")
    umask = os.umask(0o077)
    for number in range(1, 32):
        if number not in (signal.SIGKILL, signal.SIGSTOP, signal.SIGPIPE):
            signal.signal(number, signal.SIG_DFL)
    # A terminal of its own is the last thing the keeper wants to be hung up by.
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    try:
        owner = None if privilege is None else (privilege.daemon_uid, privilege.daemon_gid)
        door = Door(options["socket"], owner)
        arena, surroundings = Arena(slots, ring), Surroundings(umask)
        keeper = Keeper(door, arena, surroundings, grace, idle, forget, kill_after, privilege)
    except AlreadyRunning:
        say(told)
        return 0
    except (CannotListen, Unsealable, OSError) as error:
        print(f"keeper: {error}", file=sys.stderr, flush=True)
        return 1
    say(told)
    gc.collect()
    gc.freeze()
    keeper.run()
    door.close()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
