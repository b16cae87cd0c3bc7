"""The small programs of a privileged keeper: their channels in its loop, and their ends."""

from __future__ import annotations

import os
import select
import signal
import socket
from collections.abc import Callable

from gotwist.keeper import channel, process


class Helper:
    """One running program.

    :ivar on_message: called with each message
    :ivar on_end: called once, when its channel has closed
    """

    __slots__ = ("on_end", "on_message", "pid", "sock")

    def __init__(
        self,
        pid: int,
        sock: socket.socket,
        on_message: Callable[[dict[str, object]], None],
        on_end: Callable[[], None],
    ) -> None:
        self.pid = pid
        self.sock = sock
        self.on_message = on_message
        self.on_end = on_end

    def send(self, message: dict[str, object]) -> None:
        """Send a message; one that is gone will be noticed otherwise."""
        try:
            channel.send(self.sock, message)
        except channel.Gone:
            pass


class Helpers:
    """All running programs."""

    def __init__(self, epoll: select.epoll) -> None:
        self._epoll = epoll
        self._by_fd: dict[int, Helper] = {}
        # Started and not yet collected.
        self._pids: set[int] = set()

    @property
    def is_empty(self) -> bool:
        """Tell whether all have ended."""
        return not self._pids

    def start(
        self,
        program: str,
        request: dict[str, object],
        on_message: Callable[[dict[str, object]], None],
        on_end: Callable[[], None],
        tty: str | None = None,
    ) -> Helper:
        """Start a program and hand it its request.

        :raises OSError: when the system has run out of something.
        """
        pid, sock = channel.start(program, tty)
        helper = Helper(pid, sock, on_message, on_end)
        self._pids.add(pid)
        self._by_fd[sock.fileno()] = helper
        self._epoll.register(sock, select.EPOLLIN)
        helper.send(request)
        return helper

    def serve(self, number: int) -> bool:
        """Hear what a program says; tell whether this descriptor is one of theirs."""
        helper = self._by_fd.get(number)
        if helper is None:
            return False
        try:
            helper.on_message(channel.receive(helper.sock))
        except BlockingIOError:
            pass
        except channel.Gone:
            self._close(helper)
            helper.on_end()
        return True

    def kill(self, helper: Helper) -> None:
        """End a program at once, without a word to anybody."""
        process.send(helper.pid, signal.SIGKILL)
        self._close(helper)

    def _close(self, helper: Helper) -> None:
        if self._by_fd.pop(helper.sock.fileno(), None) is not None:
            self._epoll.unregister(helper.sock)
            helper.sock.close()

    def collect(self) -> None:
        """Reap those that have ended."""
        for pid in list(self._pids):
            try:
                done, _ = os.waitpid(pid, os.WNOHANG)
            except ChildProcessError:
                done = pid
            if done:
                self._pids.discard(pid)
