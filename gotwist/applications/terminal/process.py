"""The keeper as an outside process: starting it, its socket and its bell in the reactor."""

from __future__ import annotations

import array
import os
import socket
import struct
import sys
from collections.abc import Callable, Mapping, Sequence

from twisted.internet.defer import Deferred, TimeoutError
from twisted.internet.error import ConnectionDone
from twisted.internet.interfaces import (
    IReactorFDSet,
    IReactorTime,
    IReadDescriptor,
    IReadWriteDescriptor,
)
from twisted.python.failure import Failure
from zope.interface import implementer

from gotwist.applications.terminal.answers import Message
from gotwist.errors import Denied, GotwistError, Malformed, NotFound, Unavailable
from gotwist.keeper import wire

BELL_BYTES = 4_096
MAX_DESCRIPTORS = 16
_CREDENTIALS = struct.Struct("3i")
LOG_TAIL = 2_048
REFUSALS: Mapping[object, type[GotwistError]] = {"not_found": NotFound, "denied": Denied}


def start_keeper(socket_path: str, log_path: str, options: Sequence[str]) -> int:
    """Start a keeper that detaches itself; give the process that reports how that went.

    It is started as a file, isolated (``-I -S``): it needs neither site packages nor this
    process's environment, and must not import what lies in the current directory.
    """
    program = os.path.join(os.path.dirname(os.path.abspath(wire.__file__)), "__main__.py")
    argv = [sys.executable, "-I", "-S", program, "--socket", socket_path, "--log", log_path]
    return os.posix_spawn(
        sys.executable, [*argv, *options], {}, setsid=True, setsigdef=range(1, 32), setsigmask=()
    )


def has_failed(pid: int) -> bool:
    """Collect the process that ``start_keeper`` gave, if it is done, and tell whether in vain."""
    try:
        done, status = os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        return False
    return done == pid and status != 0


def log_tail(path: str) -> str:
    """Read the end of the keeper's log (a small local file, and only when it has failed)."""
    try:
        with open(path, "rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - LOG_TAIL))
            return file.read(LOG_TAIL).decode("utf-8", "replace").strip()
    except OSError:
        return ""


def is_of_root(sock: socket.socket) -> bool:
    """Tell whether root listens at the other end."""
    size = _CREDENTIALS.size
    credentials = sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size)
    return bool(_CREDENTIALS.unpack(credentials)[1] == 0)


def connect(path: str) -> socket.socket | None:
    """Connect to a keeper that is there; ``None`` when nobody answers."""
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    sock.setblocking(False)
    try:
        sock.connect(path)
    except OSError:
        sock.close()
        return None
    return sock


