"""What a daemon may ask of the keeper: every field checked, then done.

What the daemon says is untrusted input: it may be the part of the house that strangers have
broken into.  A badly formed request raises ``wire.Odd`` and ends its connection; one that
cannot be granted is answered.
"""

from __future__ import annotations

import binascii
import os
from collections.abc import Callable

from gotwist.keeper import process, wire
from gotwist.keeper.arena import Arena
from gotwist.keeper.connection import Connection
from gotwist.keeper.terminal import Terminal
from gotwist.keeper.terminals import MAX_TERMINAL, Refused, Terminals
from gotwist.keeper.wire import Odd, integer, text

Message = dict[str, object]
MAX_OFFSET = 2**53
MAX_LABEL = 2_048
MAX_ARGUMENTS = 256
MAX_LIST = 65_536


class Requests:
    """Answers the requests of all connections."""

    def __init__(
        self,
        arena: Arena,
        terminals: Terminals,
        shutdown: Callable[[], None],
        surroundings: process.Surroundings,
    ) -> None:
        self._arena = arena
        self._surroundings = surroundings
        self._terminals = terminals
        self._shutdown = shutdown
        self._is_closing = False
        self.is_privileged = False
        # Tells a reader that it talks to another keeper than before.
        self.epoch = int.from_bytes(os.urandom(6), "little")
        self._does: dict[str, Callable[[Connection, Message], Message | None]] = {
            "open": self._open,
            "list": self._list,
            "adopt": self._adopt,
            "attach": self._attach,
            "resize": self._resize,
            "redraw": self._redraw,
            "label": self._label,
            "signal": self._signal,
            "close": self._close,
            "shutdown": self._end,
        }

    def take(self, connection: Connection, kind: int, payload: bytes) -> None:
        """Do what one message asks.

        :raises Odd: when it is not of the agreed form.
        """
        if kind == wire.NEED and connection.greeted:
            number, offset = wire.parse_need(payload)
            self._terminals.need(number, connection, offset)
            return
        if kind != wire.JSON:
            raise Odd("unknown kind")
        message = wire.parse_json(payload)
        tag = integer(message, "tag", 0, MAX_OFFSET)
        do = text(message, "do", 16)
        if do == "hello" and not connection.greeted:
            self._hello(connection, message, tag)
            return
        method = self._does.get(do)
        if method is None or not connection.greeted:
            raise Odd("unknown request")
        descriptors: tuple[int, ...] = ()
        try:
            answer = method(connection, message)
            if answer is None:
                # Not known yet; whoever finds out answers.
                return
            if do in ("open", "adopt"):
                terminal = self._terminals.get(integer(answer, "terminal", 1, MAX_TERMINAL))
                descriptors = (terminal.ring.descriptor,)
                if terminal.master >= 0:
                    descriptors += (terminal.master,)
                answer["fds"] = len(descriptors)
            answer = {"tag": tag, "ok": True, **answer}
        except Refused as error:
            answer = {"tag": tag, "ok": False, "code": error.code, "message": error.message}
        connection.send(answer, descriptors)

    def _hello(self, connection: Connection, message: Message, tag: int) -> None:
        integer(message, "version", wire.VERSION, wire.VERSION)
        persist = message.get("persist")
        if type(persist) is not bool:
            raise Odd("persist is not a boolean")
        connection.persist = persist
        arena = self._arena
        connection.send(
            {
                "tag": tag,
                "ok": True,
                "version": wire.VERSION,
                "pid": os.getpid(),
                "epoch": self.epoch,
                "slots": arena.slots,
                "ring": arena.ring,
                "privileged": self.is_privileged,
                "fds": 3,
            },
            (arena.descriptor, arena.notes_descriptor, connection.bell_read),
        )
        if connection.is_open:
            connection.greet()

    def leave(self, connection: Connection) -> None:
        """Forget a connection that has gone."""

    def _named(self, message: Message) -> Terminal:
        return self._terminals.get(integer(message, "terminal", 0, MAX_TERMINAL))

    def _open(self, connection: Connection, message: Message) -> Message:
        argv = message.get("argv")
        env = message.get("env")
        if not isinstance(argv, list) or not 1 <= len(argv) <= MAX_ARGUMENTS:
            raise Odd("argv is not a list of arguments")
        if not all(isinstance(item, str) and "\0" not in item for item in argv) or not argv[0]:
            raise Odd("argv holds something else than texts")
        if not isinstance(env, dict) or not all(_is_variable(*item) for item in env.items()):
            raise Odd("env is not a map of texts")
        cwd = text(message, "cwd", 4_096)
        rows, columns = size_in(message)
        label = text(message, "label", MAX_LABEL)

        def start() -> tuple[int, int]:
            return process.spawn(argv, env, cwd, rows, columns, self._surroundings)

        terminal = self._opened(connection, start, argv[0], rows, columns, label)
        return {"terminal": terminal.id, "slot": terminal.slot, "pid": terminal.pid}

    def _opened(
        self,
        connection: Connection,
        start: Callable[[], tuple[int, int]],
        name: str,
        rows: int,
        columns: int,
        label: str,
    ) -> Terminal:
        if self._is_closing:
            raise Refused("unavailable", "the keeper is shutting down")
        # Whoever opens a terminal looks at it: saves the first message about needs.
        terminal = self._terminals.open(start, name, rows, columns, connection)
        terminal.label = label
        if not connection.persist:
            terminal.owner = connection
        return terminal

    def _list(self, connection: Connection, message: Message) -> Message:
        after = integer(message, "after", 0, MAX_TERMINAL) if "after" in message else 0
        listed: list[object] = []
        size = 0
        for terminal in self._terminals.all.values():
            if terminal.id <= after:
                continue
            item = _describe(terminal)
            size += len(wire.render_json(item))
            if size > MAX_LIST and listed:
                return {"terminals": listed, "more": True}
            listed.append(item)
        return {"terminals": listed, "more": False}

    def _adopt(self, connection: Connection, message: Message) -> Message:
        terminal = self._named(message)
        terminal.watchers.setdefault(connection, None)
        if not connection.persist and terminal.owner is None:
            terminal.owner = connection
        return _describe(terminal)

    def _attach(self, connection: Connection, message: Message) -> Message:
        have = None
        if message.get("have") is not None:
            have = integer(message, "have", 0, MAX_OFFSET)
        terminal = self._named(message)
        if connection not in terminal.watchers:
            raise Refused("not_found", "this terminal is not adopted")
        start = self._terminals.attach(terminal, connection, have)
        return {
            "offset": start.offset,
            "live": terminal.head,
            "reset": start.reset,
            "restore": binascii.b2a_base64(start.restore, newline=False).decode("ascii"),
            "resizes": start.resizes,
            "rows": start.rows,
            "columns": start.columns,
            "redraw": start.redraw,
            "title": terminal.title,
        }

    def _resize(self, connection: Connection, message: Message) -> Message:
        rows, columns = size_in(message)
        return {"offset": self._terminals.resize(self._named(message), rows, columns)}

    def _redraw(self, connection: Connection, message: Message) -> Message:
        self._terminals.redraw(self._named(message))
        return {}

    def _label(self, connection: Connection, message: Message) -> Message:
        label = text(message, "label", MAX_LABEL)
        self._named(message).label = label
        return {}

    def _signal(self, connection: Connection, message: Message) -> Message:
        number = integer(message, "signal", 1, 31)
        self._terminals.signal(self._named(message), number)
        return {}

    def _close(self, connection: Connection, message: Message) -> Message:
        self._terminals.close(self._named(message))
        return {}

    def _end(self, connection: Connection, message: Message) -> Message:
        self._is_closing = True
        self._terminals.close_all()
        self._shutdown()
        return {}


def _is_variable(name: object, value: object) -> bool:
    return (
        isinstance(name, str)
        and isinstance(value, str)
        and name != ""
        and "=" not in name
        and "\0" not in name + value
    )


def size_in(message: Message) -> tuple[int, int]:
    """Take a window's size out of a message, brought into bounds."""
    rows = integer(message, "rows", 0, 2**31)
    columns = integer(message, "columns", 0, 2**31)
    return min(max(rows, 2), 500), min(max(columns, 2), 1_000)


def _describe(terminal: Terminal) -> Message:
    return {
        "terminal": terminal.id,
        "slot": terminal.slot,
        "pid": terminal.session or terminal.pid,
        "label": terminal.label,
        "rows": terminal.rows,
        "columns": terminal.columns,
        "title": terminal.title,
        "created": int(terminal.created * 1000),
        "exited": terminal.exited,
    }
