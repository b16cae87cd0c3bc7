"""The web door: listeners, TLS, site and disk threads as one service."""

from __future__ import annotations

import socket
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from twisted.application.service import Service
from twisted.internet.defer import Deferred, gatherResults, maybeDeferred
from twisted.internet.interfaces import (
    IListeningPort,
    IProtocolFactory,
    IReactorFromThreads,
    IReactorSocket,
    IReactorTime,
    IReactorUNIX,
)
from twisted.logger import Logger

from gotwist.errors import Unavailable
from gotwist.web.connections import Connections
from gotwist.web.downloads import Downloads
from gotwist.web.filesend import DiskThreads
from gotwist.web.hosts import ANY_HOST
from gotwist.web.options import WebSettings
from gotwist.web.redirect import RedirectResource
from gotwist.web.resources import HouseParts, build_root
from gotwist.web.site import Site
from gotwist.web.sockets import BACKLOG, open_tcp, unix_place
from gotwist.web.tlsend import TlsFactory

if TYPE_CHECKING:
    # Loaded by whoever makes one: plain HTTP can do without megabytes of it.
    from gotwist.web.tls import ReloadingTls

_EVERYWHERE: Final = frozenset({"0.0.0.0", "::"})


class IWebReactor(IReactorTime, IReactorSocket, IReactorUNIX, IReactorFromThreads):
    """What the web door needs of a reactor."""


@dataclass(frozen=True)
class OpenDoor:
    """One listener, for the line that tells of it."""

    kind: str
    """``https``, ``http``, ``redirect`` or ``unix``."""
    host: str
    """Address, or path of the UNIX socket."""
    port: int
    line: str


