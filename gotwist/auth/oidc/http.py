"""Requests to a provider: JSON in bounded answers, in bounded time, following nothing.

Twisted's own agent without anything around it: there are no cookies to keep and no redirects to
follow, and nothing is unpacked, so that the limit is one of what is held in memory.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Protocol, cast
from urllib.parse import urlencode

from OpenSSL.crypto import Error as CertificateError
from OpenSSL.SSL import Error as SSLError
from twisted.internet.defer import CancelledError, Deferred, succeed
from twisted.internet.defer import TimeoutError as DeferredTimeout
from twisted.internet.endpoints import HostnameEndpoint, wrapClientTLS
from twisted.internet.error import ConnectError, ConnectionClosed, DNSLookupError
from twisted.internet.interfaces import (
    IConsumer,
    IProtocol,
    IProtocolFactory,
    IReactorTime,
    IStreamClientEndpoint,
)
from twisted.internet.protocol import Protocol as TwistedProtocol
from twisted.internet.protocol import connectionDone
from twisted.internet.ssl import Certificate, trustRootFromCertificates
from twisted.python.failure import Failure
from twisted.web.client import (
    URI,
    Agent,
    BrowserLikePolicyForHTTPS,
    HTTPConnectionPool,
    ResponseDone,
    ResponseFailed,
)
from twisted.web.http import PotentialDataLoss
from twisted.web.http_headers import Headers
from twisted.web.iweb import IAgentEndpointFactory, IBodyProducer, IPolicyForHTTPS, IResponse
from zope.interface import implementer

from gotwist.auth.openid.refusal import UNREACHABLE
from gotwist.errors import Unavailable

TIMEOUT_S: Final = 10.0
MAX_BODY: Final = 262_144
_TOO_LATE: Final = "no answer in time"
_PEM: Final = b"-----BEGIN CERTIFICATE-----"


@dataclass(frozen=True)
class Answer:
    """A status and a JSON object, which is empty when the body was none."""

    status: int
    members: Mapping[str, object] = field(repr=False)


class Unanswered(Unavailable):
    """The provider gave no answer that can be used; ``reason`` is for the operator's log."""

    def __init__(self, reason: str) -> None:
        super().__init__(UNREACHABLE)
        self.reason = reason


class Requests(Protocol):
    """What a sign-in asks a provider by HTTP; raises :class:`Unanswered`."""

    async def get(self, url: str, bearer: str | None = None) -> Answer:
        """Fetch a JSON object."""

    async def post(self, url: str, form: Mapping[str, str], headers: Mapping[str, str]) -> Answer:
        """Send a form and give the JSON object that answers it."""


class HttpRequests:
    """Implements :class:`Requests`: each on a connection of its own, which ends with it."""

    def __init__(
        self, reactor: IReactorTime, policy: IPolicyForHTTPS, timeout_s: float = TIMEOUT_S
    ) -> None:
        self._reactor = reactor
        self._policy = policy
        self._timeout_s = timeout_s

    async def get(self, url: str, bearer: str | None = None) -> Answer:
        headers = {} if bearer is None else {"Authorization": f"Bearer {bearer}"}
        return await self._ask(b"GET", url, headers, None)

    async def post(self, url: str, form: Mapping[str, str], headers: Mapping[str, str]) -> Answer:
        return await self._ask(b"POST", url, headers, urlencode(form).encode("ascii"))

    async def _ask(
        self, method: bytes, url: str, headers: Mapping[str, str], body: bytes | None
    ) -> Answer:
        work = Deferred.fromCoroutine(self._exchange(method, url, headers, body))
        try:
            return await work.addTimeout(self._timeout_s, self._reactor)
        except DeferredTimeout:
            raise Unanswered(_TOO_LATE) from None
        except (ConnectError, ConnectionClosed, SSLError, ResponseFailed, DNSLookupError) as error:
            raise Unanswered(_why(error)) from None

    async def _exchange(
        self, method: bytes, url: str, headers: Mapping[str, str], body: bytes | None
    ) -> Answer:
        sent = Headers({"Accept": ["application/json"], "User-Agent": ["gotwist"]})
        for name, value in headers.items():
            sent.setRawHeaders(name, [value])
        if body is not None:
            sent.setRawHeaders("Content-Type", ["application/x-www-form-urlencoded"])
        line = _Line(self._reactor, self._policy, self._timeout_s)
        agent = Agent.usingEndpointFactory(
            self._reactor, line, HTTPConnectionPool(self._reactor, persistent=False)
        )
        producer = None if body is None else _Body(body)
        try:
            response = cast(
                IResponse, await agent.request(method, url.encode("ascii"), sent, producer)
            )
            collector = _Collector()
            response.deliverBody(collector)
            return Answer(int(response.code), parse_object(await collector.done))
        finally:
            line.cut()


