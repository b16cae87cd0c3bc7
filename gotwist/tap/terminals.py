"""The terminals' part of the daemon: the link to the keeper, the hub, and their service."""

from __future__ import annotations

import os
import pwd
from collections.abc import Awaitable, Callable
from typing import cast

from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorFDSet, IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from gotwist.applications.terminal.commands import Account
from gotwist.applications.terminal.hub import Hub
from gotwist.applications.terminal.programs import Programs
from gotwist.applications.terminal.unix import KeeperLink
from gotwist.auth.user import User
from gotwist.errors import GotwistError, Unavailable
from gotwist.gateway.house import House
from gotwist.paths import make_private_directory
from gotwist.settings.snapshot import Snapshot
from gotwist.tap import parts
from gotwist.tap.rights import Rights

log = Logger()


def own_account() -> Account:
    """The account the daemon runs as; blocks on the name service, so for the start only."""
    found = pwd.getpwuid(os.geteuid())
    shell = found.pw_shell if os.access(found.pw_shell, os.X_OK) else "/bin/sh"
    return Account(found.pw_name, found.pw_dir, shell)


def make_link(
    reactor: IReactorFDSet, path: str, snapshot: Snapshot, rights: Rights | None
) -> KeeperLink:
    """Make the link to the keeper of this account, or of all."""
    return KeeperLink(
        reactor,
        cast(IReactorTime, reactor),
        path if rights is None else rights.keeper_socket,
        os.path.join(snapshot.text("runtime_dir"), "keeper.log"),
        persist=snapshot.application("terminal").boolean("dtach"),
        options=parts.keeper_options(snapshot),
        is_privileged=rights is not None,
    )


def run_in_background(context: str, awaitable: Awaitable[object]) -> None:
    """Run something to its end and log its failure; a client that vanished is none."""

    async def run() -> None:
        try:
            await awaitable
        except GotwistError as error:
            log.warn("{context}: {reason}", context=context, reason=error.message)

    Deferred.fromCoroutine(run()).addErrback(_log_failure, context)


def _log_failure(failure: Failure, context: str) -> None:
    log.failure("{context} failed", failure=failure, context=context)


class TerminalsService(Service):
    """Connects to the keeper, takes up its terminals, and lets clients in afterwards."""

    def __init__(
        self, link: KeeperLink, hub: Hub, programs: Programs, house: House, told: Callable[[], None]
    ) -> None:
        self.link = link
        self.hub = hub
        self.programs = programs
        self.house = house
        self._told = told
        self._waiting: list[Deferred[None]] | None = []
        programs.ready = self.ready
        link.on_bell = hub.on_bell
        link.on_title = hub.on_title
        link.on_exited = hub.on_exited
        link.on_gone = hub.on_gone
        link.on_lost = hub.on_lost
        link.on_applied = hub.on_applied
        link.on_back = lambda: run_in_background("take up terminals", self._take_up())

    def startService(self) -> None:
        """Begin to connect."""
        super().startService()
        run_in_background("the keeper", self._start())

    def stopService(self) -> None:
        """Leave the keeper; terminals that are to outlive the daemon do."""
        super().stopService()
        self.link.stop()

    async def _start(self) -> None:
        try:
            await self.link.connect()
            await self._take_up()
        except GotwistError as error:
            log.error("no terminals can be opened: {reason}", reason=error.message)
            self.link.reconnect()
        waiting, self._waiting = self._waiting, None
        for one in waiting or ():
            one.callback(None)
        self._told()

    async def ready(self) -> None:
        """Wait until it is known which terminals there are, or that there is no keeper."""
        if self._waiting is not None:
            one: Deferred[None] = Deferred()
            self._waiting.append(one)
            await one

    async def _take_up(self) -> None:
        found = await self.hub.restore()
        for session in self.hub.places.sessions():
            owner = User(self.hub.owner_of(session), "restored")
            self.programs.watch(self.house.sessions.restore(session, owner, self.house.clock.now()))
        log.info(
            "keeper: process {pid} ({whose}), terminals taken up: {count}",
            pid=self.link.keeper_pid,
            whose="this account only" if self.programs.find_proof is None else "all accounts",
            count=found,
        )


def make_session_directory(session_dir: str, session: str) -> None:
    """Make a session's directory with room for downloads; blocks.

    A full disk costs the downloads, not the terminal.
    """
    try:
        make_private_directory(os.path.join(session_dir, session, "downloads"))
    except Unavailable as error:
        log.error("there can be no downloads: {reason}", reason=error.message)
