"""One connection of the authentication service: lines in, an answer to each, in their order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import cast

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import (
    IDelayedCall,
    IHalfCloseableProtocol,
    IPushProducer,
    IReactorTime,
)
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.internet.tcp import Connection
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from gotwist.auth.line import Answer, Lines, Request, parse_line
from gotwist.auth.pam.judging import Judges
from gotwist.auth.unix.peers import Peer, PeerRule, peer_of
from gotwist.errors import Malformed

log = Logger()

#: Without a complete line, from the beginning or from the last answer; no byte renews it.
DEADLINE_S = 10.0
MOST_CONNECTIONS = 512
#: Lines of one connection that are under way at a time; nothing is read beyond them.
MOST_AT_ONCE = 16
#: How often the same oddity of the same account is told.
TELL_EVERY_S = 60.0

#: Hears the verdicts: the request, who asked, whether the password was right.
Told = Callable[[Request, Peer, bool], None]
#: Tells who sits at the other end of a transport.
FindPeer = Callable[[Connection], Peer]


def peer_of_transport(transport: Connection) -> Peer:
    """Ask the kernel who connected."""
    return peer_of(transport.getHandle())


class Slot:
    """The place of one answer among the others."""

    answer: Answer | None = None


@implementer(IHalfCloseableProtocol, IPushProducer)
class AuthProtocol(Protocol):
    """One client."""

    factory: AuthFactory

    def __init__(self) -> None:
        self._lines = Lines()
        self._unread: deque[bytes | None] = deque()
        self._slots: deque[Slot] = deque()
        self._deadline: IDelayedCall | None = None
        self._is_ending = False
        self._is_clogged = False
        self._is_lost = False
        self.has_asked = False
        self.peer: Peer | None = None

    @property
    def _wire(self) -> Connection:
        # What Twisted declares for all transports knows neither producers nor an abort.
        return cast(Connection, self.transport)

    def connectionMade(self) -> None:
        """Let nobody in but those who are allowed to ask."""
        try:
            peer = self.factory.find_peer(self._wire)
        except OSError:
            self._abort()
            return
        if not self.factory.rule.admits(peer):
            self.factory.tell("refused, not on the list of those who may ask", peer)
            self._abort()
            return
        self.peer = peer
        if not self.factory.enter(self):
            self._abort()
            return
        self._wire.registerProducer(self, True)
        self._rearm()

    def dataReceived(self, data: bytes) -> None:
        """Take what has come, in whatever pieces."""
        if self.peer is None or self._is_lost:
            return
        self._unread += self._lines.feed(data)
        self._go_on()

    def readConnectionLost(self) -> None:
        """Nothing more will be asked; what has been asked is answered yet."""
        if self._lines.has_part:
            self._unread.append(None)
            self._lines = Lines()
        self._is_ending = True
        self._go_on()

    def writeConnectionLost(self) -> None:
        """Nobody hears the answers."""
        self._abort()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Forget everything; checks that are under way end for nobody."""
        self._is_lost = True
        self._stop_deadline()
        self._unread.clear()
        self.factory.leave(self)

    def pauseProducing(self) -> None:
        """Read nothing more from a client that does not take its answers."""
        self._is_clogged = True
        self._regulate()

    def resumeProducing(self) -> None:
        """Go on."""
        self._is_clogged = False
        self._go_on()

    def stopProducing(self) -> None:
        """The connection ends."""

    def evict(self) -> None:
        """Make room for somebody else."""
        self._abort()

    def _go_on(self) -> None:
        while self._unread and len(self._slots) < MOST_AT_ONCE and not self._is_clogged:
            self._begin(self._unread.popleft())
        if self._is_lost:
            return
        self._regulate()
        if self._is_ending and not self._slots and not self._unread:
            self._lose()

    def _begin(self, line: bytes | None) -> None:
        assert self.peer is not None
        self._stop_deadline()
        self.has_asked = True
        slot = Slot()
        self._slots.append(slot)
        try:
            if line is None:
                raise Malformed("The line is too long.")
            request = parse_line(line)
        except Malformed as problem:
            self.factory.tell(f"sent what is no request ({problem.message})", self.peer)
            self._answer(slot, Answer.BAD)
            return
        Deferred.fromCoroutine(self._judge(slot, request))

    async def _judge(self, slot: Slot, request: Request) -> None:
        try:
            is_right = await self.factory.judges.judge(request)
        except Exception:
            log.failure("authentication service: a check failed")
            is_right = False
        assert self.peer is not None
        if not self._is_lost:
            self.factory.judged(request, self.peer, is_right)
            self._answer(slot, Answer.OK if is_right else Answer.FAIL)
            self._go_on()

    def _answer(self, slot: Slot, answer: Answer) -> None:
        """Note an answer, and give all that are next in the row."""
        slot.answer = answer
        while self._slots and (ready := self._slots[0].answer) is not None:
            self._slots.popleft()
            self._wire.write(ready.value)
        if not self._slots:
            self._rearm()

    def _regulate(self) -> None:
        """Read only while there is room for more."""
        if self._is_lost or self._is_ending:
            return
        if self._is_clogged or len(self._slots) >= MOST_AT_ONCE:
            self._wire.pauseProducing()
        else:
            self._wire.resumeProducing()

    def _rearm(self) -> None:
        self._stop_deadline()
        self._deadline = self.factory.clock.callLater(DEADLINE_S, self._too_late)

    def _stop_deadline(self) -> None:
        if self._deadline is not None and self._deadline.active():
            self._deadline.cancel()
        self._deadline = None

    def _too_late(self) -> None:
        self._deadline = None
        self._abort()

    def _lose(self) -> None:
        self._stop_deadline()
        self._wire.unregisterProducer()
        self._wire.loseConnection()
        # The last answers may find nobody to take them.
        if not self._is_lost:
            self._deadline = self.factory.clock.callLater(DEADLINE_S, self._too_late)

    def _abort(self) -> None:
        self._stop_deadline()
        self._wire.abortConnection()