@implementer(IReadWriteDescriptor)
class KeeperSocket:
    """The keeper's socket in the reactor: messages with descriptors in, bytes out."""

    def __init__(
        self,
        reactor: IReactorFDSet,
        sock: socket.socket,
        on_message: Callable[[Message, list[int]], None],
        on_lost: Callable[[], None],
    ) -> None:
        self._reactor = reactor
        self._sock = sock
        self._on_message = on_message
        self._on_lost = on_lost
        self._splitter = wire.Splitter(wire.MAX_ANSWER)
        self._descriptors: list[int] = []
        self._outbox = bytearray()
        self._is_open = True
        reactor.addReader(self)

    def send(self, data: bytes) -> None:
        if not self._is_open:
            return
        if not self._outbox:
            try:
                data = data[self._sock.send(data) :]
            except BlockingIOError:
                pass
            except OSError:
                # Reading will find out.
                return
            if data:
                self._reactor.addWriter(self)
        self._outbox += data

    def doWrite(self) -> None:
        try:
            del self._outbox[: self._sock.send(self._outbox)]
        except BlockingIOError:
            return
        except OSError:
            self._outbox.clear()
        if not self._outbox:
            self._reactor.removeWriter(self)

    def doRead(self) -> Failure | None:
        try:
            data, ancillary, _, _ = self._sock.recvmsg(
                65_536, socket.CMSG_SPACE(4 * MAX_DESCRIPTORS), socket.MSG_CMSG_CLOEXEC
            )
        except BlockingIOError:
            return None
        except OSError:
            data, ancillary = b"", []
        for level, kind, rights in ancillary:
            if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
                received = array.array("i")
                received.frombytes(rights[: len(rights) // 4 * 4])
                self._descriptors += received
        if not data:
            return Failure(ConnectionDone())
        try:
            for kind, payload in self._splitter.feed(data):
                if kind != wire.JSON:
                    raise wire.Odd("unknown kind")
                message = wire.parse_json(payload)
                count = message.get("fds", 0)
                if type(count) is not int or not 0 <= count <= len(self._descriptors):
                    raise wire.Odd("descriptors are missing")
                taken = self._descriptors[:count]
                del self._descriptors[:count]
                self._on_message(message, taken)
        except wire.Odd:
            return Failure(ConnectionDone("the keeper does not speak our language"))
        return None

    def connectionLost(self, reason: Failure) -> None:
        if self.close():
            self._on_lost()

    def close(self) -> bool:
        if not self._is_open:
            return False
        self._is_open = False
        self._reactor.removeReader(self)
        self._reactor.removeWriter(self)
        self._sock.close()
        for number in self._descriptors:
            os.close(number)
        self._descriptors.clear()
        return True

    def fileno(self) -> int:
        return self._sock.fileno()

    def logPrefix(self) -> str:
        return "keeper"


@implementer(IReadDescriptor)
class Bell:
    """The keeper's doorbell in the reactor."""

    def __init__(
        self, reactor: IReactorFDSet, descriptor: int, on_bell: Callable[[tuple[int, ...]], None]
    ) -> None:
        self._reactor = reactor
        self._descriptor = descriptor
        self._on_bell = on_bell
        os.set_blocking(descriptor, False)
        reactor.addReader(self)

    def doRead(self) -> None:
        try:
            data = os.read(self._descriptor, BELL_BYTES)
        except BlockingIOError:
            return
        if not data:
            self._reactor.removeReader(self)
            return
        # Whole numbers: four bytes are written at once, and the pipe is read by fours.
        slots = memoryview(data).cast("I")
        self._on_bell((slots[0],) if len(slots) == 1 else tuple(set(slots)))

    def connectionLost(self, reason: Failure) -> None:
        self.close()

    def close(self) -> None:
        if self._descriptor >= 0:
            self._reactor.removeReader(self)
            os.close(self._descriptor)
            self._descriptor = -1

    def fileno(self) -> int:
        return self._descriptor

    def logPrefix(self) -> str:
        return "bell"


class Conversation:
    """Questions to the keeper and its answers; the keeper's events go to ``on_event``."""

    def __init__(
        self,
        reactor: IReactorFDSet,
        clock: IReactorTime,
        sock: socket.socket,
        timeout_s: float,
        on_event: Callable[[Message], None],
        on_lost: Callable[[], None],
    ) -> None:
        self._clock = clock
        self._timeout_s = timeout_s
        self._on_event = on_event
        self._socket = KeeperSocket(reactor, sock, self._received, on_lost)
        self._waiting: dict[int, Deferred[tuple[Message, list[int]]]] = {}
        self._tag = 0

    def send(self, data: bytes) -> None:
        """Send a message that has no answer."""
        self._socket.send(data)

    async def ask(
        self, request: Message, timeout_s: float | None = None
    ) -> tuple[Message, list[int]]:
        """Ask, and wait for the answer and its descriptors, which the caller then owns.

        :raises NotFound: and others of the family, as the keeper answers.
        :raises Unavailable: when the keeper goes away or does not answer in time.
        :raises Malformed: when the request is longer than the keeper reads.
        """
        self._tag += 1
        tag = self._tag
        data = wire.render_json({"tag": tag, **request})
        if len(data) - 4 > wire.MAX_REQUEST:
            # The keeper would hang up on it, and on everybody else here.
            raise Malformed("This request to the keeper is too long.")
        answered: Deferred[tuple[Message, list[int]]] = Deferred()
        self._waiting[tag] = answered
        answered.addTimeout(timeout_s or self._timeout_s, self._clock)
        self._socket.send(data)
        try:
            message, descriptors = await answered
        except TimeoutError as error:
            raise Unavailable("The keeper does not answer.") from error
        finally:
            self._waiting.pop(tag, None)
        if message.get("ok") is not True:
            raise REFUSALS.get(message.get("code"), Unavailable)(str(message.get("message")))
        return message, descriptors

    def _received(self, message: Message, descriptors: list[int]) -> None:
        tag = message.get("tag")
        waiting = self._waiting.pop(tag, None) if isinstance(tag, int) else None
        if waiting is not None and not waiting.called:
            waiting.callback((message, descriptors))
            return
        # Nobody waits any more for what came too late.
        for number in descriptors:
            os.close(number)
        if "event" in message:
            self._on_event(message)

    def close(self) -> None:
        """End the conversation; what still waits fails."""
        self._socket.close()
        waiting, self._waiting = self._waiting, {}
        for one in waiting.values():
            if not one.called:
                one.errback(Unavailable("The keeper has gone."))
