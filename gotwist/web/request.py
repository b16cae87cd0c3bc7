"""One HTTP request: who asks, through which name, and how it is answered when it fails."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Sequence
from http import HTTPStatus
from io import BytesIO
from typing import Final, Protocol, cast

from OpenSSL.crypto import X509
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import ISSLTransport
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.error import UnsupportedMethod
from twisted.web.http import NO_BODY_CODES
from twisted.web.iweb import IRequest
from twisted.web.resource import IResource
from twisted.web.server import NOT_DONE_YET
from twisted.web.server import Request as TwistedRequest
from zope.interface import implementer

from gotwist.auth.certificates import ClientCertificate
from gotwist.auth.guard import TooManyFailures
from gotwist.errors import Denied, GotwistError, Malformed, NotFound, Unavailable
from gotwist.web.cookies import find_cookie, find_step_cookie
from gotwist.web.head import METHODS
from gotwist.web.hosts import parse_host
from gotwist.web.pages import error_page
from gotwist.web.proxies import ClientView

_STATUS: Final[tuple[tuple[type[GotwistError], int], ...]] = (
    (TooManyFailures, 429),
    (Denied, 403),
    (Malformed, 400),
    (NotFound, 404),
    (Unavailable, 503),
)


class Line(Protocol):
    """What a request asks of its connection."""

    def refuse(self, status: int) -> None:
        """Answer with an error, although the request is not read to its end, and close."""

    def drop(self) -> None:
        """End at once."""


@implementer(IRequest)
class Request(TwistedRequest):
    """A request whose head has been judged (see ``Site.judge_head``)."""

    _log = Logger()
    view = ClientView("")
    host_text: str | None = None
    """The name and port the client used, checked; ``None`` before that."""
    is_by_proxy = False
    """Whether a listed proxy has sent it on."""
    body_limit = 0
    _work: Deferred[object] | None = None

    # who and where

    def client_address(self) -> str:
        """Give the client's address; behind listed proxies the one they saw."""
        return self.view.address

    def is_secure_for_client(self) -> bool:
        """Tell whether the client itself speaks TLS, to us or to a listed proxy."""
        return self.view.scheme == "https" if self.view.scheme else bool(self.isSecure())

    def external_origin(self) -> str:
        """Give scheme, host and port as the browser's address bar has them."""
        scheme = "https" if self.is_secure_for_client() else "http"
        host = self.host_text or ""
        default = ":443" if scheme == "https" else ":80"
        return f"{scheme}://{host.removesuffix(default)}"

    def external_base_url(self) -> str:
        """Give the URL of the main page as the browser has to write it."""
        prefix: str = getattr(self.site, "prefix", "/")
        return self.external_origin() + prefix

    def sign_in_cookie(self) -> str | None:
        """Give the value of the sign-in cookie, if one was sent."""
        lines = self.requestHeaders.getRawHeaders("cookie", [])
        return find_cookie(lines, secure=self.is_secure_for_client())

    def client_certificate(self) -> ClientCertificate | None:
        """Give the certificate by which this client has proven itself in TLS, if it has.

        Never one that a header tells of.  A listed proxy's own certificate says who the proxy
        is, and not who sent the request through it.
        """
        transport = None if self.channel is None else self.channel.transport
        if self.is_by_proxy or not ISSLTransport.providedBy(transport):
            return None
        shown = cast("X509 | None", transport.getPeerCertificate())
        if shown is None:
            return None
        # Loaded with TLS, which plain HTTP does without.
        from gotwist.web.client_certificates import read_certificate

        return read_certificate(shown.to_cryptography())

    def step_cookie(self) -> str | None:
        """Give the name of the question that this browser has been asked, if it has been."""
        lines = self.requestHeaders.getRawHeaders("cookie", [])
        return find_step_cookie(lines, secure=self.is_secure_for_client())

    def is_from_this_site(self) -> bool:
        """Tell whether a page of ours caused this request: the check before any change.

        Browsers of today say so themselves; for the others ``Origin`` must be exactly ours.
        A request that says nothing at all is not believed.
        """
        if (site := self.getHeader("sec-fetch-site")) is not None:
            return site == "same-origin"
        origin = self.getHeader("origin")
        return origin is not None and origin.lower() == self.external_origin().lower()

    def is_navigation_of_the_user(self) -> bool:
        """Tell whether no foreign page is behind this GET (address bar, terminal, our page)."""
        return self.getHeader("sec-fetch-site") in (None, "none", "same-origin")

    def is_prefetch(self) -> bool:
        """Tell whether the browser only fetches ahead what the person may never open."""
        names = ("sec-purpose", "purpose", "x-moz", "x-purpose")
        return any("prefetch" in (self.getHeader(name) or "").lower() for name in names)

    # body

    def gotLength(self, length: int | None) -> None:
        # In memory always: a temporary file would block the reactor, and the body is bounded.
        self.content = BytesIO()

    def handleContentChunk(self, data: bytes) -> None:
        if self.content is None or self.content.tell() + len(data) > self.body_limit:
            cast(Line, self.channel).refuse(413)
        else:
            super().handleContentChunk(data)

    def body(self) -> bytes:
        """Give the whole body."""
        if self.content is None:
            return b""
        self.content.seek(0)
        return bytes(self.content.read())

    # answering

    def fail(self, status: int, text: str | None = None) -> bytes:
        """Prepare an error answer and give its body (for ``return request.fail(404)``)."""
        self.setResponseCode(status)
        self.setHeader(b"content-type", b"text/html; charset=utf-8")
        for stale in (b"content-length", b"content-encoding", b"content-disposition", b"etag"):
            self.responseHeaders.removeHeader(stale)
        return error_page(status, text)

    def render(self, resource: IResource) -> None:
        """Let a resource answer: with bytes, later, or by a coroutine that gives bytes."""
        try:
            if self.method not in METHODS:
                raise UnsupportedMethod(METHODS)
            body = resource.render(self)
        except UnsupportedMethod as error:
            self.setHeader(b"allow", b", ".join(_with_head(error.allowedMethods)))
            body = self.fail(405)
        except GotwistError as error:
            body = self._refusal(error)
        if isinstance(body, Coroutine):
            self._work = Deferred.fromCoroutine(
                cast("Coroutine[Deferred[object], object, object]", body)
            )
            self._work.addCallbacks(self._answer, self._failed).addErrback(self._failed)
        else:
            self._answer(body)

    def _answer(self, body: object) -> None:
        self._work = None
        if body is NOT_DONE_YET or body == NOT_DONE_YET or self._disconnected or self.finished:
            return
        if not isinstance(body, bytes):
            raise TypeError("a resource must answer with bytes")
        if self.code not in NO_BODY_CODES:
            self.setHeader(b"content-length", b"%d" % len(body))
        self.write(body)
        self.finish()

    def send_head(self, size: int) -> int:
        """Answer with the head of a body of ``size`` bytes that is not to follow."""
        self.setHeader(b"content-length", b"%d" % size)
        self.write(b"")
        self.finish()
        return NOT_DONE_YET

    async def send_file(self, send: Callable[[], Awaitable[bool]]) -> int:
        """Let somebody write the body; what ended too early must not look complete."""
        if await send():
            self.finish()
        elif self.channel is not None:
            cast(Line, self.channel).drop()
        return NOT_DONE_YET

    def _failed(self, failure: Failure) -> None:
        self._work = None
        if self._disconnected or self.finished:
            if not failure.check(CancelledError, GotwistError):
                self._log.failure("a request failed after its client had gone", failure=failure)
        elif isinstance(failure.value, GotwistError) and not self.startedWriting:
            self._answer(self._refusal(failure.value))
        else:
            self.processingFailed(failure)

    def _refusal(self, error: GotwistError) -> bytes:
        status = next((code for kind, code in _STATUS if isinstance(error, kind)), 400)
        return self.fail(status, error.message)

    def processingFailed(self, reason: Failure) -> Failure:
        """Log our fault; the client learns only that there was one."""
        self._log.failure("answering {method!r} failed", failure=reason, method=self.method)
        if self._disconnected or self.finished or self.channel is None:
            return reason
        if self.startedWriting:
            cast(Line, self.channel).drop()
        else:
            self._answer(self.fail(HTTPStatus.INTERNAL_SERVER_ERROR))
        return reason

    def connectionLost(self, reason: Failure) -> None:
        super().connectionLost(reason)
        if self._work is not None:
            self._work.cancel()


def _with_head(methods: object) -> list[bytes]:
    names = {name for name in METHODS if name in cast("tuple[bytes, ...]", methods)}
    if b"GET" in names:
        names.add(b"HEAD")
    return [name for name in METHODS if name in names]


def request_host(values: Sequence[str], forwarded: str | None) -> tuple[str, str] | None:
    """Give the checked ``Host`` as (name, text); ``None`` unless there is exactly one good one."""
    if len(values) != 1 or parse_host(values[0]) is None:
        return None
    text = (forwarded or values[0]).lower()
    parsed = parse_host(text)
    return None if parsed is None else (parsed[0], text)
