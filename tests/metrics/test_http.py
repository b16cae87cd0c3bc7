"""Tests of the metrics' door."""

from __future__ import annotations

from collections.abc import Iterable

from prometheus_client.parser import text_string_to_metric_families
from twisted.internet.testing import MemoryReactorClock, StringTransport
from twisted.trial.unittest import SynchronousTestCase

from gotwist.errors import Unavailable
from gotwist.metrics.families import Family, counter, gauge, single
from gotwist.metrics.http import MetricsDoor


class DoorTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.reactor = MemoryReactorClock()
        self.asked = 0

    def numbers(self) -> Iterable[Family]:
        self.asked += 1
        return [
            gauge("house_clients", "Tabs.", single(self.asked)),
            counter("house_doors", "Doors.", {('we"b\n', "1"): 2.5}, "kind", "number"),
        ]

    def door(self, address: str = "127.0.0.1") -> MetricsDoor:
        return MetricsDoor(self.reactor, address, 10444, [self.numbers])

    def ask(self, target: str, host: str = "127.0.0.1:10444", method: str = "GET") -> str:
        door = self.door()
        protocol = door.site.buildProtocol(None)
        transport = StringTransport()
        assert protocol is not None
        protocol.makeConnection(transport)
        protocol.dataReceived(
            f"{method} {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode()
        )
        return str(transport.value().decode())

    def test_numbers(self) -> None:
        """The numbers are read when they are asked for, in the format of Prometheus."""
        head, _, body = self.ask("/metrics").partition("\r\n\r\n")
        self.assertTrue(head.startswith("HTTP/1.1 200 "), head)
        self.assertIn("text/plain; version=0.0.4", head)
        samples = {
            (sample.name, tuple(sample.labels.values())): sample.value
            for family in text_string_to_metric_families(body)
            for sample in family.samples
        }
        self.assertEqual(1, samples["house_clients", ()])
        self.assertEqual(2.5, samples["house_doors_total", ('we"b\n', "1")])
        self.assertIn(("process_resident_memory_bytes", ()), samples)
        self.assertEqual(1, self.asked)

    def test_nothing_else(self) -> None:
        """Nothing else is there, and the answers do not tell what answers."""
        for target in ("/", "/metrics/", "/metrics/x", "/favicon.ico"):
            self.assertTrue(self.ask(target).startswith("HTTP/1.1 404 "), target)
        self.assertTrue(self.ask("/metrics", method="POST").startswith("HTTP/1.1 405 "))
        self.assertIn("server: gotwist\r\n", self.ask("/metrics").lower())
        self.assertNotIn("twistedweb", self.ask("/").lower())
        self.assertEqual(1, self.asked)

    def test_other_names(self) -> None:
        """A page whose name leads to this machine reads nothing."""
        for host in ("evil.example", "127.0.0.1.evil.example", "localhost.evil.example", "::1.x"):
            self.assertTrue(self.ask("/metrics", host).startswith("HTTP/1.1 403 "), host)
        for host in ("localhost", "LOCALHOST:1", "[::1]:10444", "127.0.0.5"):
            self.assertTrue(self.ask("/metrics", host).startswith("HTTP/1.1 200 "), host)

    def test_loopback_only(self) -> None:
        """It listens at a loopback address, and at no other whatever it is told."""
        door = self.door()
        door.startService()
        ((port, _, _, interface),) = self.reactor.tcpServers
        self.assertEqual((10444, "127.0.0.1"), (port, interface))
        for address in ("0.0.0.0", "::", "192.0.2.1"):
            self.assertRaises(Unavailable, self.door, address)
