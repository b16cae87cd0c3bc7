"""The authentication service: in the daemon, or as all there is of a second process."""

from __future__ import annotations

import os

from twisted.application.service import IService, MultiService
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater
from twisted.logger import Logger

from gotwist.auth.line import Request
from gotwist.auth.pam.checks import Checks
from gotwist.auth.pam.jobs import Limits
from gotwist.auth.pam.judging import Judge, Wait
from gotwist.auth.pam.service import IWorkersReactor, PamWorkers
from gotwist.auth.unix.peers import Peer
from gotwist.auth.unix.protocol import TELL_EVERY_S, Told
from gotwist.auth.unix.service import AuthService, DoorSettings, IAuthReactor
from gotwist.clock import install_monotonic
from gotwist.errors import GotwistError
from gotwist.settings.commandline import CommandLine
from gotwist.settings.disk import read_settings_files
from gotwist.settings.snapshot import Makings, Snapshot
from gotwist.settings.source import SettingsSource
from gotwist.settings.table import TABLE
from gotwist.tap.actions import places
from gotwist.tap.events import shorten_events

ALONE = "authservice"
SOCKET = "authservice.sock"

log = Logger()


class IAloneReactor(IWorkersReactor, IAuthReactor):
    """What the service needs of a reactor when it is alone."""


class Alone(MultiService):
    """The service as a process of its own."""

    def privilegedStartService(self) -> None:
        """Make the socket; what is wrong is told in one sentence."""
        try:
            super().privilegedStartService()
        except GotwistError as error:
            raise SystemExit(f"gotwist: {error.message}") from None


def is_alone(command_line: CommandLine) -> bool:
    """Tell whether this process is to be the authentication service and nothing else."""
    return command_line.overrides.get("services") == ALONE


def build_alone(command_line: CommandLine, reactor: IAloneReactor) -> IService:
    """Build the process that has no other door; it writes no settings and loads no web.

    :raises GotwistError: with the sentence to show, when it cannot start
    """
    install_monotonic(reactor)
    shorten_events()
    here = places()
    chosen = command_line.overrides.get("settings_dir")
    directory = chosen if isinstance(chosen, str) else here.settings_dir
    makings = Makings(TABLE, here, command_line.overrides)
    snapshot = SettingsSource(read_settings_files(directory), makings).current
    workers = pam_workers(snapshot, reactor)
    alone = Alone()
    for service in (workers, auth_service(snapshot, reactor, workers)):
        service.setServiceParent(alone)
    return alone


def pam_workers(snapshot: Snapshot, reactor: IWorkersReactor) -> PamWorkers:
    """Make the pool that checks passwords; it starts nothing before it is asked."""
    most = snapshot.integer("pam_workers")
    return PamWorkers(
        reactor,
        Limits(workers=most, waiting=max(1, most // 2)),
        directory=snapshot.optional_text("pam_service_dir"),
    )


def _unheard(request: Request, peer: Peer, is_right: bool) -> None:
    """The log alone is told."""


def auth_service(
    snapshot: Snapshot, reactor: IAuthReactor, checks: Checks, told: Told = _unheard
) -> AuthService:
    """Make the door for other programs.

    :param told: hears of each answer, beside the log
    """
    path = snapshot.optional_text("authservice_path")
    return AuthService(
        reactor,
        DoorSettings(
            path=path or os.path.join(snapshot.text("runtime_dir"), SOCKET),
            owner=snapshot.text("authservice_owner"),
            group=snapshot.text("authservice_group"),
            mode=snapshot.integer("authservice_mode"),
            peers=snapshot.texts("authservice_peers"),
        ),
        Judge(
            checks,
            snapshot.texts("pam_services"),
            reactor.seconds,
            wait_by(reactor),
            user_pattern=snapshot.text("pam_user_pattern"),
            failed=Seldom(reactor),
        ),
        told=told,
    )


class Seldom:
    """Logs why passwords cannot be checked, once a minute at most."""

    def __init__(self, clock: IReactorTime) -> None:
        self._clock = clock
        self._last = -TELL_EVERY_S
        self._untold = 0

    def __call__(self, problem: Exception) -> None:
        """Take note of one."""
        now = self._clock.seconds()
        if now - self._last < TELL_EVERY_S:
            self._untold += 1
            return
        log.warn(
            "authentication service: a password cannot be checked: {problem} ({untold} more "
            "in the last minute)",
            problem=str(problem),
            untold=self._untold,
        )
        self._last, self._untold = now, 0


def wait_by(clock: IReactorTime) -> Wait:
    """Make what waits by a timer of this clock."""
    return lambda seconds: deferLater(clock, seconds)
