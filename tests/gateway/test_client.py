"""Tests of a client: dispatch, limits, and its end."""

from __future__ import annotations

from typing import Annotated, ClassVar

import msgspec
from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from gotwist.applications.go.core import Go
from gotwist.errors import Denied, Unavailable
from gotwist.gateway.actions import action, authenticated, is_user, policies, require
from gotwist.gateway.application import Application
from gotwist.gateway.clients import Client, Peer
from gotwist.gateway.dispatch import MAX_WAITING
from gotwist.gateway.frames import Kind, pack_header
from gotwist.gateway.house import House
from gotwist.gateway.limits import Limits
from tests.gateway.support import World, say


class Size(msgspec.Struct, forbid_unknown_fields=True):
    rows: Annotated[int, msgspec.Meta(ge=2, le=500)]


class Probe(Application):
    """Does what a test asks for, and keeps what ran."""

    name = "probe"
    ran: ClassVar[list[object]]
    wait: ClassVar[Deferred[None]]

    @classmethod
    def make_shared(cls, house: House) -> object:
        cls.ran = []
        cls.wait = Deferred()
        house.add_policy("probe", cls.judge)
        return None

    @staticmethod
    def judge(client: Client, action: str, argument: object) -> None:
        if argument != "please":
            raise Denied("Say please.")

    @action("probe:size", Size)
    def size(self, argument: Size) -> None:
        self.ran.append(argument.rows)

    @action("probe:open", str, before_authentication=True)
    def early(self, text: str) -> None:
        self.ran.append(text)

    @require(policies("probe"))
    @action("probe:polite", str)
    def polite(self, text: str) -> None:
        self.ran.append(text)

    @action("probe:root", require=[authenticated()])
    @require(is_user("root"))
    def only_root(self) -> None:
        self.ran.append("root")

    @action("probe:nobody", require=[policies("never registered")])
    def nobody(self) -> None:
        self.ran.append("nobody")

    @action("probe:slow", str)
    async def slow(self, text: str) -> None:
        await self.wait
        self.ran.append(text)

    @action("probe:fail")
    def fail(self) -> None:
        raise RuntimeError("secret detail")

    @action("probe:busy")
    async def busy(self) -> None:
        raise Unavailable("Come back later.")


class ClientCase(SynchronousTestCase):
    """A world with the probe in it."""

    limits = Limits()

    def setUp(self) -> None:
        self.world = World((Go, Probe), limits=self.limits)
        self.house = self.world.house
        self.client, self.connection = self.world.enter()

    def error(self) -> dict[str, object]:
        """The one error that was answered."""
        ((name, value),) = self.connection.messages()
        self.assertEqual(name, "go:error")
        assert isinstance(value, dict)
        return value


