"""Checks of users by PAM: how many at once, how long, and whose answer is whose."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from gotwist.keeper.connection import Connection
from gotwist.keeper.helpers import Helper, Helpers
from gotwist.keeper.terminals import Refused
from gotwist.keeper.timers import Timers

MAX_RUNNING = 16
MAX_WAITING = 256
MAX_OF_PERSONS = 64
CHECK_S = 20.0
PERSON_S = 120.0
MAX_ID = 2**53
PROGRAM = "check"

Message = dict[str, object]


class Check:
    """One check, from a daemon's question to its last answer."""

    __slots__ = ("connection", "helper", "id", "is_asking", "request", "tag", "turn")

    def __init__(self, id: int, connection: Connection, tag: int, request: Message) -> None:
        self.id = id
        self.connection = connection
        self.tag = tag
        self.request = request
        self.helper: Helper | None = None
        # A person is asked: this one keeps no other from running.
        self.is_asking = False
        # Counts steps, so that a deadline knows whether it is still meant.
        self.turn = 0


class Checks:
    """All checks of one keeper.

    :param prove: makes the answer for a proven account of a check
    """

    def __init__(
        self, helpers: Helpers, timers: Timers, prove: Callable[[Message, Message], Message]
    ) -> None:
        self._helpers = helpers
        self._timers = timers
        self._prove = prove
        self._last = 0
        self._checks: dict[int, Check] = {}
        self._waiting: list[Check] = []

    def begin(self, connection: Connection, tag: int, request: Message) -> None:
        """Begin a check as soon as there is room."""
        self._last += 1
        self._waiting.append(Check(self._last, connection, tag, request))
        if len(self._waiting) > MAX_WAITING:
            # Whoever waits most often has caused this.
            waits = Counter(_asker(one) for one in self._waiting)
            late = max(self._waiting, key=lambda one: (waits[_asker(one)], one.id))
            self._waiting.remove(late)
            self._reply_refused(late, "unavailable", "too many sign-ins at once; try again")
        self._go_on()

    def answer(self, connection: Connection, tag: int, id: int, texts: list[str]) -> None:
        """Give a person's answers.

        :raises Refused: when nobody asked, or has given up.
        """
        check = self._checks.get(id)
        if check is None or check.connection is not connection or not check.is_asking:
            raise Refused("not_found", "nobody has asked this, or no longer")
        assert check.helper is not None
        check.tag = tag
        check.is_asking = False
        check.helper.send({"texts": texts})
        self._limit(check, CHECK_S)

    def cancel(self, connection: Connection, id: int) -> None:
        """Give a check up."""
        check = self._checks.get(id)
        if check is not None and check.connection is connection:
            self._end(check)

    def leave(self, connection: Connection) -> None:
        """Forget a connection and whatever it wanted to know."""
        self._waiting = [one for one in self._waiting if one.connection is not connection]
        for check in list(self._checks.values()):
            if check.connection is connection:
                self._end(check)

    def _go_on(self) -> None:
        while self._waiting:
            asking = [one.id for one in self._checks.values() if one.is_asking]
            if len(self._checks) - len(asking) >= MAX_RUNNING:
                return
            if len(asking) > MAX_OF_PERSONS:
                # The one that has kept a program the longest, for an answer.
                self._end(self._checks[min(asking)], go_on=False)
            # One address with many checks keeps others waiting for one of them, not for all.
            runs = Counter(_asker(one) for one in self._checks.values())
            first = min(self._waiting, key=lambda one: (runs[_asker(one)], one.id))
            self._waiting.remove(first)
            self._run(first)

    def _run(self, check: Check) -> None:
        try:
            check.helper = self._helpers.start(
                PROGRAM,
                check.request,
                lambda message: self._heard(check, message),
                lambda: self._refuse(check, "unavailable", "the check has failed"),
            )
        except OSError as error:
            self._reply_refused(check, "unavailable", f"no check is possible: {error.strerror}")
            return
        # It has been handed over, and a password is not kept longer than that.
        check.request = {name: check.request[name] for name in check.request if name != "password"}
        self._checks[check.id] = check
        self._limit(check, CHECK_S)

    def _limit(self, check: Check, limit_s: float) -> None:
        check.turn += 1
        turn = check.turn

        def look() -> None:
            if check.turn == turn and check.id in self._checks:
                self._refuse(check, "unavailable", "the check takes too long")

        self._timers.after(limit_s, look)

    def _heard(self, check: Check, message: Message) -> None:
        if "ask" in message:
            check.is_asking = True
            self._reply(check, {"check": check.id, **message})
            self._limit(check, PERSON_S)
            self._go_on()
        elif "proven" in message:
            account = message["proven"]
            assert isinstance(account, dict)
            self._reply(check, {**message, **self._prove(check.request, account)})
            self._end(check)
        elif "denied" in message:
            self._refuse(check, "denied", str(message["denied"]))
        else:
            self._refuse(check, "unavailable", str(message.get("failed")))

    def _refuse(self, check: Check, code: str, text: str) -> None:
        self._reply_refused(check, code, text)
        self._end(check)

    def _reply_refused(self, check: Check, code: str, text: str) -> None:
        if not check.is_asking:
            answer = {"tag": check.tag, "ok": False, "code": code, "message": text}
            check.connection.send(answer)

    def _reply(self, check: Check, answer: Message) -> None:
        check.connection.send({"tag": check.tag, "ok": True, **answer})

    def _end(self, check: Check, go_on: bool = True) -> None:
        del self._checks[check.id]
        check.turn += 1
        assert check.helper is not None
        self._helpers.kill(check.helper)
        if go_on:
            self._go_on()


def _asker(check: Check) -> object:
    return check.request["rhost"]
