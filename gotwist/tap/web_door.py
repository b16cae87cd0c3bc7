"""The web door's part of the daemon: its pages, its WebSockets, its TLS, from the settings."""

from __future__ import annotations

import functools
from collections.abc import Callable

from twisted.logger import Logger
from twisted.web.iweb import IRequest

from gotwist.auth.certificates import METHOD_SSL
from gotwist.gateway.clients import Peer
from gotwist.gateway.gateway import Gateway
from gotwist.gateway.handshake import GatewayAdmission
from gotwist.gateway.websocket.factory import GatewayResource, GuardedFactory
from gotwist.settings.snapshot import Snapshot
from gotwist.tap import auditing, parts
from gotwist.tap.actions import installed_version
from gotwist.tap.signing_in import SigningIn
from gotwist.web.cookies import PLAIN_COOKIE, SECURE_COOKIE
from gotwist.web.handlers import Handlers
from gotwist.web.request import Request
from gotwist.web.resources import HouseParts
from gotwist.web.service import IWebReactor, WebDoor
from gotwist.web.signin import SignInView
from gotwist.web.static import load_bundle

log = Logger()


def web_door(
    reactor: IWebReactor,
    settings: Callable[[], Snapshot],
    signing_in: SigningIn,
    gateway: Gateway,
    handlers: Handlers,
) -> WebDoor:
    """Make the web door.

    :raises GotwistError: with the sentence to show, when it cannot be had
    """
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
        tls = ReloadingTls(chosen.certificate, chosen.keyfile, parts.client_policy(settings()))
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

    # Where certificates name nobody, showing one would be taken for a failed sign-in.
    are_names = METHOD_SSL in signing_in.methods

    def peer_of(request: IRequest) -> Peer:
        assert isinstance(request, Request)
        address, secure = request.client_address(), request.is_secure_for_client()
        certificate = request.client_certificate() if are_names else None
        if certificate is not None:
            return Peer(address, secure, certificate)
        return _peer(address, secure)

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
            api_methods=lambda: parts.api_methods(settings()),
            ways=signing_in.ways(),
            applications=lambda: tuple(
                application.name.lower() for application in gateway.table.applications
            ),
            websocket=GatewayResource(factory, peer_of),
            handlers=handlers,
            on_file=auditing.files_sent(gateway.house.audit),
        ),
        reactor,
        tls=tls,
    )


@functools.lru_cache(maxsize=1_024)
def _peer(address: str, secure: bool) -> Peer:
    # Many connections come from one place.
    return Peer(address, secure)