class WebDoor(Service):
    """Listens where the settings say.

    :param tls: the certificate in use; needed unless ``disable_ssl``.
    :param hosts: gives the names that ``Host`` may have, where they do not just follow from
        the settings.
    """

    name = "web"
    _log = Logger()

    def __init__(
        self,
        settings: WebSettings,
        parts: HouseParts,
        reactor: IWebReactor,
        *,
        tls: ReloadingTls | None = None,
        hosts: Callable[[], Collection[str]] | None = None,
    ) -> None:
        if tls is None and not settings.disable_ssl:
            raise Unavailable("HTTPS needs a certificate.")
        if settings.https_redirect and settings.disable_ssl:
            raise Unavailable("https_redirect and disable_ssl cannot both be set.")
        self._settings = settings
        self._reactor = reactor
        self._tls = None if settings.disable_ssl else tls
        self._threads = DiskThreads(reactor)
        self._ports: list[IListeningPort] = []
        self._sites: list[Site] = []
        self._connections = Connections()
        self._questions = parts.questions
        self.doors: tuple[OpenDoor, ...] = ()
        prefix = settings.prefix
        downloads = Downloads(
            parts.desk,
            settings.session_directory,
            self._threads,
            basic_realm=parts.ways.basic_realm,
            on_file=parts.on_file,
        )
        self.site = Site(
            build_root(parts, prefix, downloads),
            settings,
            reactor,
            hosts=hosts,
            body_limit=lambda target: parts.handlers.body_limit(prefix, target),
            connections=self._connections,
        )

    @property
    def port(self) -> int:
        """The web door's TCP port, once it is open."""
        return next((door.port for door in self.doors if door.kind in ("https", "http")), 0)

    @property
    def connections(self) -> Connections:
        """The count of HTTP connections, for whoever shows numbers."""
        return self._connections

    def describe(self) -> tuple[str, ...]:
        """Tell of each open door in one line."""
        return tuple(door.line for door in self.doors)

    def open(self) -> None:
        """Listen, if that is not done yet; blocking, before the reactor runs.

        :raises Unavailable: when a listener cannot be had; then none is open.
        """
        if self._ports:
            return
        settings = self._settings
        kind = "http" if self._tls is None else "https"
        opened: list[tuple[str, socket.socket]] = []
        doors: list[OpenDoor] = []
        try:
            for listening in open_tcp(settings.addresses, settings.port):
                opened.append((kind, listening))
            if settings.https_redirect:
                for listening in open_tcp(settings.addresses, settings.https_redirect_port):
                    opened.append(("redirect", listening))
            doors = [self._describe(kind, *at.getsockname()[:2]) for kind, at in opened]
            if settings.unix_socket is not None:
                doors.append(self._open_unix(settings.unix_socket, settings.unix_socket_mode))
            self.doors = tuple(doors)
            for kind, listening in opened:
                port = self._reactor.adoptStreamPort(
                    listening.fileno(),
                    listening.family,
                    self._factory(kind),  # type: ignore[arg-type]  # a factory all the same
                )
                self._ports.append(port)
        finally:
            for _, listening in opened:
                listening.close()

    def _open_unix(self, path: Path, mode: int) -> OpenDoor:
        with unix_place(path, mode):
            # Not adopted as the others are: that would set the mode to 0666.
            port = self._reactor.listenUNIX(
                str(path),
                self.site,  # type: ignore[arg-type]  # a factory all the same
                backlog=BACKLOG,
                mode=mode,
            )
        self._ports.append(port)
        line = f"web: http on the UNIX socket {path}, mode {mode:04o}"
        return OpenDoor("unix", str(path), 0, line)

    def _factory(self, kind: str) -> IProtocolFactory:
        if kind == "https" and self._tls is not None:
            return TlsFactory(self._tls, False, self.site, clock=self._reactor)
        if kind == "redirect":
            site = Site(
                RedirectResource(self._settings, self.port),
                self._settings,
                self._reactor,
                hosts=lambda: (ANY_HOST,),
                connections=self._connections,
            )
            self._sites.append(site)
            return site
        return self.site

    def _describe(self, kind: str, host: str, port: int) -> OpenDoor:
        shown = f"[{host}]" if ":" in host else host
        where = "all addresses" if host in _EVERYWHERE else host
        if kind == "redirect":
            return OpenDoor(kind, host, port, f"web: http://{shown}:{port}/ sends on to https")
        url = f"{kind}://{shown}:{port}{self._settings.prefix}"
        about = "no TLS"
        if self._tls is not None:
            about = self._tls.describe()
            if self._tls.asks_clients:
                about += f"; {self._tls.asks_clients}"
        return OpenDoor(kind, host, port, f"web: {url} ({where}; {about})")

    def privilegedStartService(self) -> None:
        super().privilegedStartService()
        self.open()

    def startService(self) -> None:
        self.open()
        super().startService()
        self._threads.start()
        for line in self.describe():
            self._log.info("{line}", line=line)
        if self._tls is not None and self._tls.current.is_self_signed:
            self._log.warn("the certificate is self-signed: browsers will ask before they go on")

    def stopService(self) -> Deferred[None]:
        super().stopService()
        ports, self._ports, self.doors = self._ports, [], ()
        stopping = gatherResults([maybeDeferred(port.stopListening) for port in ports])
        self._connections.drop_all()
        self._questions.drop_all()
        self._threads.stop()
        return stopping.addCallback(lambda _: None)

    def apply(self, settings: WebSettings) -> None:
        """Take changed settings into use, as far as that is possible without new listeners.

        :raises ValueError: when a trusted proxy is not an address; then nothing has changed.
        """
        for site in (self.site, *self._sites):
            site.apply(settings)

    async def refresh_certificate(self) -> bool:
        """Look whether the certificate's files have changed and load them; for a chore.

        :returns: whether a new one is in use. Bad files are logged, the old one stays.
        """
        if self._tls is None:
            return False
        try:
            changed = await self._threads.run(self._tls.reload_if_changed)
        except Unavailable as error:
            self._log.error("the old certificate stays in use: {why}", why=error.message)
            return False
        if changed:
            self._log.info("new {certificate}", certificate=self._tls.describe())
        return changed