class DispatchTests(ClientCase):
    """Actions run for those who may, with the arguments they ask for."""

    def test_runs(self) -> None:
        """The actions of a message run in the order written."""
        self.client.receive_text(b'{"probe:size": {"rows": 24}, "probe:open": "a"}')
        self.assertEqual(Probe.ran, [24, "a"])

    def test_bad_arguments(self) -> None:
        """A wrong type, range, or member is answered by name, and nothing runs."""
        for value in ({"rows": True}, {"rows": "24"}, {"rows": 1}, {"rows": 3, "x": 1}, {}, None):
            say(self.client, "probe:size", value)
            error = self.error()
            self.assertEqual((error["action"], error["code"]), ("probe:size", "malformed"))
        say(self.client, "probe:fail", 1)
        self.assertEqual(self.error()["code"], "malformed")
        self.assertEqual(Probe.ran, [])
        self.assertIsNone(self.connection.closed_with)

    def test_before_authentication(self) -> None:
        """Before signing in only what says so runs; the rest is refused and runs nothing."""
        client, self.connection = self.world.connect()
        say(client, "probe:open", "a")
        say(client, "probe:size", {"rows": 24})
        self.assertEqual(self.error()["code"], "denied")
        say(client, "go:list_applications", None)
        self.assertEqual(self.error()["code"], "denied")
        client.receive_binary(pack_header(Kind.ACK, 1, 0))
        self.assertEqual(self.error()["code"], "denied")
        self.assertEqual(Probe.ran, ["a"])

    def test_conditions(self) -> None:
        """What a condition refuses does not run, and the action is named."""
        say(self.client, "probe:polite", "please")
        self.assertEqual(self.connection.messages(), [])
        refused = [("probe:polite", "now"), ("probe:root", None), ("probe:nobody", None)]
        for name, value in refused:
            say(self.client, name, value)
            error = self.error()
            self.assertEqual((error["action"], error["code"]), (name, "denied"))
        self.assertEqual(Probe.ran, ["please"])
        root, _ = self.world.enter("root")
        say(root, "probe:root", None)
        self.assertEqual(Probe.ran, ["please", "root"])

    def test_unknown(self) -> None:
        """An unknown action is named, with the nearest one for those who have signed in."""
        say(self.client, "probe:sise", 1)
        self.assertIn("did you mean 'probe:size'?", str(self.error()["message"]))
        stranger, self.connection = self.world.connect()
        say(stranger, "probe:sise", 1)
        self.assertNotIn("did you mean", str(self.error()["message"]))
        say(self.client, "x" * 500, 1)

    def test_not_json(self) -> None:
        """A message that is no JSON is answered, and the connection stays."""
        self.client.receive_text(b"hello")
        error = self.error()
        self.assertEqual((error["action"], error["code"]), (None, "malformed"))
        self.assertIsNone(self.connection.closed_with)

    def test_hostile(self) -> None:
        """Nesting that no client means well ends the connection with 4400."""
        self.client.receive_text(b"[" * 60_000)
        assert self.connection.closed_with is not None
        self.assertEqual(self.connection.closed_with[0], 4400)

    def test_fault(self) -> None:
        """A fault of ours is told by its id only, and the connection stays."""
        say(self.client, "probe:fail", None)
        error = self.error()
        self.assertEqual(error["code"], "internal")
        self.assertIn("f00d", str(error["message"]))
        self.assertNotIn("secret", str(error))
        self.assertEqual(len(self.world.log.failures), 1)

    def test_later_fault(self) -> None:
        """A refusal from a coroutine is answered like any other."""
        say(self.client, "probe:busy", None)
        self.assertEqual(self.error()["code"], "unavailable")

    def test_order(self) -> None:
        """Messages behind an action that takes its time wait for it."""
        say(self.client, "probe:slow", "slow")
        say(self.client, "probe:open", "after")
        self.assertEqual(Probe.ran, [])
        Probe.wait.callback(None)
        self.assertEqual(Probe.ran, ["slow", "after"])

    def test_waiting_is_bounded(self) -> None:
        """Not more than a bounded number of messages waits."""
        say(self.client, "probe:slow", "slow")
        for _ in range(MAX_WAITING):
            say(self.client, "probe:open", "x")
        self.assertIsNone(self.connection.closed_with)
        say(self.client, "probe:open", "x")
        assert self.connection.closed_with is not None
        self.assertEqual(self.connection.closed_with[0], 4429)

    def test_closed_meanwhile(self) -> None:
        """What waits when the connection ends never runs."""
        say(self.client, "probe:slow", "slow")
        say(self.client, "probe:open", "after")
        self.client.closed()
        self.assertEqual(Probe.ran, [])
        self.assertEqual(self.world.log.failures, [])
        self.client.receive_text(b'{"probe:open": "late"}')
        self.assertEqual(Probe.ran, [])


class LimitTests(ClientCase):
    """What one client may send."""

    def test_messages(self) -> None:
        """A thousand messages may come at once, then 200 a second, then 4429."""
        for _ in range(999):
            say(self.client, "go:ping", 1)
        self.assertIsNone(self.connection.closed_with)
        self.world.clock.advance(1)
        for _ in range(200):
            say(self.client, "go:ping", 1)
        self.assertIsNone(self.connection.closed_with)
        for _ in range(2):
            self.client.receive_ping()
        assert self.connection.closed_with is not None
        self.assertEqual(self.connection.closed_with[0], 4429)

    def test_bytes(self) -> None:
        """Bytes count as well, binary ones too."""
        self.client.on_binary(Kind.INPUT, lambda terminal, offset, payload: None)
        chunk = pack_header(Kind.INPUT, 1, 0) + bytes(32_752)
        for _ in range(39):
            self.client.receive_binary(chunk)
        self.assertIsNone(self.connection.closed_with)
        self.client.receive_binary(chunk)
        assert self.connection.closed_with is not None
        self.assertEqual(self.connection.closed_with[0], 4429)

    def test_acknowledgements(self) -> None:
        """The acknowledgements of a flood of 150 MB/s are no flood."""
        got: list[int] = []
        self.client.on_binary(Kind.ACK, lambda terminal, offset, payload: got.append(offset))
        for _ in range(20):
            for offset in range(2_400):
                self.client.receive_binary(pack_header(Kind.ACK, 1, offset))
            self.world.clock.advance(1)
        self.assertEqual(len(got), 48_000)
        self.assertIsNone(self.connection.closed_with)
        for _ in range(60_000):
            self.client.receive_binary(pack_header(Kind.ACK, 1, 0))
        self.assertIsNotNone(self.connection.closed_with)

    def test_per_user(self) -> None:
        """A user has sixteen connections; the next is closed with 4429, another user's not."""
        for _ in range(15):
            self.world.enter()
        client, connection = self.world.connect(self.world.sign_in())
        say(client, "go:authenticate", {})
        assert connection.closed_with is not None
        self.assertEqual(connection.closed_with[0], 4429)
        self.world.enter("bob")

    def test_per_address(self) -> None:
        """An address has 64 connections, whoever they are."""
        for number in range(63):
            self.world.enter(f"user{number}")
        admit = self.world.gateway.admit
        cookie = self.world.sign_in().cookie
        self.failureResultOf(
            Deferred.fromCoroutine(admit(self.client.peer, cookie, None)), Unavailable
        )
        other = Peer("192.0.2.8")
        found = self.successResultOf(Deferred.fromCoroutine(admit(other, cookie, None)))
        assert found is not None
        self.assertEqual(found.user.upn, "alice")


