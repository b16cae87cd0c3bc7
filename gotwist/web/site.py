"""The site: what is true for all requests, whatever resource answers them."""

from __future__ import annotations

from collections.abc import Callable, Collection

from twisted.internet.interfaces import IAddress, IReactorTime
from twisted.logger import Logger
from twisted.web.http_headers import Headers
from twisted.web.resource import IResource
from twisted.web.server import Site as TwistedSite

from gotwist.web.channel import Channel
from gotwist.web.connections import Connections
from gotwist.web.head import head_fault
from gotwist.web.headers import security_headers
from gotwist.web.hosts import allowed_hosts, is_allowed
from gotwist.web.notices import LimitNotices
from gotwist.web.options import Limits, WebSettings
from gotwist.web.peers import peer_name
from gotwist.web.proxies import TrustedProxies
from gotwist.web.request import Request, request_host


class Site(TwistedSite):
    """HTTP/1.1 only, judged heads, bounded bodies, security headers on every answer.

    :param hosts: gives the names that ``Host`` may have; without it they follow from the
        settings.
    :param body_limit: gives the largest body for a target, where that differs.
    :param connections: shared by all sites of one daemon.
    """

    _log = Logger()
    noisy = False

    def __init__(
        self,
        root: IResource,
        settings: WebSettings,
        reactor: IReactorTime,
        *,
        hosts: Callable[[], Collection[str]] | None = None,
        body_limit: Callable[[bytes], int | None] | None = None,
        connections: Connections | None = None,
    ) -> None:
        super().__init__(
            root, requestFactory=Request, parsePOSTFormSubmission=False, reactor=reactor
        )
        self._given_hosts = hosts
        self._body_limit = body_limit
        self.connections = Connections() if connections is None else connections
        self.notices = LimitNotices()
        self.apply(settings)

    def apply(self, settings: WebSettings) -> None:
        """Take changed settings into use for what comes from now on; all or nothing.

        :raises ValueError: when a trusted proxy is not an address.
        """
        proxies = TrustedProxies(settings.trusted_proxies)
        self._own_hosts = allowed_hosts(settings)
        self.settings, self.proxies, self.prefix = settings, proxies, settings.prefix

    @property
    def limits(self) -> Limits:
        return self.settings.limits

    def buildProtocol(self, addr: IAddress | None) -> Channel:  # type: ignore[override]
        return Channel(self)

    def acceptableProtocols(self) -> list[bytes]:
        # HTTP/2 would arrive by itself as soon as h2 is installed, and knows no WebSocket here.
        return [b"http/1.1"]

    def is_proxy(self, peer: str) -> bool:
        return self.proxies.trusts(peer)

    def body_limit(self, target: bytes) -> int:
        special = self._body_limit(target) if self._body_limit else None
        return self.limits.body_bytes if special is None else special

    def judge_head(self, request: Request, version: bytes, target: bytes) -> int | None:
        lines = request.requestHeaders.getRawHeaders
        encodings = lines(b"transfer-encoding", [])
        fault = head_fault(version, target, encodings)
        if fault is not None:
            return fault
        peer = peer_name(request.client)
        request.is_by_proxy = self.proxies.trusts(peer)
        if not _is_text(request.requestHeaders):
            return 400
        request.view = self.proxies.view(
            peer,
            lines("x-forwarded-for", []),
            lines("x-forwarded-proto", []),
            lines("x-forwarded-host", []),
        )
        host = request_host(lines("host", []), request.view.host)
        if host is None:
            return 400
        name, text = host
        allowed = self._given_hosts() if self._given_hosts else self._own_hosts
        if not is_allowed(name, allowed, peer_name(request.host)):
            return 400
        request.host_text = text
        return None

    def note_limit(self, limit: str, peer: str) -> None:
        if self.notices.hit(limit, peer, self.reactor.seconds()):
            self._log.warn("limit of {limit} met by {peer}", limit=limit, peer=peer)

    def complete_headers(self, headers: Headers, request: Request | None, *, tls: bool) -> None:
        secure = tls if request is None else request.is_secure_for_client()
        host = None if request is None else request.host_text
        for name, value in security_headers(secure=secure, host=host):
            if not headers.hasHeader(name):
                headers.setRawHeaders(name, [value])
        if headers.getRawHeaders(b"content-type") == [b"text/html"]:
            headers.setRawHeaders(b"content-type", [b"text/html; charset=utf-8"])
        headers.removeHeader(b"server")
        if self.settings.server_header:
            headers.setRawHeaders(
                b"server", [self.settings.server_header.encode("ascii", "ignore")]
            )

    # The access log of twisted.web prints whole URLs, and keeps a timer for its date.

    def startFactory(self) -> None:
        pass

    def stopFactory(self) -> None:
        pass

    def log(self, request: Request) -> None:  # type: ignore[override]
        if self.settings.access_log:
            self._log.info(
                "{method} {path} {code} {size} for {client}",
                method=request.method.decode("ascii", "replace"),
                path=request.path.decode("ascii", "replace"),
                code=request.code,
                size=request.sentLength,
                client=request.client_address(),
            )


def _is_text(headers: Headers) -> bool:
    """Whether all header values are UTF-8: each is decoded sooner or later, and must not fail."""
    try:
        for _, values in headers.getAllRawHeaders():
            for value in values:
                value.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
