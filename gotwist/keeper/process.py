"""Starting, signalling and reaping programs on pseudo-terminals.

``posix_spawn`` with ``setsid`` and the slave opened as descriptor 0 gives the program its
controlling terminal without a fork of this process.  The keeper has one thread, so changing
its own directory, umask and limits around the spawn is safe.
"""

from __future__ import annotations

import fcntl
import os
import resource
import signal
import struct
import termios

_IUTF8 = 0x4000
_SIGNALS = tuple(range(1, 32))
_WINDOW = struct.Struct("4H")


class NoProgram(Exception):
    """The program cannot be started; the message names it and is fit for the user."""


class Surroundings:
    """What programs inherit although the keeper itself lives with something else."""

    __slots__ = ("limit", "own_limit", "umask")

    def __init__(self, umask: int) -> None:
        self.umask = umask
        self.limit = resource.getrlimit(resource.RLIMIT_NOFILE)
        self.own_limit = (self.limit[1], self.limit[1])
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, self.own_limit)
        except (OSError, ValueError):
            # "Unlimited" is more than some kernels grant.
            self.own_limit = self.limit


def set_size(descriptor: int, rows: int, columns: int) -> None:
    """Set the window size; the kernel tells the foreground process group."""
    fcntl.ioctl(descriptor, termios.TIOCSWINSZ, _WINDOW.pack(rows, columns, 0, 0))


def find_program(name: str, path: str) -> str | None:
    """Find the file to execute, in the PATH the program will have, not in the keeper's."""
    places = [name] if "/" in name else [f"{place or '.'}/{name}" for place in path.split(":")]
    for place in places:
        if os.path.isfile(place) and os.access(place, os.X_OK):
            return place
    return None


def spawn(
    argv: list[str],
    env: dict[str, str],
    cwd: str,
    rows: int,
    columns: int,
    surroundings: Surroundings,
) -> tuple[int, int]:
    """Start a program in a new session on a new pseudo-terminal.

    :returns: process id and master descriptor (non-blocking), which the caller owns.
    :raises NoProgram: when it does not exist or cannot be executed.
    :raises OSError: when the system has run out of something.
    """
    master, slave = open_terminal(rows, columns)
    try:
        return _spawn_on(os.ttyname(slave), argv, env, cwd, surroundings), master
    except BaseException:
        os.close(master)
        raise
    finally:
        os.close(slave)


def open_terminal(rows: int, columns: int) -> tuple[int, int]:
    """Make a pseudo-terminal: its master, non-blocking, and its slave."""
    master, slave = os.openpty()
    try:
        os.set_blocking(master, False)
        set_size(master, rows, columns)
        modes = termios.tcgetattr(slave)
        modes[0] |= _IUTF8
        termios.tcsetattr(slave, termios.TCSANOW, modes)
    except BaseException:
        os.close(master)
        os.close(slave)
        raise
    return master, slave


def _spawn_on(
    tty: str, argv: list[str], env: dict[str, str], cwd: str, surroundings: Surroundings
) -> int:
    try:
        os.chdir(cwd)
    except OSError:
        os.chdir("/")
    own_umask = os.umask(surroundings.umask)
    try:
        program = find_program(argv[0], env.get("PATH", os.defpath))
        if program is None:
            raise NoProgram(f"there is no program {argv[0]!r}")
        resource.setrlimit(resource.RLIMIT_NOFILE, surroundings.limit)
        return os.posix_spawn(
            program,
            argv,
            env,
            setsid=True,
            setsigdef=_SIGNALS,
            setsigmask=(),
            file_actions=(
                (os.POSIX_SPAWN_OPEN, 0, tty, os.O_RDWR, 0),
                (os.POSIX_SPAWN_DUP2, 0, 1),
                (os.POSIX_SPAWN_DUP2, 0, 2),
            ),
        )
    except (FileNotFoundError, PermissionError, NotADirectoryError) as error:
        raise NoProgram(f"{argv[0]!r} cannot be started: {error.strerror}") from error
    except OSError as error:
        # ENOEXEC and the like are about the file; the rest is about the system.
        if error.errno in (8, 7, 40, 36):
            raise NoProgram(f"{argv[0]!r} cannot be started: {error.strerror}") from error
        raise
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, surroundings.own_limit)
        os.umask(own_umask)
        os.chdir("/")


def ended(pid: int) -> tuple[int | None, int | None] | None:
    """Tell how a child ended, as (exit code, signal), without reaping it; else ``None``.

    Not reaping keeps the process id, which is also the session's, from being used again
    while the session is still to be signalled.
    """
    try:
        status = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return None, None
    if status is None:
        return None
    if status.si_code == os.CLD_EXITED:
        return status.si_status, None
    return None, status.si_status


def reap(pid: int) -> None:
    """Collect an ended child."""
    try:
        os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        pass


def members(sessions: set[int]) -> dict[int, list[int]]:
    """List the living processes of these sessions, their leaders left out.

    Session 0 is never one of them: that is the kernel's, and in a container everybody's who
    came from outside of it.
    """
    found: dict[int, list[int]] = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            pid = int(name)
            try:
                session = os.getsid(pid)
            except OSError:
                continue
            if session and session in sessions and pid != session and not _is_zombie(pid):
                found.setdefault(session, []).append(pid)
    return found


def _is_zombie(pid: int) -> bool:
    # A dead process whose parent does not collect it cannot be killed any more.
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            return file.read().rpartition(b")")[2].split()[0] in (b"Z", b"X")
    except (OSError, IndexError):
        return True


def send(pid: int, number: int) -> None:
    """Signal one process, which may be gone."""
    if pid <= 1:
        # To the kernel that would mean many.
        raise ValueError(f"process {pid}")
    try:
        os.kill(pid, number)
    except OSError:
        pass


def send_foreground(master: int, number: int) -> bool:
    """Signal what runs in the foreground of a terminal."""
    try:
        group = struct.unpack("i", fcntl.ioctl(master, termios.TIOCGPGRP, bytes(4)))[0]
        if group <= 1:
            return False
        os.killpg(group, number)
    except OSError:
        return False
    return True


def hang_up(pids: list[int]) -> None:
    """Send SIGHUP, and SIGCONT so that a stopped job hears it."""
    for pid in pids:
        send(pid, signal.SIGHUP)
        send(pid, signal.SIGCONT)
