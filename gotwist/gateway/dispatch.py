"""The dispatcher: the part of a client that runs its actions and answers for those that fail."""

from __future__ import annotations

from collections import deque
from inspect import isawaitable
from typing import cast

from gotwist.errors import Denied, GotwistError, LimitReached, Malformed, Unavailable
from gotwist.gateway.clients import BAD_MESSAGE, TOO_MANY, Client, Peer
from gotwist.gateway.house import House, Timer
from gotwist.gateway.limits import Bucket
from gotwist.gateway.messages import JsonValue, TooDeep, decode_message
from gotwist.gateway.outlet import Connection
from gotwist.gateway.rights import Rightful
from gotwist.gateway.table import ActionTable

MAX_WAITING = 256
"""Messages that may wait behind an action that takes its time."""

TOLD_PER_S = 0.2
TOLD_AT_ONCE = 10
"""How many refusals of one client the audit stream takes; the others are counted."""

MAX_SHOWN = 64
"""Characters of an action's name that are repeated to whoever sent it."""


class Dispatcher(Rightful):
    """The part of a client that runs text messages in order, and in each the actions as written.

    While one takes its time (a sign-in that asks a store), the later ones wait.

    :param table: all actions that there are.
    """

    __slots__ = ("_table", "_told", "_untold", "_waiting", "_work")

    def __init__(
        self, house: House, table: ActionTable, connection: Connection, peer: Peer
    ) -> None:
        super().__init__(house, connection, peer)
        self._table = table
        # Made when first needed, and let go when empty: thousands of clients are silent.
        self._waiting: deque[bytes] | None = None
        self._work: Timer | None = None
        self._told: Bucket | None = None
        self._untold = 0

    def _receive(self, message: bytes) -> None:
        """Run the actions of ``message`` after those of the messages before it."""
        if self._waiting is None:
            self._waiting = deque()
        if len(self._waiting) >= MAX_WAITING:
            self.close(TOO_MANY, "too many messages are waiting")
            return
        self._waiting.append(message)
        if self._work is None:
            # Set while the work runs for the first time, so that it is not begun twice.
            self._work = _RUNNING
            work = self._house.spawn(self._run_waiting())
            if self._work is not None:
                self._work = work

    def _stop(self) -> None:
        """Run nothing more; what is running ends where it waits."""
        self._waiting = None
        work, self._work = self._work, None
        if work is not None:
            work.cancel()

    def _refuse(self, name: str | None, failure: Exception) -> None:
        """Answer for a failed action: the one place where its exceptions end."""
        log = self._house.log
        shown = name[:MAX_SHOWN] if name is not None else None
        if isinstance(failure, GotwistError):
            code, message = failure.code, failure.message
            if not isinstance(failure, Malformed | Unavailable):
                log.info("action refused", client=self.id, action=shown, code=code)
            if isinstance(failure, Denied | LimitReached) and self.user is not None:
                self._tell_refusal(shown, code)
        else:
            id = log.failure("action failed", failure, client=self.id, action=shown)
            code, message = "internal", f"Something went wrong here ({id})."
        self.send("go:error", {"action": shown, "code": code, "message": message})

    def _tell_refusal(self, action: str | None, code: str) -> None:
        """Tell the audit stream, which nobody may flood: what is too much is counted."""
        now = self._house.clock.now()
        if self._told is None:
            self._told = Bucket(TOLD_PER_S, TOLD_AT_ONCE / TOLD_PER_S, now)
        if not self._told.take(1, now):
            self._untold += 1
            return
        repeated, self._untold = self._untold, 0
        self._house.audit.record(
            "action_refused", **self.origin, code=code, repeated=repeated, action=action
        )

    async def _run_waiting(self) -> None:
        try:
            while self._waiting:
                message = self._waiting.popleft()
                try:
                    actions = decode_message(message)
                except TooDeep as failure:
                    self.close(BAD_MESSAGE, failure.message)
                    return
                except Malformed as failure:
                    self._refuse(None, failure)
                    continue
                for name, value in actions:
                    await self._run(name, value)
                    if not self.is_open:
                        return
        finally:
            self._work = None
            self._waiting = None

    async def _run(self, name: str, value: JsonValue) -> None:
        try:
            found = self._table.find(name)
            if found is None:
                hint = self.user is not None
                raise Malformed(self._table.refusal(name, hint=hint))
            kind, action = found
            if self.user is not None and not self.may_use(kind.name):
                raise Denied(f"You may not use {kind.name} here.")
            arguments = action.check(cast(Client, self), self._house, value)
            application = next((one for one in self._apps if type(one) is kind), None)
            if application is None:
                raise Unavailable(f"{kind.name} does not work just now.")
            result = action.function(application, *arguments)
            if isawaitable(result):
                await result
        except Exception as failure:
            # Work that was cancelled because the client has gone is nobody's fault.
            if self.is_open:
                self._refuse(name, failure)


class _Running:
    """Stands for work that is on the stack, and sees by itself that the client has closed."""

    def cancel(self) -> None:
        """Do nothing."""


_RUNNING = _Running()
