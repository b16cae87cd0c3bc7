"""Puts the daemon together: settings, sign-ins, gateway, terminals, doors, chores."""

from __future__ import annotations

import os
import resource
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from twisted.application.service import IService
from twisted.internet.interfaces import IReactorFDSet, IReactorTCP
from twisted.logger import Logger

from gotwist.applications.example.echo import Example
from gotwist.applications.go.core import Go
from gotwist.applications.terminal.application import TerminalApplication
from gotwist.applications.terminal.hub import Hub
from gotwist.applications.terminal.programs import Programs
from gotwist.applications.terminal.proving import KeeperChecks
from gotwist.auth.pam.checks import Checks
from gotwist.clock import install_monotonic, system_wall_clock
from gotwist.control.unix import ControlDoor, IControlReactor
from gotwist.events.emitter import Emitter
from gotwist.events.service import AuditService, IAuditReactor
from gotwist.gateway.application import Application
from gotwist.gateway.gateway import Gateway
from gotwist.gateway.house import House
from gotwist.gateway.loader import load_applications
from gotwist.gateway.sessions import Sessions
from gotwist.gateway.websocket.outside import EventLog, ReactorClock, spawn
from gotwist.housekeeping.service import ChoresService, PrivateThreads
from gotwist.paths import check_socket_path
from gotwist.settings.commandline import CommandLine
from gotwist.settings.service import SettingsWatcher
from gotwist.settings.snapshot import Snapshot
from gotwist.settings.start import open_settings
from gotwist.tap import auditing, parts, privileged
from gotwist.tap.actions import CONTROL_SOCKET, KEEPER_SOCKET, places
from gotwist.tap.authservice import IAloneReactor, auth_service, pam_workers
from gotwist.tap.chores import daemon_chores
from gotwist.tap.daemon import Daemon
from gotwist.tap.events import shorten_events
from gotwist.tap.greeting import Greeting
from gotwist.tap.numbers import metrics_door
from gotwist.tap.rights import find_rights, prepare_settings
from gotwist.tap.sessions import SessionEnd
from gotwist.tap.signing_in import SigningIn
from gotwist.tap.terminals import (
    TerminalsService,
    make_link,
    make_session_directory,
    own_account,
    run_in_background,
)
from gotwist.tap.web_door import web_door
from gotwist.web.handlers import Handlers
from gotwist.web.service import IWebReactor, WebDoor

BUILT_IN: Final = (Go, TerminalApplication, Example)
log = Logger()


class IDaemonReactor(
    IControlReactor, IWebReactor, IReactorFDSet, IReactorTCP, IAloneReactor, IAuditReactor
):
    """What the daemon needs of a reactor."""