def parse_object(body: bytes) -> Mapping[str, object]:
    """Read a JSON object; of anything else an empty one, which has no member that is wanted."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


@implementer(IAgentEndpointFactory, IStreamClientEndpoint)
class _Line:
    """The connection of one request, which can be cut whatever state it is in.

    An agent's own way to end one asks the other side politely, and may wait for ever.
    """

    def __init__(self, reactor: IReactorTime, policy: IPolicyForHTTPS, timeout_s: float) -> None:
        self._reactor = reactor
        self._policy = policy
        self._timeout_s = timeout_s
        self._inner: IStreamClientEndpoint | None = None
        self._protocol: TwistedProtocol | None = None

    def endpointForURI(self, uri: URI) -> IStreamClientEndpoint:
        endpoint = HostnameEndpoint(self._reactor, uri.host, uri.port, timeout=self._timeout_s)
        if uri.scheme == b"https":
            self._inner = wrapClientTLS(self._policy.creatorForNetloc(uri.host, uri.port), endpoint)
        else:
            self._inner = endpoint
        return self

    def connect(self, protocolFactory: IProtocolFactory) -> Deferred[IProtocol]:
        assert self._inner is not None
        connecting: Deferred[IProtocol] = self._inner.connect(protocolFactory)
        return connecting.addCallback(self._connected)

    def _connected(self, protocol: IProtocol) -> IProtocol:
        self._protocol = cast(TwistedProtocol, protocol)
        return protocol

    def cut(self) -> None:
        """End the connection if there still is one."""
        transport = None if self._protocol is None else self._protocol.transport
        if transport is not None:
            cast(_Abortable, transport).abortConnection()


class _Abortable(Protocol):
    def abortConnection(self) -> None: ...


class _Collector(TwistedProtocol):
    """Collects a body up to its limit."""

    def __init__(self) -> None:
        self.done: Deferred[bytes] = Deferred()
        self._parts: list[bytes] = []
        self._size = 0

    def dataReceived(self, data: bytes) -> None:
        self._size += len(data)
        if self._size <= MAX_BODY:
            self._parts.append(data)
        elif not self.done.called:
            self._parts.clear()
            self.done.errback(Unanswered("the answer is too long"))

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        if self.done.called:
            return
        # Without a length the end of the connection is the end of the body.
        if reason.check(ResponseDone, PotentialDataLoss):
            self.done.callback(b"".join(self._parts))
        else:
            self.done.errback(Unanswered("the answer was cut off"))


@implementer(IBodyProducer)
class _Body:
    """A body that is in memory and leaves at once."""

    def __init__(self, body: bytes) -> None:
        self._body = body
        self.length = len(body)

    def startProducing(self, consumer: IConsumer) -> Deferred[None]:
        consumer.write(self._body)
        return succeed(None)

    def pauseProducing(self) -> None:
        """There is nothing to pause."""

    def resumeProducing(self) -> None:
        """Nor to go on with."""

    def stopProducing(self) -> None:
        """Nor to stop."""


def _why(error: Exception) -> str:
    """What went wrong on the line, in words that hold nothing of what was sent."""
    reasons = getattr(error, "reasons", None)
    inner = reasons[0].value if reasons else error
    if isinstance(inner, CancelledError):
        # What the agent makes of being told that the time is over.
        return _TOO_LATE
    return f"the connection failed ({type(inner).__name__}: {inner})"[:200]


def make_requests(reactor: IReactorTime, ca_file: Path | None = None) -> HttpRequests:
    """Requests that believe the system's authorities, or those in ``ca_file`` alone.

    Blocks on the disk, before the reactor runs.

    :raises Unavailable: when the file cannot be used.
    """
    if ca_file is None:
        return HttpRequests(reactor, BrowserLikePolicyForHTTPS())
    root = trustRootFromCertificates(read_authorities(ca_file))
    return HttpRequests(reactor, BrowserLikePolicyForHTTPS(root))


def read_authorities(path: Path) -> list[Certificate]:
    """Read the certificates of a PEM file.

    :raises Unavailable: when there are none.
    """
    try:
        found = [Certificate.loadPEM(_PEM + part) for part in path.read_bytes().split(_PEM)[1:]]
    except (OSError, ValueError, CertificateError):
        raise Unavailable(f"{path} cannot be read as certificates (PEM).") from None
    if not found:
        raise Unavailable(f"{path} holds no certificate (PEM).")
    return found
