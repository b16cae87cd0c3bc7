"""What a daemon without rights may ask of a keeper that has them all.

It may have users checked, and have terminals opened for users that were proven: with a ticket
that this keeper has made, a command of the keeper's own list, and little besides.  Everything
else (reading, sizes, ending) is as with any keeper.
"""

from __future__ import annotations

import os
import re
import signal
import sys
from collections.abc import Callable

from gotwist.keeper import process
from gotwist.keeper.arena import Arena
from gotwist.keeper.checks import MAX_ID, Checks
from gotwist.keeper.connection import Connection
from gotwist.keeper.forms import (
    ADDRESS,
    MAX_PASSWORD,
    MAX_TEXTS,
    PLACE,
    USER,
    VALUE,
    VARIABLE,
    WORD,
    is_secret,
)
from gotwist.keeper.guard import Guard
from gotwist.keeper.helpers import Helper, Helpers
from gotwist.keeper.requests import MAX_LABEL, MAX_OFFSET, Message, Requests, size_in
from gotwist.keeper.rules import BadRules, RulesFile
from gotwist.keeper.terminal import Terminal
from gotwist.keeper.terminals import Refused, Terminals
from gotwist.keeper.tickets import LENGTH, Ticket, Tickets
from gotwist.keeper.timers import Timers
from gotwist.keeper.wire import Odd, integer, text

PROGRAM = "login"
CLEAN_S = 600.0


class LoginGuard(Guard):
    """The keeper's view of the program above a terminal: it runs, and it has ended so."""

    def __init__(self, terminals: Terminals) -> None:
        self._terminals = terminals
        self.helper: Helper | None = None
        self.terminal: Terminal | None = None

    def over(self) -> None:
        """Tell that nothing of the session is left: it may be closed."""
        if self.helper is not None:
            self.helper.send({"over": True})

    def heard(self, message: Message) -> None:
        """Take note of what the program says."""
        assert self.terminal is not None
        if "started" in message:
            self.terminal.session = integer(message, "started", 2, 2**31)
            self._terminals.started(self.terminal)
        elif "ended" in message and self.how is None:
            how = message["ended"]
            assert isinstance(how, list)
            self.how = how[0], how[1]
            self._terminals.collect()

    def gone(self) -> None:
        """The program itself has ended: usual after the end of its terminal, and only then."""
        if self.how is None:
            assert self.terminal is not None
            self.how = None, int(signal.SIGKILL)
            self._terminals.collect()