def build(command_line: CommandLine, reactor: IDaemonReactor) -> IService:
    """Build all services; blocks on the disk, before the reactor runs.

    :raises GotwistError: with the sentence to show, when the daemon cannot start
    """
    install_monotonic(reactor)
    shorten_events()
    prepare_settings(command_line.overrides, places().settings_dir)
    opened = open_settings(command_line.overrides, places())
    snapshot = opened.source.current
    _raise_descriptor_limit()
    rights = find_rights(snapshot)
    has_rights = privileged.set_up(rights, snapshot, opened.directory, opened.written)
    runtime = snapshot.text("runtime_dir")
    control_path, keeper_path = (
        check_socket_path(os.path.join(runtime, name)) for name in (CONTROL_SOCKET, KEEPER_SOCKET)
    )

    threads = PrivateThreads(reactor, "gotwist")

    def settings() -> Snapshot:
        return opened.source.current

    places_of_audit = auditing.sinks(snapshot)
    if not has_rights:
        auditing.open_places(snapshot, places_of_audit)
    audit = AuditService(reactor, system_wall_clock, places_of_audit)
    news = auditing.SignInNews(audit)
    link = make_link(reactor, keeper_path, snapshot, rights)
    workers = pam_workers(snapshot, reactor)
    checks = workers if rights is None else KeeperChecks(link.prove, run_in_background)
    signing_in = SigningIn(
        settings,
        system_wall_clock,
        reactor,
        threads.run,
        news,
        news.ended,
        checks=checks,
        opens_accounts=rights is not None,
    )
    if not has_rights:
        signing_in.load()
    handlers = Handlers()
    house = _house(reactor, signing_in, settings, handlers, audit)
    session_end = SessionEnd(house, settings)

    hub = Hub(link, reactor.seconds, run_in_background)
    hub.on_ended = auditing.terminals_end(audit)
    account = own_account()
    programs = Programs(
        hub,
        account,
        {
            "session_dir": snapshot.text("session_dir"),
            "user_dir": snapshot.text("user_dir"),
            "settings_dir": opened.directory,
        },
        lambda: int(time.time() * 1000),
        dict(os.environ),
        run_in_background,
    )
    house.emitter.on("go:get_locations", lambda client: programs.tell_places(client.session))
    session_dir = snapshot.text("session_dir")
    programs.make_directory = lambda session: threads.run(
        lambda: make_session_directory(session_dir, session)
    )
    house.shared["terminal"] = programs
    gateway = Gateway(house, _applications(snapshot, house))

    web = web_door(reactor, settings, signing_in, gateway, handlers)
    # A launch link is for the account whose terminals these are; others sign in themselves.
    greeting = Greeting(web, signing_in, account.name if rights is None else "", settings, audit)
    chores = ChoresService(
        reactor,
        daemon_chores(
            settings,
            SettingsWatcher(
                opened.source,
                opened.directory,
                threads.run,
                auditing.SettingsNews(audit),
                opened.fingerprint,
            ),
            signing_in,
            house,
            session_end,
            hub,
            web,
        ),
        threads.run,
    )
    opened.source.subscribe(lambda old, new: _apply(new, gateway, signing_in, web, chores))
    # By itself: who may do what must not depend on what a door makes of its settings.
    opened.source.subscribe(lambda old, new: gateway.review())

    daemon = Daemon(gateway, session_end, greeting, opened.written, audit)
    for service in (
        audit,
        threads,
        workers,
        *signing_in.services(),
        web,
        privileged.late(ControlDoor(reactor, control_path, {"link": greeting.link}), has_rights),
        *_auth_service(snapshot, reactor, checks, has_rights, audit),
        TerminalsService(link, hub, programs, house, greeting.greet),
        chores,
        *metrics_door(reactor, snapshot, house, hub, chores, audit, workers),
    ):
        service.setServiceParent(daemon)
    if rights is not None:
        privileged.join_accounts(link, hub, programs, signing_in.signins, snapshot)
        if has_rights:
            daemon.on_doors_open = privileged.ready(
                rights,
                snapshot,
                signing_in,
                lambda: auditing.open_places(snapshot, places_of_audit),
            )
    return daemon


def _auth_service(
    snapshot: Snapshot,
    reactor: IDaemonReactor,
    checks: Checks,
    is_late: bool,
    audit: AuditService,
) -> tuple[IService, ...]:
    if not snapshot.boolean("authservice_enable"):
        return ()
    told = auditing.passwords_judged(audit)
    return (privileged.late(auth_service(snapshot, reactor, checks, told), is_late),)


def _house(
    reactor: IDaemonReactor,
    signing_in: SigningIn,
    settings: Callable[[], Snapshot],
    handlers: Handlers,
    audit: AuditService,
) -> House:
    events = EventLog()

    def failed(failure: Exception) -> None:
        events.failure("callback failed", failure)

    def listener_failed(event: str, failure: Exception) -> None:
        events.failure("listener failed", failure, event=event)

    return House(
        clock=ReactorClock(reactor),
        spawn=spawn,
        log=events,
        settings=settings,
        authenticator=signing_in.authenticator,
        signins=signing_in.signins,
        sessions=Sessions(failed),
        emitter=Emitter(listener_failed),
        add_handler=handlers.put,
        limits=parts.gateway_limits(settings()),
        audit=audit,
    )


def _applications(snapshot: Snapshot, house: House) -> tuple[type[Application], ...]:
    directory = snapshot.optional_text("applications_dir")
    return load_applications(
        BUILT_IN,
        directory=None if directory is None else Path(directory),
        enabled=parts.applications_of_anybody(snapshot),
        skipped=lambda name, failure: house.log.failure(
            "application skipped", failure, application=name
        ),
    )


def _apply(
    new: Snapshot, gateway: Gateway, signing_in: SigningIn, web: WebDoor, chores: ChoresService
) -> None:
    """Put what can change while the daemon runs in force."""
    gateway.house.limits = parts.gateway_limits(new)
    signing_in.apply(new)
    web.apply(parts.web_settings(new))
    chores.refresh()


def _raise_descriptor_limit() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
