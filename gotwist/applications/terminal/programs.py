"""What is shared by all clients of the terminal application: settings, account, the hub."""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace

from gotwist.applications.terminal.accounts import FindProof
from gotwist.applications.terminal.commands import (
    VARIABLE,
    Account,
    Command,
    build_argv,
    build_environment,
    command_id,
    read_commands,
)
from gotwist.applications.terminal.hub import Hub, Start
from gotwist.applications.terminal.keeping import Login
from gotwist.applications.terminal.places import Place
from gotwist.auth.signins import SignIn
from gotwist.auth.user import User
from gotwist.errors import Malformed
from gotwist.gateway.sessions import Session
from gotwist.keeper import forms

Settings = Mapping[str, object]
"""The terminal application's settings, as they are in force for one user."""


class Programs:
    """Makes from settings and a user what a new terminal needs.

    :param account: whose shell is started
    :param directories: ``session_dir``, ``user_dir`` and ``settings_dir``
    :param now_ms: milliseconds since 1970
    :param inherited: the daemon's own environment
    :param spawn: runs an awaitable in the background and logs its failure with a context
    """

    def __init__(
        self,
        hub: Hub,
        account: Account,
        directories: Mapping[str, str],
        now_ms: Callable[[], int],
        inherited: Mapping[str, str],
        spawn: Callable[[str, Awaitable[object]], None],
    ) -> None:
        self.hub = hub
        self._spawn = spawn
        #: What every session is told to call, made once.
        self._on_timeout = (self._time_out,)
        #: Awaited before anything is told or opened: until then the terminals of the daemon
        #: before this one are not known, and a number might be given twice.
        self.ready: Callable[[], Awaitable[None]] = _ready
        #: Makes a session's directory, before the first program of that session starts.
        self.make_directory: Callable[[str], Awaitable[None]] = _no_directory
        self._with_directory: set[str] = set()
        #: Set where users are accounts of the machine: finds the account of a sign-in.
        self.find_proof: FindProof | None = None
        self._account = account
        self._directories = directories
        self._now_ms = now_ms
        self._inherited = inherited

    def watch(self, session: Session) -> None:
        """End a session's terminals when it is unseen for too long."""
        if self._time_out not in session.on_timeout:
            session.on_timeout += self._on_timeout

    def _time_out(self, session: Session) -> None:
        self._with_directory.discard(session.id)
        self._spawn("end the terminals of a session", self.hub.end_session(session.id))

    def tell_places(self, session: Session) -> None:
        """Write a session's terminals into its locations, for whoever tells them.

        Done when asked for and not kept up to date: titles change more often than that.
        """
        found = self.hub.places.of_session(session.id)
        for location, names in session.locations.items():
            if location not in found:
                names.pop("terminal", None)
        for location, terminals in found.items():
            place = session.place(location, "terminal")
            place.clear()
            place.update((str(n), t.describe()) for n, t in terminals.items())

    async def prepare(self, session: str) -> None:
        """See to it that a session's programs have a directory to put downloads in."""
        if session not in self._with_directory:
            await self.make_directory(session)
            self._with_directory.add(session)

    def commands(self, settings: Settings) -> dict[str, Command]:
        """The commands a user may choose from."""
        value = settings["commands"]
        return read_commands(value if isinstance(value, Mapping) else {})

    def default_command(self, settings: Settings) -> str:
        """The command of a user who chose none."""
        return str(settings["default_command"])

    def start(
        self,
        user: User,
        settings: Settings,
        place: Place,
        command: Command,
        rows: int,
        columns: int,
    ) -> Start:
        """Put together everything for a new terminal.

        :raises Malformed: when the command's template cannot be filled
        """
        now_ms = self._now_ms()
        session_dir = os.path.join(self._directories["session_dir"], place.session)
        variables = {
            "USER": user.upn,
            "SHELL": self._account.shell,
            "SESSION": place.session,
            "SESSION_DIR": self._directories["session_dir"],
            "SESSION_HASH": short_hash(place.session),
            "USERDIR": self._directories["user_dir"],
            "TIME": str(now_ms),
        }
        configured = settings["environment_vars"]

        def told(number: int) -> dict[str, str]:
            return {
                "GO_USER": user.upn,
                "GO_TERM": str(number),
                "GO_LOCATION": place.location,
                "GO_SESSION": place.session,
                "GO_SESSION_DIR": self._directories["session_dir"],
                "GO_USER_SESSION_DIR": session_dir,
                "GO_USER_DIR": self._directories["user_dir"],
                "GO_SETTINGS_DIR": self._directories["settings_dir"],
                "LINES": str(rows),
                "COLUMNS": str(columns),
            }

        def environment(number: int) -> dict[str, str]:
            return build_environment(
                self._account,
                self._inherited,
                configured if isinstance(configured, Mapping) else {},
                told(number),
            )

        return Start(
            place=place,
            upn=user.upn,
            command=command.name,
            argv=build_argv(command, variables),
            # To an account of the machine the keeper gives everything else.
            environment=environment if self.find_proof is None else told,
            cwd=self._account.home,
            rows=rows,
            columns=columns,
            created=now_ms,
            max_of_user=_whole(settings["max_terms"]),
            max_of_server=_whole(settings["max_terminals"]),
        )

    async def prove(self, start: Start, sign_in: SignIn, command: Command) -> Start:
        """Add as whom the program runs, where users are accounts of the machine.

        :raises Denied: when the user has none, or has to sign in again
        :raises Malformed: when a value cannot stand in a command line
        """
        if self.find_proof is None:
            return start
        proof = await self.find_proof(sign_in)
        now = {
            "SESSION": start.place.session,
            "SESSION_DIR": self._directories["session_dir"],
            "SESSION_HASH": short_hash(start.place.session),
            "USERDIR": self._directories["user_dir"],
            "TIME": str(start.created),
        }
        variables = login_variables(command, now)
        login = Login(proof.account, proof.ticket, command_id(command), variables)
        return replace(start, login=login)


async def _ready() -> None:
    """Nothing has to be waited for."""


async def _no_directory(session: str) -> None:
    """Nothing has to be made."""


def login_variables(command: Command, known: Mapping[str, str]) -> dict[str, str]:
    """Choose the values that a command needs of the daemon, in the form the keeper takes.

    :raises Malformed: when one is of another form
    """
    found = {name: known[name] for name in VARIABLE.findall(command.template) if name in known}
    for name, text in found.items():
        if not forms.WORD.fullmatch(text):
            raise Malformed(f'command "{command.name}": %{name}% cannot be given to the keeper')
    return found


def short_hash(text: str) -> str:
    """Eight characters that stand for a text: URL-safe Base64 of its SHA-1.

    A leading dash becomes ``A``, so that the hash can stand as an argument.
    """
    digest = base64.urlsafe_b64encode(hashlib.sha1(text.encode()).digest())[:8].decode()  # noqa: S324
    return "A" + digest[1:] if digest.startswith("-") else digest


def _whole(value: object) -> int:
    if not isinstance(value, int):
        raise TypeError(f"expected a whole number, not {value!r}")
    return value
