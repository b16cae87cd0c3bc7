"""A file of lines that only its owner can read: appended, rotated by size, found again when
somebody else has moved it away.  Everything here blocks."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Sequence

_FLAGS = os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK


class LogFile:
    """A :class:`~gotwist.events.writer.Sink` that is a file.

    Whoever renames or removes it (logrotate does) needs to tell nobody: before each batch it is
    looked at whether the open file is still the one of this name.  A line that was cut by a
    full disk is closed by a line end first, so it harms no other.

    :param max_bytes: above this size it is renamed to ``<path>.1``, that to ``.2`` and so on;
        0: never.
    :param backups: how many renamed ones are kept.
    """

    def __init__(self, path: str, *, max_bytes: int = 0, backups: int = 0) -> None:
        self._path = path
        self._max_bytes = max_bytes
        self._backups = backups
        self._descriptor: int | None = None
        self._is_torn = False

    def open(self) -> None:
        """Open the file, and make it when it is not there; ``write`` does so by itself.

        :raises OSError: it cannot be, or is no regular file, or somebody else's.
        """
        descriptor = os.open(self._path, _FLAGS | os.O_CREAT, 0o600)
        try:
            found = os.fstat(descriptor)
            if not stat.S_ISREG(found.st_mode):
                raise OSError(errno.EINVAL, "not a regular file", self._path)
            owners = {0, os.geteuid()}
            if os.geteuid() == 0:
                # Of a daemon that has given root's rights up; no second name, though, by which
                # it could have something else written.
                owners.add(os.stat(os.path.dirname(self._path) or ".").st_uid)
            if found.st_uid not in owners or found.st_nlink != 1:
                raise OSError(errno.EPERM, "belongs to another user", self._path)
            if found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
                raise OSError(errno.EPERM, "other users may write it", self._path)
        except OSError:
            os.close(descriptor)
            raise
        self._descriptor = descriptor

    def write(self, lines: Sequence[bytes]) -> None:
        """See :class:`~gotwist.events.writer.Sink`."""
        data = b"".join(lines)
        self._find_again()
        self._rotate(len(data))
        if self._descriptor is None:
            self.open()
        assert self._descriptor is not None
        if self._is_torn:
            data = b"\n" + data
        view = memoryview(data)
        try:
            while view:
                view = view[os.write(self._descriptor, view) :]
        except OSError:
            if len(view) < len(data):
                self._is_torn = True
            raise
        self._is_torn = False

    def close(self) -> None:
        """See :class:`~gotwist.events.writer.Sink`."""
        if self._descriptor is not None:
            descriptor, self._descriptor = self._descriptor, None
            os.close(descriptor)

    def _find_again(self) -> None:
        if self._descriptor is None:
            return
        ours = os.fstat(self._descriptor)
        try:
            named = os.lstat(self._path)
        except FileNotFoundError:
            named = None
        if named is None or (named.st_dev, named.st_ino) != (ours.st_dev, ours.st_ino):
            self.close()
            self._is_torn = False

    def _rotate(self, more: int) -> None:
        if not self._max_bytes:
            return
        try:
            size = os.stat(self._path).st_size
        except FileNotFoundError:
            return
        if not size or size + more <= self._max_bytes:
            return
        self.close()
        self._is_torn = False
        if not self._backups:
            os.unlink(self._path)
        for number in range(self._backups, 0, -1):
            older = self._path if number == 1 else f"{self._path}.{number - 1}"
            with contextlib.suppress(FileNotFoundError):
                os.replace(older, f"{self._path}.{number}")
