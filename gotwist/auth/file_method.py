"""The method ``file``: passwords that stand hashed in a file of the daemon's own."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final, Protocol, TypeVar

from gotwist.auth.attempts import network_of
from gotwist.auth.conversation import Proven, Step
from gotwist.auth.password_file import Entries, Entry, verify
from gotwist.auth.private_file import PrivateFile
from gotwist.auth.user import User
from gotwist.errors import Denied, Malformed, Unavailable

METHOD_FILE: Final = "file"

T = TypeVar("T")


class InThread(Protocol):
    """Calls a blocking function in a thread, when it is the turn of the given asker."""

    def __call__(self, who: str, function: Callable[[], T], /) -> Awaitable[T]: ...


class FileMethod:
    """Implements :class:`~gotwist.auth.conversation.PasswordMethod`.

    :param in_thread: hashing takes a tenth of a second, and the file's disk may be slow.  It
        is asked in the name of the guesser's network, so that one who guesses much waits for
        himself and not everybody else for him.
    :param tell: is told what is wrong with the file.
    """

    name = METHOD_FILE

    def __init__(
        self, file: PrivateFile[Entries], in_thread: InThread, tell: Callable[[str], None]
    ) -> None:
        self._file = file
        self._in_thread = in_thread
        self._tell = tell

    async def start(self, user: str, password: str, peer: str) -> Step:
        """Judge a name and a password, with the file as it is now."""

        def judge() -> Entry | Malformed | Unavailable | None:
            try:
                return verify(self._file.read(), user, password)
            except (Malformed, Unavailable) as problem:
                return problem

        found = await self._in_thread(network_of(peer), judge)
        if isinstance(found, Malformed | Unavailable):
            self._tell(found.message)
            raise Unavailable("Passwords cannot be checked just now.")
        if found is None:
            raise Denied("wrong")
        return Proven(User(user, METHOD_FILE, {}, found.groups))
