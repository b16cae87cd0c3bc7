"""Files of secrets: readable for their owner alone, replaced whole, edited by one at a time.

Everything here blocks.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Generic, TypeVar

from gotwist.errors import Malformed, Unavailable

T = TypeVar("T")

_MOST_BYTES: Final = 16 * 1024 * 1024


class PrivateFile(Generic[T]):
    """One file, read again when it has changed.

    :param parse: reads its text; raises Malformed.  A file that is not there reads as "".
    :param owner: whose file it must be, where that is not who runs this: root, who starts and
        edits for another account, leaves it to that one.
    """

    def __init__(
        self,
        path: Path,
        parse: Callable[[str], T],
        render: Callable[[T], str],
        owner: int | None = None,
    ) -> None:
        self.path = path
        self._owner = owner
        self._parse = parse
        self._render = render
        self._known: tuple[tuple[int, ...], T] | None = None

    def read(self) -> T:
        """Give what it holds now.

        :raises Unavailable: when it cannot be read, or others than its owner can read it.
        :raises Malformed: when its text is not what it should be.
        """
        try:
            descriptor = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        except FileNotFoundError:
            return self._parse("")
        except OSError as error:
            raise Unavailable(f"{self.path}: {error.strerror}") from None
        with open(descriptor, "rb") as file:
            found = os.fstat(descriptor)
            self._check(found)
            version = (found.st_ino, found.st_mtime_ns, found.st_ctime_ns, found.st_size)
            known = self._known
            if known is None or known[0] != version:
                known = version, self._parse(self._text(file.read(_MOST_BYTES + 1)))
                self._known = known
            return known[1]

    @contextmanager
    def edited(self) -> Iterator[_Edit[T]]:
        """Change it: what is left in ``value`` is written, unless the block raises."""
        directory = os.open(self.path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            fcntl.flock(directory, fcntl.LOCK_EX)
            edit = _Edit(self.read())
            yield edit
            self._write(self._render(edit.value))
            os.fsync(directory)
        finally:
            os.close(directory)

    def _check(self, found: os.stat_result) -> None:
        if not stat.S_ISREG(found.st_mode):
            raise Unavailable(f"{self.path}: is not a file")
        if stat.S_IMODE(found.st_mode) & 0o077:
            raise Unavailable(f"{self.path}: is open to other users; run: chmod 600 {self.path}")
        owners = (os.geteuid(), 0) if self._owner is None else (self._owner,)
        if found.st_uid not in owners:
            raise Unavailable(
                f"{self.path}: belongs to user {found.st_uid}; run: chown {owners[0]} {self.path}"
            )

    def _text(self, data: bytes) -> str:
        if len(data) > _MOST_BYTES:
            raise Malformed(f"{self.path}: is too large")
        try:
            return data.decode()
        except UnicodeDecodeError:
            raise Malformed(f"{self.path}: is not text") from None

    def _write(self, text: str) -> None:
        fresh = self.path.with_name(f".{self.path.name}.{secrets.token_hex(4)}")
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            with open(descriptor, "w", encoding="utf-8") as file:
                self._give_to_owner(descriptor)
                file.write(text)
                file.flush()
                os.fsync(descriptor)
            os.replace(fresh, self.path)
        except BaseException:
            fresh.unlink(missing_ok=True)
            raise

    def _give_to_owner(self, descriptor: int) -> None:
        # Root edits for a daemon that runs as somebody else: that account must read it still.
        if os.geteuid() != 0:
            return
        if self._owner is not None:
            os.fchown(descriptor, self._owner, -1)
            return
        try:
            owner = self.path.stat()
        except FileNotFoundError:
            owner = self.path.parent.stat()
        os.fchown(descriptor, owner.st_uid, owner.st_gid)


class _Edit(Generic[T]):
    def __init__(self, value: T) -> None:
        self.value = value
