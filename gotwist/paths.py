"""Where things are kept: default places, private directories, paths of sockets."""

from __future__ import annotations

import hashlib
import os
import stat
from dataclasses import dataclass

from gotwist.errors import Unavailable

#: A UNIX socket's address holds 108 bytes with its final zero; some room is left for
#: temporary names beside it.
MAX_SOCKET_PATH = 100

#: The longest file name that is made for a socket in the runtime directory.
_LONGEST_SOCKET_NAME = len("/keeper.sock.12345678")


@dataclass(frozen=True)
class Places:
    """The directories in which this user's daemon keeps its things unless told otherwise."""

    settings_dir: str
    user_dir: str
    session_dir: str
    runtime_dir: str
    ssl_dir: str
    log_dir: str


def default_places(
    *, is_root: bool, home: str, xdg_runtime_dir: str = "", base: str = ""
) -> Places:
    """Tell the default places of a daemon started by this kind of user.

    :param base: when given, everything is kept below this directory, whoever the user is

    A home so deep that no socket's path would fit gets its runtime directory below
    ``xdg_runtime_dir``, under a name of its own so that two homes never share one.
    """
    if is_root and not base:
        return Places(
            settings_dir="/etc/gotwist/conf.d",
            user_dir="/var/lib/gotwist/users",
            session_dir="/var/lib/gotwist/sessions",
            runtime_dir="/run/gotwist",
            ssl_dir="/etc/gotwist/ssl",
            log_dir="/var/log/gotwist",
        )
    root = base or os.path.join(home, ".gotwist")
    runtime_dir = os.path.join(root, "run")
    if len(os.fsencode(runtime_dir)) + _LONGEST_SOCKET_NAME > MAX_SOCKET_PATH and xdg_runtime_dir:
        mark = hashlib.sha256(os.fsencode(root)).hexdigest()[:12]
        runtime_dir = os.path.join(xdg_runtime_dir, f"gotwist-{mark}")
    return Places(
        settings_dir=os.path.join(root, "conf.d"),
        user_dir=os.path.join(root, "users"),
        session_dir=os.path.join(root, "sessions"),
        runtime_dir=runtime_dir,
        ssl_dir=os.path.join(root, "ssl"),
        log_dir=os.path.join(root, "log"),
    )


def check_socket_path(path: str) -> str:
    """Return ``path`` when a UNIX socket can have it.

    :raises Unavailable: it is longer than the system allows.
    """
    length = len(os.fsencode(path))
    if length > MAX_SOCKET_PATH:
        raise Unavailable(
            f"{path}: too long for a UNIX socket ({length} bytes, at most {MAX_SOCKET_PATH}); "
            "choose a shorter directory with --runtime_dir or --unix_socket_path"
        )
    return path


def make_private_directory(path: str, *, allow: int = 0o700) -> str:
    """Make ``path`` (0700, missing parents too) or check that what is there is safe to use.

    Blocking.  A link is refused even when it leads to a good directory: whoever can
    replace it decides where the daemon writes.

    :param allow: the mode bits that an existing directory may have.
    :raises Unavailable: it cannot be made, is no directory, is a link, belongs to somebody
        else, or is open to others.
    """
    _make_with_parents(path)
    try:
        found = os.lstat(path)
    except OSError as problem:
        raise Unavailable(f"{path}: {_reason(problem)}") from problem
    if stat.S_ISLNK(found.st_mode):
        raise Unavailable(f"{path}: is a symbolic link; name the directory itself")
    if not stat.S_ISDIR(found.st_mode):
        raise Unavailable(f"{path}: is not a directory; move it away or choose another place")
    if found.st_uid != os.geteuid():
        raise Unavailable(
            f"{path}: belongs to user {found.st_uid}, not to the daemon's user {os.geteuid()}; "
            "chown it or choose another place"
        )
    mode = stat.S_IMODE(found.st_mode)
    if mode & 0o777 & ~allow:
        raise Unavailable(
            f"{path}: is open to other users (mode {mode:04o}); run: chmod {mode & allow:o} {path}"
        )
    return path


def _make_with_parents(path: str) -> None:
    parent = os.path.dirname(path.rstrip("/"))
    if parent and not os.path.isdir(parent):
        _make_with_parents(parent)
    try:
        os.mkdir(path, 0o700)
    except FileExistsError:
        pass
    except OSError as problem:
        raise Unavailable(f"{path}: cannot be made: {_reason(problem)}") from problem


def _reason(problem: OSError) -> str:
    return (problem.strerror or "input/output error").lower()