class AuthFactory(Factory):
    """All connections of one door.

    :param rule: who may ask
    :param told: called with each verdict
    """

    noisy = False

    def __init__(
        self,
        judges: Judges,
        rule: PeerRule,
        clock: IReactorTime,
        *,
        told: Told = lambda request, peer, is_right: None,
        find_peer: FindPeer = peer_of_transport,
        most: int = MOST_CONNECTIONS,
    ) -> None:
        self.judges = judges
        self.rule = rule
        self.clock = clock
        self.find_peer = find_peer
        self._told = told
        self._most = most
        # In the order in which they came.
        self.connections: dict[AuthProtocol, None] = {}
        self._last_told: dict[tuple[int, str], float] = {}

    def buildProtocol(self, address: object) -> AuthProtocol:  # type: ignore[override]
        """Make the protocol of one client."""
        protocol = AuthProtocol()
        protocol.factory = self
        return protocol

    def enter(self, connection: AuthProtocol) -> bool:
        """Take a connection in; when all places are taken, one that never asked gives way."""
        if len(self.connections) >= self._most:
            idle = next((one for one in self.connections if not one.has_asked), None)
            if idle is None:
                return False
            del self.connections[idle]
            idle.evict()
        self.connections[connection] = None
        return True

    def leave(self, connection: AuthProtocol) -> None:
        """A connection has ended."""
        self.connections.pop(connection, None)

    def judged(self, request: Request, peer: Peer, is_right: bool) -> None:
        """Tell a verdict."""
        self._told(request, peer, is_right)

    def tell(self, what: str, peer: Peer) -> None:
        """Log an oddity, once a minute for the same account."""
        now = self.clock.seconds()
        key = (peer.uid, what)
        if now - self._last_told.get(key, -TELL_EVERY_S) < TELL_EVERY_S:
            return
        if len(self._last_told) >= 1000:
            self._last_told.clear()
        self._last_told[key] = now
        log.warn(
            "authentication service: uid {uid} {what}",
            uid=peer.uid,
            what=what,
        )