class PrivilegedRequests(Requests):
    """Answers the requests of a daemon that may be in the hands of strangers."""

    def __init__(
        self,
        arena: Arena,
        terminals: Terminals,
        shutdown: Callable[[], None],
        surroundings: process.Surroundings,
        timers: Timers,
        helpers: Helpers,
        rules: RulesFile,
    ) -> None:
        super().__init__(arena, terminals, shutdown, surroundings)
        self._rules = rules
        self._timers = timers
        self._tickets = Tickets()
        self._helpers = helpers
        self._checks = Checks(helpers, timers, self._prove)
        self.is_privileged = True
        self._does |= {
            "authenticate": self._authenticate,
            "vouch": self._vouch,
            "answer": self._answer,
            "cancel": self._cancel,
            "forget_ticket": self._forget_ticket,
        }
        timers.after(CLEAN_S, self._clean)

    def leave(self, connection: Connection) -> None:
        """Give up what a connection that has gone wanted to know."""
        self._checks.leave(connection)

    def _hello(self, connection: Connection, message: Message, tag: int) -> None:
        try:
            self._rules.look()
        except BadRules as error:
            sys.stderr.write(f"keeper: the rules stay as they were: {error}\n")
        super()._hello(connection, message, tag)

    def _authenticate(self, connection: Connection, message: Message) -> Message | None:
        """Have PAM check a user; the answer comes when it is known."""
        service = self._rules.current.services.get(text(message, "service", 64))
        password = text(message, "password", MAX_PASSWORD)
        if service is None:
            raise Refused("denied", "this service is not offered")
        wants_ticket = message.get("ticket")
        if type(wants_ticket) is not bool:
            raise Odd("ticket is not a boolean")
        self._check(connection, message, service, password, 1, wants_ticket)
        return None

    def _vouch(self, connection: Connection, message: Message) -> Message | None:
        """Believe the daemon that it has proven a user, where the rules allow that."""
        rules = self._rules.current
        if text(message, "method", 64) not in rules.trusted:
            raise Refused("denied", "this way of signing in opens no terminals")
        self._check(connection, message, rules.session, None, rules.trusted_min_uid, True)
        return None

    def _check(
        self,
        connection: Connection,
        message: Message,
        service: str,
        password: str | None,
        min_uid: int,
        wants_ticket: bool,
    ) -> None:
        request: Message = {
            "user": _matching(message, "user", USER),
            "rhost": _matching(message, "rhost", ADDRESS),
            "service": service,
            "password": password,
            "min_uid": min_uid,
            "wants_ticket": wants_ticket,
        }
        self._checks.begin(connection, integer(message, "tag", 0, MAX_OFFSET), request)

    def _prove(self, request: Message, account: Message) -> Message:
        """Make the ticket of a proven account, for those who want to open terminals."""
        if not request["wants_ticket"]:
            return {}
        minimum, uid = request["min_uid"], account["uid"]
        assert isinstance(minimum, int) and isinstance(uid, int)
        ticket = Ticket(str(account["user"]), uid, str(request["rhost"]), minimum)
        life_s = self._rules.current.ticket_s
        return {"ticket": self._tickets.issue(ticket, life_s), "life": life_s}

    def _answer(self, connection: Connection, message: Message) -> Message | None:
        """Hand a person's answers on."""
        texts = message.get("texts")
        if not isinstance(texts, list) or len(texts) > MAX_TEXTS:
            raise Odd("texts is not a list of answers")
        for one in texts:
            if not isinstance(one, str) or not is_secret(one):
                raise Odd("texts holds something else than answers")
        id = integer(message, "check", 1, MAX_ID)
        self._checks.answer(connection, integer(message, "tag", 0, MAX_OFFSET), id, texts)
        return None

    def _cancel(self, connection: Connection, message: Message) -> Message:
        self._checks.cancel(connection, integer(message, "check", 1, MAX_ID))
        return {}

    def _forget_ticket(self, connection: Connection, message: Message) -> Message:
        self._tickets.forget(text(message, "ticket", LENGTH))
        return {}

    def _open(self, connection: Connection, message: Message) -> Message:
        user = _matching(message, "user", USER)
        given = text(message, "ticket", LENGTH)
        command = text(message, "command", 64)
        variables = _map(message, "variables", VARIABLE, WORD)
        place = _map(message, "place", PLACE, VALUE)
        rows, columns = size_in(message)
        label = text(message, "label", MAX_LABEL)
        rules = self._rules.current
        ticket = self._tickets.find(given, user)
        if ticket is None:
            raise Refused("denied", "please sign in again: your sign-in opens no more terminals")
        words = rules.commands.get(command)
        if words is None:
            raise Refused("not_found", "the keeper does not know this command (yet)")
        request: Message = {
            "user": user,
            "uid": ticket.uid,
            "min_uid": ticket.min_uid,
            "rhost": ticket.rhost,
            "service": rules.session,
            "argv": words,
            "variables": variables,
            "place": place,
            "configured": rules.environment,
            "limit": self._surroundings.limit,
        }
        guard = LoginGuard(self._terminals)

        def start() -> tuple[int, int]:
            master, slave = process.open_terminal(rows, columns)
            try:
                tty = os.ttyname(slave)
                guard.helper = self._helpers.start(
                    PROGRAM, {**request, "tty": tty}, guard.heard, guard.gone, tty
                )
            except BaseException:
                os.close(master)
                raise
            finally:
                os.close(slave)
            return guard.helper.pid, master

        terminal = self._opened(connection, start, words[0], rows, columns, label)
        terminal.guard = guard
        # Not known before the program above it says so.
        terminal.session = 0
        guard.terminal = terminal
        return {"terminal": terminal.id, "slot": terminal.slot, "pid": terminal.pid}

    def _clean(self) -> None:
        self._timers.after(CLEAN_S, self._clean)
        self._tickets.forget_expired()


def _matching(message: Message, name: str, pattern: re.Pattern[str]) -> str:
    value = text(message, name, 4_096)
    if not pattern.fullmatch(value):
        raise Odd(f"{name} is of another form")
    return value


def _map(
    message: Message, name: str, names: re.Pattern[str], values: re.Pattern[str]
) -> dict[str, str]:
    given = message.get(name)
    if not isinstance(given, dict):
        raise Odd(f"{name} is not a map")
    for key, value in given.items():
        if not isinstance(value, str) or not names.fullmatch(key) or not values.fullmatch(value):
            raise Odd(f"{name} holds what is not the daemon's to choose")
    return given
