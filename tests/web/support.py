"""A whole site in memory: requests are bytes in, answers are bytes out, time is a Clock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from twisted.internet.address import IPv4Address, UNIXAddress
from twisted.internet.error import ConnectionDone
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure
from twisted.web.resource import IResource

from gotwist.auth.conversation import (
    Asking,
    Conversation,
    MoreAsked,
    Prompt,
    Proven,
    Question,
    Step,
)
from gotwist.auth.credentials import Credentials, PasswordCredentials
from gotwist.auth.user import User
from gotwist.errors import Denied, Unavailable
from gotwist.web.channel import Channel
from gotwist.web.options import WebSettings
from gotwist.web.questions import OpenQuestions
from gotwist.web.resources import HouseParts, build_root
from gotwist.web.signin import SignInTicket, SignInView
from gotwist.web.site import Site
from gotwist.web.static import Bundle, StaticFile
from gotwist.web.ways import Ways

ALICE = SignInView("alice", "session-alice")
COOKIE = "alice-cookie"
TEMPLATE = (
    '<!doctype html><html><head><meta name="gotwist" content="{{settings}}">'
    '<link rel="stylesheet" href="{{base}}static/{{main_css}}">'
    '<script type="module" src="{{base}}static/{{main_js}}"></script></head><body></body></html>'
)
BUNDLE = Bundle(
    files={
        "main-ABCDEFGH.js": StaticFile(
            "text/javascript; charset=utf-8",
            True,
            {"": (b"plain", '"p"'), "br": (b"brotli", '"b"'), "gzip": (b"gzip", '"g"')},
        ),
        "icon.svg": StaticFile("image/svg+xml; charset=utf-8", False, {"": (b"<svg/>", '"i"')}),
    },
    manifest={"main.js": "main-ABCDEFGH.js", "main.css": "main-ABCDEFGH.css"},
    template=TEMPLATE,
)
SETTINGS = WebSettings(static_directory=Path("/nowhere"), session_directory=Path("/nowhere"))


@dataclass
class Desk:
    """A SignInDesk that knows alice, whose password is right after the code 123456."""

    offered: list[Credentials] = field(default_factory=list)
    arrived: list[Proven] = field(default_factory=list)
    refusals: list[tuple[str, str]] = field(default_factory=list)
    asks: Asking | None = None
    """What is asked of who has proven something by a page of a method."""
    closed: int = 0
    tokens: set[str] = field(default_factory=lambda: {"good-token"})
    signed_in: dict[str, SignInView] = field(default_factory=lambda: {COOKIE: ALICE})
    greets: bool = False
    peers: list[str] = field(default_factory=list)

    async def take_launch_token(self, token: str, peer: str) -> SignInTicket:
        self.peers.append(peer)
        if token not in self.tokens:
            raise Denied("This link is not valid any more.")
        self.tokens.remove(token)
        self.signed_in["fresh-cookie"] = ALICE
        return SignInTicket("fresh-cookie", ALICE, 3600)

    async def welcome(self, peer: str) -> SignInTicket | None:
        if not self.greets:
            return None
        return SignInTicket("free-cookie", SignInView("ANONYMOUS", "session-free"))

    async def offer(self, credentials: Credentials, peer: str) -> SignInTicket:
        self.peers.append(peer)
        self.offered.append(credentials)
        if credentials == PasswordCredentials("alice", "right"):
            return self._ticket()
        if credentials == PasswordCredentials("alice", "half"):
            raise MoreAsked(Asking(Question((Prompt("Code <b>: ", True),), ("Look.",)), Code(self)))
        if credentials == PasswordCredentials("alice", "late"):
            raise Unavailable("Come back later.")
        raise Denied("Please sign in.")

    async def go_on(
        self, conversation: Conversation, texts: Sequence[str], peer: str
    ) -> SignInTicket:
        await conversation.answer(texts)
        return self._ticket()

    async def look(self, credentials: Credentials, peer: str) -> SignInView:
        return (await self.offer(credentials, peer)).view

    def turned_away(self, way: str, peer: str) -> None:
        self.refusals.append((way, peer))

    async def arrive(self, proven: Proven, peer: str) -> SignInTicket:
        self.peers.append(peer)
        if self.asks is not None:
            raise MoreAsked(self.asks)
        self.arrived.append(proven)
        return self._ticket()

    def _ticket(self) -> SignInTicket:
        self.signed_in["fresh-cookie"] = ALICE
        return SignInTicket("fresh-cookie", ALICE, 3600)

    def find(self, cookie_value: str, peer: str = "") -> SignInView | None:
        return self.signed_in.get(cookie_value)

    async def sign_out(self, cookie_value: str) -> None:
        self.signed_in.pop(cookie_value, None)


class Code:
    """Asks for a code."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def answer(self, texts: Sequence[str]) -> Step:
        if list(texts) != ["123456"]:
            raise Denied("no")
        return Proven(User("alice", "file"))

    def close(self) -> None:
        self._desk.closed += 1


