"""Deadlines, ends, and how many connections there may be."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase
from twisted.web.server import NOT_DONE_YET

from gotwist.web.leaf import Leaf
from gotwist.web.options import Limits
from gotwist.web.request import Request
from tests.web.support import Connection, House, settings_with

GET = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"


class DeadlineTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.house = House()

    def dribble(self, connection: Connection, byte: bytes, seconds: int) -> None:
        """Send a byte every second."""
        for _ in range(seconds):
            connection.send(byte)
            self.house.clock.advance(1)

    def test_silent(self) -> None:
        """Who connects and says nothing is gone after the head's time."""
        connection = self.house.connect()
        self.house.clock.advance(14.9)
        self.assertFalse(connection.is_closing)
        self.house.clock.advance(0.2)
        self.assertTrue(connection.is_closing)
        self.assertEqual(connection.answers(), [])
        self.house.clock.advance(1)
        self.assertTrue(connection.is_aborted)

    def test_dribbled_head(self) -> None:
        """Bytes that keep coming do not renew the time for a head."""
        connection = self.house.connect()
        connection.send(b"GET / HTTP/1.1\r\nX: ")
        self.dribble(connection, b"a", 16)
        self.assertEqual([a.status for a in connection.answers()], [408])
        self.assertTrue(connection.is_closing)

    def test_dribbled_body(self) -> None:
        """Nor the time for a body."""
        connection = self.house.connect()
        connection.send(b"POST /auth HTTP/1.1\r\nHost: localhost\r\nContent-Length: 999\r\n\r\n")
        self.dribble(connection, b"a", 29)
        self.assertEqual(connection.answers(), [])
        self.dribble(connection, b"a", 2)
        self.assertEqual([a.status for a in connection.answers()], [408])

    def test_idle_between_requests(self) -> None:
        """A connection kept open for further requests is closed when none comes."""
        connection = self.house.connect()
        self.house.clock.advance(10)
        connection.send(GET)
        self.house.clock.advance(14)
        connection.send(GET)
        self.house.clock.advance(14)
        self.assertFalse(connection.is_closing)
        self.house.clock.advance(1)
        self.assertTrue(connection.is_closing)
        self.assertEqual([a.status for a in connection.answers()], [200, 200])

    def test_start_of_the_next_head(self) -> None:
        """A part of the next head that comes with the last request has its deadline too."""
        connection = self.house.connect()
        connection.send(GET + b"GET ")
        self.house.clock.advance(15)
        self.assertEqual([a.status for a in connection.answers()], [200, 408])

    def test_unread_answer(self) -> None:
        """Who does not read an answer is dropped after a while; who reads late, is not."""
        for resumes in (True, False):
            connection = self.house.connect()
            connection.channel.pauseProducing()
            connection.send(GET)
            self.house.clock.advance(50)
            self.assertFalse(connection.is_closing)
            if resumes:
                connection.channel.resumeProducing()
                self.house.clock.advance(14)
                self.assertFalse(connection.is_closing or connection.is_aborted)
            else:
                self.house.clock.advance(11)
                self.assertTrue(connection.is_aborted)

    def test_nothing_is_left(self) -> None:
        """When connections are gone, no timer and no count is left."""
        for data in (b"", b"GET", GET, b"BAD\r\n\r\n"):
            connection = self.house.connect()
            connection.send(data)
            connection.lose()
        self.assertEqual(self.house.clock.getDelayedCalls(), [])
        self.assertEqual(len(self.house.site.connections), 0)

    def test_bytes_after_the_end(self) -> None:
        """After ``Connection: close`` nothing more is understood."""
        connection = self.house.connect()
        connection.send(GET.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n") + GET)
        self.assertEqual([a.status for a in connection.answers()], [200])
        self.assertTrue(connection.is_closing)
        connection.send(GET)
        self.assertEqual(connection.answers(), [])


class TakeOver(Leaf):
    """Takes the connection as a WebSocket does."""

    def render_GET(self, request: Request) -> int:
        request.channel.transport = None
        return NOT_DONE_YET


class HandOverTests(SynchronousTestCase):
    def test_state_is_freed(self) -> None:
        """A connection handed over has no deadline, no producer and no HTTP state any more."""
        root = Leaf()
        root.putChild(b"ws", TakeOver())
        house = House(root=root)
        connection = house.connect()
        connection.send(b"GET /ws HTTP/1.1\r\nHost: localhost\r\n\r\n")
        self.assertTrue(connection.channel.is_handed_over)
        self.assertIsNone(connection.transport.producer)
        self.assertEqual(house.clock.getDelayedCalls(), [])
        self.assertEqual(len(house.site.connections), 0)
        self.assertEqual(connection.channel.requests, [])


class ConnectionLimitTests(SynchronousTestCase):
    def house(self, **limits: int) -> House:
        """Give a house with small limits."""
        return House(settings_with(limits=Limits(**limits), trusted_proxies=("10.0.0.1",)))

    def test_per_address(self) -> None:
        """One address may not have all; another one still gets in, and a listed proxy does."""
        house = self.house(per_address=2)
        first = house.connect("192.0.2.1")
        house.connect("192.0.2.1")
        self.assertTrue(house.connect("192.0.2.1").is_aborted)
        self.assertFalse(house.connect("192.0.2.2").is_aborted)
        for _ in range(3):
            self.assertFalse(house.connect("10.0.0.1").is_aborted)
        first.lose()
        self.assertFalse(house.connect("192.0.2.1").is_aborted)

    def test_full_house(self) -> None:
        """When full, the one that waits longest without a request makes room for the new one."""
        root = Leaf()
        root.putChild(b"busy", Busy())
        house = House(settings_with(limits=Limits(connections=3)), root=root)
        busy = house.connect("192.0.2.1")
        busy.send(b"GET /busy HTTP/1.1\r\nHost: localhost\r\n\r\n")
        silent, later = house.connect("192.0.2.2"), house.connect("192.0.2.3")
        new = house.connect("192.0.2.4")
        self.assertEqual(
            [c.is_aborted for c in (busy, silent, later, new)], [False, True, False, False]
        )
        self.assertEqual(len(house.site.connections), 3)
        self.assertEqual(house.site.connections.refused, 1)

    def test_all_busy(self) -> None:
        """When all are at work, the new one is turned away."""
        root = Leaf()
        root.putChild(b"busy", Busy())
        house = House(settings_with(limits=Limits(connections=1)), root=root)
        house.connect().send(b"GET /busy HTTP/1.1\r\nHost: localhost\r\n\r\n")
        self.assertTrue(house.connect().is_aborted)

    def test_half_open_flood(self) -> None:
        """However many connections begin a request and never end it, they keep nobody out."""
        house = House(settings_with(limits=Limits(connections=100)))
        for n in range(1_000):
            house.connect(f"10.{n % 200}.0.1").send(b"G")
        self.assertEqual(len(house.site.connections), 100)
        self.assertEqual(house.ask("/healthz", peer="192.0.2.1").status, 200)
        house.clock.pump([15, 1])
        self.assertEqual(house.clock.getDelayedCalls(), [])


class Busy(Leaf):
    """Never answers."""

    def render_GET(self, request: Request) -> int:
        return NOT_DONE_YET
