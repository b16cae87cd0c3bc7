"""The method ``file``: passwords that stand hashed in a file of the daemon's own."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final, Protocol, TypeVar

from gotwist.auth.conversation import Proven, Step
from gotwist.auth.password_file import Entries, Entry, verify
from gotwist.auth.private_file import PrivateFile
from gotwist.auth.user import User
from gotwist.errors import Denied, Malformed, Unavailable

METHOD_FILE: Final = "file"
MOST_WAITING: Final = 64

T = TypeVar("T")


class InThread(Protocol):
    """Calls a blocking function in a thread of those that are there for this."""

    def __call__(self, function: Callable[[], T], /) -> Awaitable[T]: ...


class FileMethod:
    """Implements :class:`~gotwist.auth.conversation.PasswordMethod`.

    :param in_thread: hashing takes a tenth of a second, and the file's disk may be slow.
    :param tell: is told what is wrong with the file.
    """

    name = METHOD_FILE

    def __init__(
        self, file: PrivateFile[Entries], in_thread: InThread, tell: Callable[[str], None]
    ) -> None:
        self._file = file
        self._in_thread = in_thread
        self._tell = tell
        self._waiting = 0

    async def start(self, user: str, password: str, peer: str) -> Step:
        """Judge a name and a password, with the file as it is now."""
        if self._waiting >= MOST_WAITING:
            raise Unavailable("Too many people are signing in just now. Please try again.")
        self._waiting += 1
        try:
            entry = await self._in_thread(lambda: self._verify(user, password))
        except (Malformed, Unavailable) as problem:
            self._tell(problem.message)
            raise Unavailable("Passwords cannot be checked just now.") from problem
        finally:
            self._waiting -= 1
        if entry is None:
            raise Denied("wrong")
        return Proven(User(user, METHOD_FILE, {}, entry.groups))

    def _verify(self, user: str, password: str) -> Entry | None:
        return verify(self._file.read(), user, password)
