"""The daemon's side of the keeper: requests over its socket, output out of shared memory."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorFDSet, IReactorTime
from twisted.internet.task import deferLater
from twisted.logger import Logger

from gotwist.applications.terminal.answers import (
    Listed,
    Message,
    number_in,
    parse_listed,
)
from gotwist.applications.terminal.opening import Opening
from gotwist.applications.terminal.process import (
    Bell,
    Conversation,
    connect,
    has_failed,
    is_of_root,
    log_tail,
    start_keeper,
)
from gotwist.applications.terminal.pty import Keyboard
from gotwist.errors import GotwistError, NotFound, Unavailable
from gotwist.keeper import wire
from gotwist.keeper.arena import ArenaReader

# A longer piece is a paste: nobody watches for its echo.
TYPED_BYTES = 64
FIRST_RETRY_S = 0.01
LAST_RETRY_S = 5.0
PROVING_S = 60.0

log = Logger()

# The class below has a method named list.
Descriptors = list[int]


class KeeperLink(Opening):
    """One connection to the keeper, which is started when it is not there.

    Callbacks, set by the owner before ``connect``; all are called on the reactor's thread:

    ``on_bell(slots)``           these slots have new output
    ``on_title(terminal, title)``
    ``on_exited(terminal, code, signal, offset)``   the program ended; output ends at offset
    ``on_gone(terminal)``        the terminal is forgotten, its slot free
    ``on_applied(terminal, viewer, offset)``        queued input was given to the program
    ``on_lost()``                the connection is gone and every terminal handle with it
    ``on_back()``                connected again: list and adopt what is still there
    """

    def __init__(
        self,
        reactor: IReactorFDSet,
        clock: IReactorTime,
        socket_path: str,
        log_path: str,
        *,
        persist: bool = True,
        options: Sequence[str] = (),
        timeout_s: float = 5.0,
        is_privileged: bool = False,
    ) -> None:
        self._reactor = reactor
        self._clock = clock
        self._socket_path = socket_path
        self._log_path = log_path
        self._persist = persist
        self._options = tuple(options)
        self._timeout_s = timeout_s
        self._is_privileged = is_privileged
        self._talk: Conversation | None = None
        self._bell: Bell | None = None
        self._arena: ArenaReader | None = None
        self._slots: dict[int, int] = {}
        # Made once for all keyboards.
        self._tell_applied = self._applied
        self._keyboards: dict[int, Keyboard] = {}
        self._is_stopped = False
        self._reconnecting: Deferred[None] | None = None
        self.epoch = 0
        self.keeper_pid = 0
        self.on_bell: Callable[[tuple[int, ...]], None] = _nothing
        self.on_title: Callable[[int, str], None] = _nothing
        self.on_exited: Callable[[int, int | None, int | None, int], None] = _nothing
        self.on_gone: Callable[[int], None] = _nothing
        self.on_applied: Callable[[int, int, int], None] = _nothing
        self.on_lost: Callable[[], None] = _nothing
        self.on_back: Callable[[], None] = _nothing

    @property
    def arena(self) -> ArenaReader:
        """The keeper's shared memory.

        :raises Unavailable: while there is no connection.
        """
        if self._arena is None:
            raise Unavailable("The keeper is not there.")
        return self._arena

    @property
    def is_connected(self) -> bool:
        """Tell whether requests can be made."""
        return self._arena is not None

    async def connect(self, start: bool = True) -> None:
        """Connect; when nobody answers, start a keeper first (unless ``start`` is false).

        :raises Unavailable: when there is none within the time limit; the message ends with
            what the keeper wrote into its log.
        """
        deadline = self._clock.seconds() + self._timeout_s
        delay = FIRST_RETRY_S
        started = 0
        while (sock := connect(self._socket_path)) is None:
            if self._is_privileged:
                raise Unavailable(
                    f"The keeper of this machine's users does not answer on {self._socket_path}; "
                    "root has to start it: gotwist keeper, or gotwist itself."
                )
            if not start:
                raise Unavailable("No keeper is running.")
            if not started:
                started = start_keeper(self._socket_path, self._log_path, self._options)
            elif has_failed(started) or self._clock.seconds() >= deadline:
                said = log_tail(self._log_path)
                raise Unavailable(f"The keeper cannot be started. {said}".rstrip())
            await deferLater(self._clock, delay)
            delay = min(2 * delay, 0.2)
        if started:
            has_failed(started)
        if self._is_privileged and not is_of_root(sock):
            sock.close()
            raise Unavailable(f"Who answers on {self._socket_path} is not root.")
        self._talk = Conversation(
            self._reactor, self._clock, sock, self._timeout_s, self._happened, self._lost
        )
        hello: Message = {"do": "hello", "version": wire.VERSION, "persist": self._persist}
        try:
            answer, (arena, notes, bell) = await self._ask(hello)
        except GotwistError:
            self._drop()
            raise
        if self._is_privileged and answer.get("privileged") is not True:
            self._drop()
            raise Unavailable("The keeper is one account's own; users need a privileged one.")
        self._arena = ArenaReader(arena, notes)
        self._bell = Bell(self._reactor, bell, self._rung)
        self.epoch = number_in(answer, "epoch")
        self.keeper_pid = number_in(answer, "pid")

    async def adopt(self, terminal: int) -> Listed:
        """Take an existing terminal over: from now on its bell and events come here.

        :raises NotFound: when there is none.
        """
        answer, descriptors = await self._ask({"do": "adopt", "terminal": terminal})
        self._adopted(answer, descriptors)
        return parse_listed(answer)

    def _adopted(self, answer: Message, descriptors: Descriptors) -> None:
        number, slot = number_in(answer, "terminal"), number_in(answer, "slot")
        if not descriptors:
            raise Unavailable("The keeper sent no ring.")
        self._forget(number)
        self.arena.add(slot, number, descriptors[0])
        self._slots[number] = slot
        for master in descriptors[1:2]:
            self._keyboards[number] = Keyboard(
                self._reactor,
                master,
                number,
                slot,
                self.arena,
                self._tell_applied,
            )

    def _applied(self, number: int, viewer: int, offset: int) -> None:
        self.on_applied(number, viewer, offset)

    async def shutdown(self) -> None:
        """End all terminals and the keeper."""
        self._is_stopped = True
        await self._ask({"do": "shutdown"})

    def need(self, terminal: int, offset: int | None) -> None:
        """Tell how far all viewers have drawn; ``None``: nobody looks."""
        if self._talk is not None:
            self._talk.send(wire.render_need(terminal, offset))

    def type(self, terminal: int, viewer: int, offset: int, data: bytes) -> int:
        """Type into a terminal; give the input offset applied so far (see ``Keyboard.type``).

        :raises NotFound: when this terminal is not adopted, or its program has ended.
        """
        keyboard = self._keyboards.get(terminal)
        if keyboard is None:
            raise NotFound("There is no such terminal.")
        if len(data) <= TYPED_BYTES:
            self.arena.note_key(self._slots[terminal], time.monotonic_ns())
        return keyboard.type(viewer, offset, data)

    def applied(self, terminal: int, viewer: int) -> int:
        """Tell how much of a viewer's input the program was given."""
        return self.arena.applied(self._slots[terminal], viewer)

    def queued(self, terminal: int) -> int:
        """Tell how many bytes wait for the program to read (at most 64 KiB)."""
        keyboard = self._keyboards.get(terminal)
        return keyboard.queued if keyboard is not None else 0

    def stop(self) -> None:
        """Leave the keeper; terminals go on (unless this link was not to persist)."""
        self._is_stopped = True
        if self._reconnecting is not None:
            self._reconnecting.cancel()
        self._drop()

    async def prove(self, request: Message) -> Message:
        """Ask what PAM, or a person, may take their time for."""
        if self._talk is None:
            raise Unavailable("The keeper is not there.")
        answer, _ = await self._talk.ask(request, PROVING_S)
        return answer

    async def _ask(self, request: Message) -> tuple[Message, Descriptors]:
        if self._talk is None:
            raise Unavailable("The keeper is not there.")
        return await self._talk.ask(request)

    def _happened(self, event: Message) -> None:
        number = number_in(event, "terminal")
        kind = event["event"]
        if kind == "title":
            self.on_title(number, str(event.get("title", "")))
        elif kind == "exited":
            keyboard = self._keyboards.pop(number, None)
            if keyboard is not None:
                keyboard.close()
            code, signal = event.get("code"), event.get("signal")
            self.on_exited(
                number,
                code if isinstance(code, int) else None,
                signal if isinstance(signal, int) else None,
                number_in(event, "offset"),
            )
        elif kind == "gone":
            self._forget(number)
            self.on_gone(number)

    def _forget(self, number: int) -> None:
        keyboard = self._keyboards.pop(number, None)
        if keyboard is not None:
            keyboard.close()
        slot = self._slots.pop(number, None)
        if slot is not None and self._arena is not None:
            self._arena.remove(slot)

    def _rung(self, slots: tuple[int, ...]) -> None:
        self.on_bell(slots)

    def _drop(self) -> None:
        talk, self._talk = self._talk, None
        if self._bell is not None:
            self._bell.close()
            self._bell = None
        for number in list(self._slots):
            self._forget(number)
        self._arena = None
        if talk is not None:
            talk.close()

    def _lost(self) -> None:
        had = self._arena is not None
        self._drop()
        if had:
            self.on_lost()
            log.warn("the keeper is gone; connecting again")
            self.reconnect()

    def reconnect(self) -> None:
        """Go on trying to connect until it works; ``on_back`` tells when it has."""
        if not self._is_stopped and self._reconnecting is None:
            self._reconnecting = Deferred.fromCoroutine(self._connect_again())
            self._reconnecting.addErrback(self._gave_up)

    async def _connect_again(self) -> None:
        delay = 0.1
        told = ""
        while True:
            try:
                await self.connect()
            except Unavailable as error:
                if error.message != told:
                    log.error("no keeper: {reason}", reason=error.message)
                told = error.message
                await deferLater(self._clock, delay)
                delay = min(2 * delay, LAST_RETRY_S)
            else:
                break
        self._reconnecting = None
        self.on_back()

    def _gave_up(self, failure: object) -> None:
        self._reconnecting = None


def _nothing(*arguments: object) -> None:
    """Hear an event that nobody asked for."""