class SignInTests(ClientCase):
    """How a sign-in reaches the connections that it opened."""

    def test_answers(self) -> None:
        """After signing in a page hears its name, the locations, and what there is."""
        client, connection = self.world.connect(self.world.sign_in("carol"))
        events: list[object] = []
        self.house.emitter.on("go:authenticate", events.append)
        say(client, "go:authenticate", {"auth": None, "location": "work"})
        (name, locations, applications) = connection.messages()
        self.assertEqual(name, ("go:set_username", "carol"))
        self.assertEqual(locations, ("go:locations", {"work": {}}))
        self.assertEqual(applications[0], "go:applications")
        self.assertEqual(events, [client])

    def test_no_cookie(self) -> None:
        """A client keeps the sign-in that all have, not the one with the cookie."""
        assert self.client.sign_in is not None
        self.assertEqual(self.client.sign_in.cookie, "")
        self.assertIs(self.client.sign_in, self.world.signins.current(self.client.sign_in.id))

    def test_revoked(self) -> None:
        """A revoked sign-in closes its connections at once with 4401, and no others."""
        _, untouched = self.world.enter("bob")
        assert self.client.sign_in is not None
        self.world.signins.revoke(self.client.sign_in.id)
        assert self.connection.closed_with is not None
        self.assertEqual(self.connection.closed_with[0], 4401)
        self.assertIsNone(untouched.closed_with)

    def test_expired(self) -> None:
        """An idle sign-in ends; the connection hears within a minute."""
        self.world.clock.pump([60.0] * 62)
        assert self.connection.closed_with is not None
        self.assertEqual(self.connection.closed_with[0], 4401)

    def test_used(self) -> None:
        """A sign-in that is used does not become idle, but ends after twelve hours."""
        for _ in range(11 * 60):
            say(self.client, "go:ping", 1)
            self.world.clock.advance(60)
        self.assertIsNone(self.connection.closed_with)
        for _ in range(62):
            say(self.client, "go:ping", 1)
            self.world.clock.advance(60)
        self.assertIsNotNone(self.connection.closed_with)

    def test_twice(self) -> None:
        """A connection signs in once."""
        say(self.client, "go:authenticate", {"auth": None})
        self.assertEqual(self.error()["code"], "denied")

    def test_session(self) -> None:
        """Two browsers of a user share the session; two that nobody knows do not."""
        second, _ = self.world.enter()
        self.assertIs(second.session, self.client.session)
        strangers = []
        for _ in range(2):
            stranger, _ = self.world.connect()
            say(stranger, "go:authenticate", {"auth": None})
            strangers.append(stranger)
        self.assertEqual({s.user.upn for s in strangers if s.user}, {"ANONYMOUS"})
        self.assertIsNot(strangers[0].session, strangers[1].session)

    def test_refused(self) -> None:
        """Where a sign-in is needed, who has none is asked for one and stays until the deadline."""
        self.world = World((Go, Probe), method="token")
        client, connection = self.world.connect()
        for auth in (None, "wstoken" + "0" * 64, "nonsense", {"api_key": "x"}):
            say(client, "go:authenticate", {"auth": auth})
            self.assertEqual(connection.messages(), [("go:reauthenticate", True)])
        self.assertIsNone(client.user)
        self.world.clock.advance(15.1)
        assert connection.closed_with is not None
        self.assertEqual(connection.closed_with[0], 4408)


