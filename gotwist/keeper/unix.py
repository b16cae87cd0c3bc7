"""The keeper's socket and its loop: one thread, one epoll, no waiting anywhere else."""

from __future__ import annotations

import os
import select
import signal
import socket
import struct
import sys
import time

from gotwist.keeper import wire
from gotwist.keeper.arena import Arena
from gotwist.keeper.connection import Connection
from gotwist.keeper.door import AlreadyRunning, CannotListen, Door
from gotwist.keeper.process import Surroundings
from gotwist.keeper.reading import Reading
from gotwist.keeper.requests import Requests
from gotwist.keeper.terminals import Terminals
from gotwist.keeper.timers import Timers

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gotwist.keeper.helpers import Helpers
    from gotwist.keeper.rules import Privilege

MAX_CONNECTIONS = 64
READ_BYTES = 65_536
MAX_FAULTS = 1_000
DOOR_S = 5.0
_CREDENTIALS = struct.Struct("3i")


class Keeper:
    """The loop that joins connections, terminals and timers."""

    def __init__(
        self,
        door: Door,
        arena: Arena,
        surroundings: Surroundings,
        grace_s: float = 10.0,
        idle_s: float = 60.0,
        forget_s: float = 600.0,
        kill_after_s: float = 5.0,
        privilege: Privilege | None = None,
    ) -> None:
        self._door = door
        self._idle_s = idle_s
        self._forget_s = forget_s
        self._epoll = select.epoll()
        self._timers = Timers()
        self._reading = Reading(arena, self._epoll, self._timers, grace_s)
        self._terminals = Terminals(arena, self._reading, self._timers, kill_after_s)
        self._helpers: Helpers | None = None
        self._uids = {0, os.geteuid()}
        self._requests = Requests(arena, self._terminals, self._shutdown, surroundings)
        if privilege is not None:
            # Only here: the keeper of a user's own needs none of it in its memory.
            from gotwist.keeper.helpers import Helpers
            from gotwist.keeper.privileged import PrivilegedRequests

            self._uids = {0, privilege.daemon_uid}
            self._helpers = Helpers(self._epoll)
            self._requests = PrivilegedRequests(
                arena,
                self._terminals,
                self._shutdown,
                surroundings,
                self._timers,
                self._helpers,
                privilege.rules,
            )
        self._connections: dict[int, Connection] = {}
        self._is_closing = False
        self._visits = 0
        self._is_over = False
        self._child_read, self._child_write = os.pipe()
        os.set_blocking(self._child_read, False)
        os.set_blocking(self._child_write, False)
        signal.set_wakeup_fd(self._child_write, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda number, frame: None)
        self._epoll.register(door.server, select.EPOLLIN)
        self._epoll.register(self._child_read, select.EPOLLIN)

    def run(self) -> None:
        """Serve until nothing is left to serve."""
        self._watch_idleness()
        self._timers.after(DOOR_S, self._watch_door)
        faults = 0
        while not self._is_over:
            try:
                self._turn()
            except Exception:
                # Everybody's programs hang on this process: it goes on, but not for ever.
                _print_fault()
                faults += 1
                if faults > MAX_FAULTS:
                    raise

    def _turn(self) -> None:
        events = self._epoll.poll(self._timers.wait_s())
        self._reading.look_at_keys()
        by_fd = self._reading.by_fd
        ready = []
        others = []
        for event in events:
            terminal = by_fd.get(event[0])
            if terminal is not None:
                ready.append(terminal)
            else:
                others.append(event)
        if ready:
            self._reading.read(ready)
        for number, mask in others:
            self._serve(number, mask)
        self._timers.run()

    def _serve(self, number: int, mask: int) -> None:
        connection = self._connections.get(number)
        if connection is not None:
            try:
                if number == connection.bell:
                    connection.ring_later()
                else:
                    self._talk(connection, mask)
            except wire.Odd:
                connection.close()
            except Exception:
                # Our fault; the terminals of the others must not pay for it.
                _print_fault()
                connection.close()
        elif number == self._child_read:
            try:
                os.read(self._child_read, READ_BYTES)
            except BlockingIOError:
                pass
            self._terminals.collect()
            if self._helpers is not None:
                self._helpers.collect()
        elif number == self._door.server.fileno():
            self._accept()
        elif self._helpers is not None:
            self._helpers.serve(number)

    def _accept(self) -> None:
        try:
            sock, _ = self._door.server.accept()
        except BlockingIOError:
            return
        except OSError:
            # Out of descriptors: the socket stays ready, so do not ask it again at once.
            server = self._door.server
            self._epoll.unregister(server)
            self._timers.after(1.0, lambda: self._listen_again(server))
            return
        credentials = sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
        uid = _CREDENTIALS.unpack(credentials)[1]
        if uid not in self._uids or len(self._connections) >= 2 * MAX_CONNECTIONS:
            sock.close()
            return
        sock.setblocking(False)
        try:
            connection = Connection(sock, self._epoll, self._closed)
        except OSError:
            sock.close()
            return
        self._connections[sock.fileno()] = connection
        self._connections[connection.bell] = connection
        self._epoll.register(sock, select.EPOLLIN)
        self._visits += 1

    def _talk(self, connection: Connection, mask: int) -> None:
        if mask & select.EPOLLOUT:
            connection.flush()
        if not connection.is_open or not mask & ~select.EPOLLOUT:
            return
        try:
            data = connection.sock.recv(READ_BYTES)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            connection.close()
            return
        for kind, payload in connection.splitter.feed(data):
            if connection.is_open:
                self._requests.take(connection, kind, payload)

    def _closed(self, connection: Connection) -> None:
        for number in [n for n, one in self._connections.items() if one is connection]:
            del self._connections[number]
        self._requests.leave(connection)
        self._terminals.leave(connection)
        self._visits += 1
        self._watch_idleness()

    def _listen_again(self, server: socket.socket) -> None:
        if server is self._door.server:
            self._epoll.register(server, select.EPOLLIN)

    def _watch_door(self) -> None:
        """Offer the socket again when somebody has removed it, directory and all.

        Otherwise a daemon that starts next would start another keeper, and nobody would
        ever find the terminals of this one.
        """
        self._timers.after(DOOR_S, self._watch_door)
        if self._door.is_open():
            return
        before = self._door.server
        try:
            self._door.open_again()
        except (AlreadyRunning, CannotListen, OSError) as error:
            sys.stderr.write(f"keeper: the socket is gone: {error}\n")
            return
        # Closing takes it out of epoll, whether or not it was in.
        before.close()
        self._epoll.register(self._door.server, select.EPOLLIN)

    @property
    def _is_empty(self) -> bool:
        """Tell whether neither a terminal nor a program of ours is left."""
        return self._terminals.is_empty and (self._helpers is None or self._helpers.is_empty)

    def _watch_idleness(self) -> None:
        """Forget and leave when nobody has come for long enough."""
        if self._connections or self._idle_s <= 0:
            return
        visits = self._visits
        since = time.monotonic()

        def look() -> None:
            if visits != self._visits:
                return
            if self._is_empty:
                self._is_over = True
                return
            before = time.monotonic() - self._forget_s
            if since <= before:
                self._terminals.forget_ended(before)
            self._timers.after(self._idle_s, look)

        self._timers.after(self._idle_s, look)

    def _shutdown(self) -> None:
        def look() -> None:
            if self._is_empty:
                self._is_over = True
            else:
                self._timers.after(0.05, look)

        if not self._is_closing:
            self._is_closing = True
            self._timers.after(0.05, look)


def _print_fault() -> None:
    """Print the exception being handled with its traceback.

    The interpreter's own way: the traceback module takes 0.5 MB, and it may be a lack of memory
    or descriptors that is to be told.
    """
    sys.excepthook(*sys.exc_info())
