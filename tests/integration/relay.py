"""A TCP relay on loopback that can be frozen and cut, like a network."""

from __future__ import annotations

import contextlib
import socket
import threading

SIZE = 65_536


class Relay:
    """Passes connections on to a port until told otherwise.

    Frozen it takes and delivers nothing, as a network that has gone silent; cut it ends all
    connections and accepts none.
    """

    def __init__(self, target: int) -> None:
        self._target = target
        self._open = threading.Event()
        self._open.set()
        self._sockets: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._server = self._listen(0)
        self.port: int = self._server.getsockname()[1]

    def freeze(self) -> None:
        """Let nothing through, and end nothing."""
        self._open.clear()

    def thaw(self) -> None:
        """Let everything through again, in order."""
        self._open.set()

    def cut(self) -> None:
        """End every connection and refuse new ones."""
        self._shut(self._server)
        with self._lock:
            sockets, self._sockets = self._sockets, set()
        for each in sockets:
            self._shut(each)
        self._open.set()

    def mend(self) -> None:
        """Accept connections again after a cut."""
        self._server = self._listen(self.port)

    def _listen(self, port: int) -> socket.socket:
        server = socket.create_server(("127.0.0.1", port))
        self._start(self._accept, server)
        return server

    def _accept(self, server: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = server.accept()
                self._open.wait()
                try:
                    far = socket.create_connection(("127.0.0.1", self._target))
                except OSError:
                    near.close()
                    continue
                with self._lock:
                    self._sockets |= {near, far}
                self._start(self._pass_on, near, far)
                self._start(self._pass_on, far, near)

    def _pass_on(self, source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(SIZE):
                self._open.wait()
                target.sendall(data)
        for each in (source, target):
            self._shut(each)

    def _shut(self, each: socket.socket) -> None:
        with contextlib.suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)
        each.close()

    @staticmethod
    def _start(target: object, *arguments: socket.socket) -> None:
        assert callable(target)
        threading.Thread(target=target, args=arguments, daemon=True).start()