class EndTests(ClientCase):
    """What is left of a client that has gone."""

    def test_nothing(self) -> None:
        """No timer, no listener, no place in a registry."""
        events: list[object] = []
        self.house.emitter.on("go:close", events.append)
        (go, _) = self.client.applications
        go.on("some:event", print)
        go.add_timeout("5s", lambda: self.fail("rang"))
        session = self.client.session
        self.client.set_writable(False)
        self.client.closed()
        self.client.closed()
        self.assertEqual(events, [self.client])
        self.assertEqual(self.world.clock.getDelayedCalls(), [])
        self.assertEqual(len(self.house.clients), 0)
        self.assertEqual(self.house.clients.count_at(self.client.peer.address), 0)
        self.assertEqual(session.last_seen, self.world.clock.seconds())
        self.client.send("go:notice", "late")
        self.client.send_frame(b"late")
        self.assertEqual(self.connection.frames(), [])

    def test_stalled(self) -> None:
        """A client that reads nothing for a minute is dropped; one that recovers is not."""
        self.client.set_writable(False)
        self.world.clock.advance(59)
        self.client.set_writable(True)
        self.client.set_writable(False)
        self.world.clock.advance(59)
        self.assertFalse(self.connection.aborted)
        self.world.clock.advance(2)
        self.assertTrue(self.connection.aborted)
        self.assertEqual(len(self.house.clients), 0)

    def test_stop(self) -> None:
        """When the daemon stops, every client hears goodbye."""
        self.world.gateway.stop()
        assert self.connection.closed_with is not None
        self.assertEqual(self.connection.closed_with[0], 1001)


class FanOutTests(ClientCase):
    """One message to many."""

    def test_broadcast(self) -> None:
        """Everybody who has signed in gets it, and nobody else."""
        _, second_connection = self.world.enter("bob")
        _, stranger = self.world.connect()
        self.house.clients.broadcast("go:notice", "hello")
        expected = [("go:notice", "hello")]
        self.assertEqual(self.connection.messages(), expected)
        self.assertEqual(second_connection.messages(), expected)
        self.assertEqual(stranger.messages(), [])

    def test_frame(self) -> None:
        """A frame is gathered from its parts behind one header."""
        self.client.send_frame(pack_header(Kind.OUTPUT, 1, 0), memoryview(b"ab"), b"cd")
        header = pack_header(Kind.OUTPUT, 1, 0)
        self.assertEqual(self.connection.frames(), [(0x82, header + b"abcd")])

    def test_find(self) -> None:
        """Clients are found by user, session and sign-in."""
        clients = self.house.clients
        self.world.enter("bob")
        assert self.client.sign_in is not None
        self.assertEqual(clients.of_user("alice"), [self.client])
        self.assertEqual(clients.of_session(self.client.session), [self.client])
        self.assertEqual(clients.of_sign_in(self.client.sign_in.id), [self.client])
        self.assertIs(clients.find(self.client.id), self.client)
        self.assertIsNone(clients.find("nobody"))


class LocationTests(ClientCase):
    """A tab's place."""

    def test_move(self) -> None:
        """A tab moves to a location, which is made, and the event tells of it."""
        events: list[object] = []
        self.house.emitter.on("go:set_location", lambda client, name: events.append(name))
        say(self.client, "go:set_location", "work")
        self.assertEqual((self.client.location, events), ("work", ["work"]))
        say(self.client, "go:get_locations", None)
        self.assertEqual(
            self.connection.messages(), [("go:locations", {"default": {}, "work": {}})]
        )

    def test_bad_name(self) -> None:
        """A name that could be read as something else is refused."""
        for name in ("", "../x", "a\x00", "x" * 65, 7, None):
            say(self.client, "go:set_location", name)
            self.assertEqual(self.error()["code"], "malformed")
        self.assertEqual(self.client.location, "default")


class OpenTests(SynchronousTestCase):
    """Before anybody has signed in."""

    def test_ping_is_bounded(self) -> None:
        """A ping comes back as it was, up to 1 KiB."""
        client, connection = World().connect()
        value = {"t": [1, 2.5, None, "é"]}
        say(client, "go:ping", value)
        self.assertEqual(connection.messages(), [("go:pong", value)])
        say(client, "go:ping", "x" * 1100)
        ((name, _),) = connection.messages()
        self.assertEqual(name, "go:error")
