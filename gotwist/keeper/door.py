"""The keeper's door: its socket in a directory that is only ours, and the lock beside it."""

from __future__ import annotations

import fcntl
import os
import socket
import stat


class CannotListen(Exception):
    """The socket cannot be offered; the message says why."""


class AlreadyRunning(Exception):
    """Another keeper serves this socket."""


class Door:
    """The listening socket at ``path``.

    :raises AlreadyRunning: when another keeper holds the lock
    :raises CannotListen: when directory or path belong to somebody else
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._lock = _take_lock(path)
        self.server, self._identity = _bind(path)

    def is_open(self) -> bool:
        """Tell whether those who look at the path find this socket."""
        try:
            return _identity(self._path) == self._identity
        except OSError:
            return False

    def open_again(self) -> None:
        """Offer the socket anew, in a directory made anew; the caller closes the old one."""
        os.makedirs(os.path.dirname(self._path) or ".", 0o700, exist_ok=True)
        lock = _take_lock(self._path)
        try:
            self.server, self._identity = _bind(self._path)
        except BaseException:
            os.close(lock)
            raise
        os.close(self._lock)
        self._lock = lock

    def close(self) -> None:
        """Take the socket away, if it is still ours."""
        self.server.close()
        if self.is_open():
            os.unlink(self._path)


def _take_lock(path: str) -> int:
    directory = os.path.dirname(path) or "."
    try:
        found = os.stat(directory)
    except OSError as error:
        raise CannotListen(f"{directory}: {error.strerror}") from error
    if found.st_uid != os.geteuid() or found.st_mode & 0o077:
        raise CannotListen(f"{directory} must belong to this user and have mode 0700")
    lock = os.open(path + ".lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(lock)
        raise AlreadyRunning(path) from error
    return lock


def _bind(path: str) -> tuple[socket.socket, tuple[int, int]]:
    try:
        # Whoever holds the lock knows that no keeper serves what lies there.
        old = os.lstat(path)
        if not stat.S_ISSOCK(old.st_mode) or old.st_uid != os.geteuid():
            raise CannotListen(f"{path} is in the way and is not a socket of this user")
        os.unlink(path)
    except FileNotFoundError:
        pass
    server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o177)
    try:
        server.bind(path)
    except OSError as error:
        raise CannotListen(f"{path}: {error.strerror or error}") from error
    finally:
        os.umask(before)
    server.listen(64)
    server.setblocking(False)
    return server, _identity(path)


def _identity(path: str) -> tuple[int, int]:
    found = os.lstat(path)
    return found.st_dev, found.st_ino