class MemoryTransport(StringTransport):
    """A transport that can be cut, and paused after its end has begun (as real ones can)."""

    def __init__(self, peer: object) -> None:
        super().__init__(IPv4Address("TCP", "127.0.0.1", 10443), peer)
        self.disconnected = False

    def pauseProducing(self) -> None:
        self.producerState = "paused"

    def abortConnection(self) -> None:
        self.disconnected = True


@dataclass(frozen=True)
class Answer:
    """One parsed HTTP answer."""

    status: int
    headers: dict[str, list[str]]
    body: bytes

    def header(self, name: str) -> str | None:
        """Give a header that may stand once; ``None`` without it."""
        values = self.headers.get(name.lower(), [])
        assert len(values) <= 1, f"{name} stands {len(values)} times"
        return values[0] if values else None


def parse_answers(data: bytes, *, head: bool = False) -> list[Answer]:
    """Parse everything a server wrote; ``head``: the answers have no bodies."""
    answers = []
    while data:
        top, _, data = data.partition(b"\r\n\r\n")
        first, *lines = top.decode("latin-1").split("\r\n")
        headers: dict[str, list[str]] = {}
        for line in lines:
            name, _, value = line.partition(": ")
            headers.setdefault(name.lower(), []).append(value)
        status = int(first.split(" ")[1])
        size = int(headers.get("content-length", ["0"])[0])
        if head or status in (204, 304):
            size = 0
        answers.append(Answer(status, headers, data[:size]))
        data = data[size:]
    return answers


class Connection:
    """One client of a site."""

    def __init__(self, site: Site, peer: object | None = None) -> None:
        address = IPv4Address("TCP", "127.0.0.1", 40000) if peer is None else peer
        self.transport = MemoryTransport(address)
        self.channel: Channel = site.buildProtocol(None)
        self.channel.makeConnection(self.transport)

    def send(self, data: bytes) -> None:
        """Let bytes arrive."""
        self.channel.dataReceived(data)

    def answers(self, *, head: bool = False) -> list[Answer]:
        """Take what has been answered so far."""
        data = self.transport.value()
        self.transport.clear()
        return parse_answers(data, head=head)

    def lose(self) -> None:
        """Let the connection end from the other side."""
        self.channel.connectionLost(Failure(ConnectionDone()))

    @property
    def is_closing(self) -> bool:
        """True when the server has ended its side."""
        return bool(self.transport.disconnecting)

    @property
    def is_aborted(self) -> bool:
        """True when the server has cut the connection."""
        return self.transport.disconnected


class House:
    """A site with its clock and desk."""

    def __init__(
        self,
        settings: WebSettings = SETTINGS,
        *,
        downloads: IResource | None = None,
        root: IResource | None = None,
        websocket: IResource | None = None,
        ways: Ways | None = None,
    ) -> None:
        self.clock = Clock()
        self.desk = Desk()
        self.parts = HouseParts(
            self.desk,
            BUNDLE,
            lambda view: {"user": view.upn, "x": "</script>\"'"},
            lambda: ("terminal", "example"),
            websocket=websocket,
            questions=OpenQuestions(self.clock),
            ways=ways or Ways(),
        )
        prefix = settings.prefix
        self.site = Site(
            root or build_root(self.parts, prefix, downloads),
            settings,
            self.clock,
            body_limit=lambda target: self.parts.handlers.body_limit(prefix, target),
        )

    def connect(self, peer: str | None = None) -> Connection:
        """Open a connection from an address; ``unix`` for the UNIX socket."""
        if peer == "unix":
            return Connection(self.site, UNIXAddress(None))
        return Connection(self.site, IPv4Address("TCP", peer, 40000) if peer else None)

    def ask(
        self,
        target: str,
        method: str = "GET",
        *,
        host: str | None = "localhost",
        body: bytes = b"",
        peer: str | None = None,
        more: Mapping[str, str] | None = None,
        **headers: str,
    ) -> Answer:
        """Ask for something on a fresh connection; header names with ``_`` for ``-``."""
        headers |= more or {}
        lines = [f"{method} {target} HTTP/1.1"]
        if host is not None:
            lines.append(f"Host: {host}")
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        if body:
            lines.append(f"Content-Length: {len(body)}")
        connection = self.connect(peer)
        connection.send("\r\n".join(lines).encode("utf-8") + b"\r\n\r\n" + body)
        answers = connection.answers(head=method == "HEAD")
        connection.lose()
        assert len(answers) == 1, answers
        assert method != "HEAD" or not answers[0].body
        return answers[0]


def settings_with(**changes: object) -> WebSettings:
    """Give the settings of the tests, changed."""
    return replace(SETTINGS, **changes)  # type: ignore[arg-type]
