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

    :param owner: user and group id of those who may connect, when they are not our own; then
        the directory may be looked into by others, but written only by us.
    :raises AlreadyRunning: when another keeper holds the lock
    :raises CannotListen: when directory or path belong to somebody else
    """

    def __init__(self, path: str, owner: tuple[int, int] | None = None) -> None:
        self._path = path
        self._owner = owner
        self._lock = self._take_lock()
        self.server, self._identity = self._bind()

    def is_open(self) -> bool:
        """Tell whether those who look at the path find this socket."""
        try:
            return _identity(self._path) == self._identity
        except OSError:
            return False

    def open_again(self) -> None:
        """Offer the socket anew, in a directory made anew; the caller closes the old one."""
        mode = 0o700 if self._owner is None else 0o711
        os.makedirs(os.path.dirname(self._path) or ".", mode, exist_ok=True)
        lock = self._take_lock()
        try:
            self.server, self._identity = self._bind()
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

    def _take_lock(self) -> int:
        directory = os.path.dirname(self._path) or "."
        try:
            found = os.lstat(directory)
        except OSError as error:
            raise CannotListen(f"{directory}: {error.strerror}") from error
        closed = 0o077 if self._owner is None else 0o022
        if found.st_uid != os.geteuid() or found.st_mode & closed:
            wanted = "0700" if self._owner is None else "0711"
            raise CannotListen(f"{directory} must belong to this user and have mode {wanted}")
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        lock = os.open(self._path + ".lock", flags, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(lock)
            raise AlreadyRunning(self._path) from error
        return lock

    def _bind(self) -> tuple[socket.socket, tuple[int, int]]:
        path = self._path
        try:
            # Whoever holds the lock knows that no keeper serves what lies there.
            old = os.lstat(path)
            ours = {os.geteuid()} if self._owner is None else {os.geteuid(), self._owner[0]}
            if not stat.S_ISSOCK(old.st_mode) or old.st_uid not in ours:
                raise CannotListen(f"{path} is in the way and is not a socket of this user")
            os.unlink(path)
        except FileNotFoundError:
            pass
        server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        before = os.umask(0o177)
        try:
            server.bind(path)
            if self._owner is not None:
                os.chown(path, *self._owner)
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
