"""Puts the daemon together: settings, sign-ins, gateway, terminals, doors, chores."""

from __future__ import annotations

import functools
import os
import resource
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from twisted.application.service import IService
from twisted.internet.interfaces import IReactorFDSet
from twisted.logger import Logger
from twisted.web.iweb import IRequest

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
from gotwist.gateway.application import Application
from gotwist.gateway.clients import Peer
from gotwist.gateway.gateway import Gateway
from gotwist.gateway.handshake import GatewayAdmission
from gotwist.gateway.house import House
from gotwist.gateway.loader import load_applications
from gotwist.gateway.sessions import Sessions
from gotwist.gateway.websocket.factory import GatewayResource, GuardedFactory
from gotwist.gateway.websocket.outside import EventLog, ReactorClock, spawn
from gotwist.housekeeping.service import ChoresService, PrivateThreads
from gotwist.paths import check_socket_path
from gotwist.settings.commandline import CommandLine
from gotwist.settings.service import SettingsWatcher
from gotwist.settings.snapshot import Snapshot
from gotwist.settings.start import open_settings
from gotwist.tap import parts, privileged
from gotwist.tap.actions import CONTROL_SOCKET, KEEPER_SOCKET, installed_version, places
from gotwist.tap.authservice import IAloneReactor, auth_service, pam_workers
from gotwist.tap.chores import daemon_chores
from gotwist.tap.daemon import Daemon
from gotwist.tap.events import shorten_events
from gotwist.tap.greeting import Greeting
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
from gotwist.web.cookies import PLAIN_COOKIE, SECURE_COOKIE
from gotwist.web.handlers import Handlers
from gotwist.web.request import Request
from gotwist.web.resources import HouseParts
from gotwist.web.service import IWebReactor, WebDoor
from gotwist.web.signin import SignInView
from gotwist.web.static import load_bundle

BUILT_IN: Final = (Go, TerminalApplication, Example)
log = Logger()


class IDaemonReactor(IControlReactor, IWebReactor, IReactorFDSet, IAloneReactor):
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

    link = make_link(reactor, keeper_path, snapshot, rights)
    workers = pam_workers(snapshot, reactor)
    checks = workers if rights is None else KeeperChecks(link.prove, run_in_background)
    signing_in = SigningIn(
        settings,
        system_wall_clock,
        reactor,
        threads.run,
        checks=checks,
        opens_accounts=rights is not None,
    )
    if not has_rights:
        signing_in.load()
    handlers = Handlers()
    house = _house(reactor, signing_in, settings, handlers)
    session_end = SessionEnd(house, settings)

    hub = Hub(link, reactor.seconds, run_in_background)
    account = own_account()
    programs = Programs(
        hub,
        lambda attributes: settings().application("terminal", attributes),
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

    web = _web_door(reactor, settings, signing_in, gateway, handlers)
    # A launch link is for the account whose terminals these are; others sign in themselves.
    greeting = Greeting(web, signing_in, account.name if rights is None else "", settings)
    chores = ChoresService(
        reactor,
        daemon_chores(
            settings,
            SettingsWatcher(opened.source, opened.directory, threads.run),
            signing_in,
            house,
            session_end,
            hub,
            web,
        ),
        threads.run,
    )
    opened.source.subscribe(lambda old, new: _apply(new, house, signing_in, web, chores))

    daemon = Daemon(gateway, session_end, greeting, opened.written)
    for service in (
        threads,
        workers,
        *signing_in.services(),
        web,
        privileged.late(ControlDoor(reactor, control_path, {"link": greeting.link}), has_rights),
        *_auth_service(snapshot, reactor, checks, has_rights),
        TerminalsService(link, hub, programs, house, greeting.greet),
        chores,
    ):
        service.setServiceParent(daemon)
    if rights is not None:
        privileged.join_accounts(link, hub, programs, signing_in.signins, snapshot)
        if has_rights:
            daemon.on_doors_open = privileged.ready(rights, snapshot, signing_in)
    return daemon


def _auth_service(
    snapshot: Snapshot, reactor: IDaemonReactor, checks: Checks, is_late: bool
) -> tuple[IService, ...]:
    if not snapshot.boolean("authservice_enable"):
        return ()
    return (privileged.late(auth_service(snapshot, reactor, checks), is_late),)


def _house(
    reactor: IDaemonReactor,
    signing_in: SigningIn,
    settings: Callable[[], Snapshot],
    handlers: Handlers,
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
    )


def _applications(snapshot: Snapshot, house: House) -> tuple[type[Application], ...]:
    directory = snapshot.optional_text("applications_dir")
    return load_applications(
        BUILT_IN,
        directory=None if directory is None else Path(directory),
        enabled=snapshot.texts("enabled_applications") or None,
        skipped=lambda name, failure: house.log.failure(
            "application skipped", failure, application=name
        ),
    )


def _web_door(
    reactor: IDaemonReactor,
    settings: Callable[[], Snapshot],
    signing_in: SigningIn,
    gateway: Gateway,
    handlers: Handlers,
) -> WebDoor:
    chosen = parts.web_settings(settings())
    tls = None
    if not chosen.disable_ssl:
        # Not for plain HTTP: they load megabytes of certificates and ciphers.
        from gotwist.web.certificate import ensure_certificate
        from gotwist.web.tls import ReloadingTls

        assert chosen.certificate is not None and chosen.keyfile is not None
        names = parts.certificate_names(settings())
        if ensure_certificate(chosen.certificate, chosen.keyfile, names):
            log.info("certificate made: {path}", path=str(chosen.certificate))
        tls = ReloadingTls(chosen.certificate, chosen.keyfile)
    admission = GatewayAdmission(
        gateway,
        parts.Kept(parts.origin_rule, settings),
        secure_cookie=SECURE_COOKIE,
        plain_cookie=PLAIN_COOKIE,
    )
    factory = GuardedFactory(
        reactor,
        admission,
        server=chosen.server_header,
        max_connections=chosen.limits.connections,
        refusal_headers=parts.refusal_headers(chosen),
    )

    def page_settings(view: SignInView) -> dict[str, object]:
        terminal = settings().application("terminal", view.attributes, view.groups)
        return {
            "prefix": chosen.prefix,
            "upn": view.upn,
            "scrollback": terminal.integer("scrollback"),
            # Where nothing can be taken up again, leaving the page ends the programs.
            "persistent": settings().seconds("session_timeout") > 0,
            "version": installed_version(),
        }

    return WebDoor(
        chosen,
        HouseParts(
            desk=signing_in.desk,
            bundle=load_bundle(chosen.static_directory),
            page_settings=page_settings,
            questions=signing_in.questions,
            ways=signing_in.ways(),
            applications=lambda: tuple(
                application.name.lower() for application in gateway.table.applications
            ),
            websocket=GatewayResource(factory, _peer_of),
            handlers=handlers,
        ),
        reactor,
        tls=tls,
    )


def _peer_of(request: IRequest) -> Peer:
    assert isinstance(request, Request)
    return _peer(request.client_address(), request.is_secure_for_client())


@functools.lru_cache(maxsize=1_024)
def _peer(address: str, secure: bool) -> Peer:
    # Many connections come from one place.
    return Peer(address, secure)


def _apply(
    new: Snapshot, house: House, signing_in: SigningIn, web: WebDoor, chores: ChoresService
) -> None:
    """Put what can change while the daemon runs in force."""
    house.limits = parts.gateway_limits(new)
    signing_in.apply(new)
    web.apply(parts.web_settings(new))
    chores.refresh()


def _raise_descriptor_limit() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
