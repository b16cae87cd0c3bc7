"""The metrics' door: ``GET /metrics`` in the format of Prometheus, for this machine only."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Sequence

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.registry import Collector
from twisted.application.service import Service
from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import IListeningPort, IReactorTCP
from twisted.logger import Logger
from twisted.web.http import Request as HttpRequest
from twisted.web.resource import IResource, Resource
from twisted.web.server import Request, Site

from gotwist.errors import Unavailable
from gotwist.metrics.families import Kind, Source

IDLE_S = 10.0


class HouseCollector(Collector):
    """Asks the sources each time somebody wants the numbers."""

    def __init__(self, sources: Sequence[Source]) -> None:
        self._sources = sources

    def collect(self) -> Iterator[Metric]:
        """Give every family in the library's own form."""
        for source in self._sources:
            for family in source():
                kind = CounterMetricFamily if family.kind is Kind.COUNTER else GaugeMetricFamily
                metric = kind(family.name, family.help, labels=family.labels)
                for values, number in family.samples.items():
                    metric.add_metric(values, number)
                yield metric


class MetricsResource(Resource):
    """Answers ``GET /metrics``, and nothing else."""

    isLeaf = True

    def __init__(self, registry: CollectorRegistry) -> None:
        super().__init__()
        self._registry = registry

    def render_GET(self, request: Request) -> bytes:
        """Give all numbers as they are now."""
        request.setHeader(b"server", b"gotwist")
        request.setHeader(b"x-content-type-options", b"nosniff")
        request.setHeader(b"cache-control", b"no-store")
        # A page in a browser on this machine could have its own name lead here.
        if not _is_loopback(request.getRequestHostname()):
            return _refuse(request, 403)
        if request.path != b"/metrics":
            return _refuse(request, 404)
        request.setHeader(b"content-type", CONTENT_TYPE_PLAIN_0_0_4.encode("ascii"))
        return generate_latest(self._registry)


class QuietSite(Site):
    """A site that logs no requests: one comes every few seconds, for ever."""

    noisy = False

    def __init__(self, root: IResource) -> None:
        super().__init__(root, timeout=IDLE_S)

    def log(self, request: HttpRequest) -> None:
        """Log nothing."""


class MetricsDoor(Service):
    """Listens at a loopback address while it runs."""

    log = Logger()

    def __init__(
        self, reactor: IReactorTCP, address: str, port: int, sources: Sequence[Source]
    ) -> None:
        if not ipaddress.ip_address(address).is_loopback:
            raise Unavailable(f"{address}: metrics are offered at a loopback address only")
        self._reactor = reactor
        self._address = address
        self._port = port
        self.registry = CollectorRegistry(auto_describe=False)
        self.registry.register(HouseCollector(sources))
        ProcessCollector(registry=self.registry)
        self.site = QuietSite(MetricsResource(self.registry))
        self.listening: IListeningPort | None = None

    def privilegedStartService(self) -> None:
        """Bind.

        :raises Unavailable: when the port cannot be had
        """
        super().privilegedStartService()
        try:
            self.listening = self._reactor.listenTCP(
                self._port,
                self.site,  # type: ignore[arg-type]  # a Site is a factory, as far as it matters
                interface=self._address,
            )
        except CannotListenError as error:
            reason = getattr(error.socketError, "strerror", None) or str(error.socketError)
            raise Unavailable(
                f"metrics: {self._address} port {self._port}: {reason}; choose another with "
                "--metrics_port"
            ) from error

    def startService(self) -> None:
        """Bind, unless that has been done."""
        if self.listening is None:
            self.privilegedStartService()
        super().startService()
        assert self.listening is not None
        host = f"[{self._address}]" if ":" in self._address else self._address
        self.log.info(
            "metrics: http://{host}:{port}/metrics (this machine, anybody)",
            host=host,
            port=getattr(self.listening.getHost(), "port", self._port),
        )

    def stopService(self) -> object:
        """Stop listening."""
        super().stopService()
        listening, self.listening = self.listening, None
        return listening.stopListening() if listening is not None else None


def _refuse(request: Request, status: int) -> bytes:
    request.setResponseCode(status)
    request.setHeader(b"content-type", b"text/plain; charset=utf-8")
    return b"%d\n" % status


def _is_loopback(host: bytes) -> bool:
    name = host.decode("ascii", "replace").strip("[]").lower()
    if name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False
