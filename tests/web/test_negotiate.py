"""Tests of the address at which a browser may show a Kerberos ticket."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from gotwist.auth.credentials import PasswordCredentials
from gotwist.auth.user import User
from gotwist.errors import Denied, Unavailable
from gotwist.web.negotiate import PAGE, NegotiatePage, negotiates
from gotwist.web.request import Request
from gotwist.web.signin import SignInLink
from gotwist.web.ways import Ways
from tests.web.support import Answer, House, settings_with

FAR = "203.0.113.7"


@dataclass
class Accepted:
    user: User
    reply: bytes


class Negotiator:
    """Knows the ticket ``good``."""

    def __init__(self) -> None:
        self.tokens: list[bytes] = []
        self.held: Deferred[None] | None = None

    async def judge(self, token: bytes, peer: str) -> Accepted:
        self.tokens.append(token)
        if self.held is not None:
            await self.held
        if token == b"busy":
            raise Unavailable("Too many people.")
        if token != b"good":
            raise Denied("Not this <ticket>.")
        return Accepted(User("alice@R", "kerberos"), b"reply")


class NegotiateTests(SynchronousTestCase):
    realm: str | None = None

    def setUp(self) -> None:
        self.negotiator = Negotiator()

        def detour(request: Request, fields: Mapping[str, str]) -> str | None:
            return PAGE if negotiates(request) else None

        self.house = House(
            ways=Ways(
                links=(SignInLink("Sign in with Kerberos", "auth/negotiate"),),
                pages={PAGE: lambda it: NegotiatePage(it, self.negotiator, self.realm)},
                detours=(detour,),
            )
        )

    def show(
        self,
        token: bytes,
        target: str = "/auth/negotiate",
        peer: str | None = None,
        **headers: str,
    ) -> Answer:
        """Show a ticket."""
        headers["Authorization"] = f"Negotiate {b64encode(token).decode()}"
        return self.house.ask(target, peer=peer, more=headers)

    def test_challenge(self) -> None:
        """Without a ticket there is a challenge, and a page with the other ways."""
        answer = self.house.ask("/auth/negotiate?next=/x")
        self.assertEqual(answer.status, 401)
        self.assertEqual(answer.header("www-authenticate"), "Negotiate")
        self.assertIn(b'href="/auth/negotiate?next=/x"', answer.body)
        self.assertIn(b'href="/"', answer.body)

    def test_good(self) -> None:
        """A ticket signs in, and the service's own proof goes back with the answer."""
        for target in ("/auth/negotiate?next=/x", "/auth?next=/x"):
            answer = self.show(b"good", target)
            self.assertEqual((answer.status, answer.header("location")), (303, "/x"))
            proof = b64encode(b"reply").decode()
            self.assertEqual(answer.header("www-authenticate"), f"Negotiate {proof}")
            self.assertIsNotNone(answer.header("set-cookie"))
            self.assertEqual(self.house.desk.arrived[-1].user.upn, "alice@R")

    def test_scheme_in_any_case(self) -> None:
        """The scheme's name may be written in any case."""
        text = b64encode(b"good").decode()
        self.assertEqual(
            self.house.ask("/auth/negotiate", Authorization=f"NEGOTIATE {text}").status, 303
        )

    def test_refused(self) -> None:
        """A bad ticket is refused for good: no second challenge, no cookie, words as text."""
        answer = self.show(b"bad")
        self.assertEqual(answer.status, 403)
        self.assertIsNone(answer.header("www-authenticate"))
        self.assertIsNone(answer.header("set-cookie"))
        self.assertIn(b"Not this &lt;ticket&gt;.", answer.body)
        self.assertEqual(self.house.desk.refusals, [("kerberos", "127.0.0.1")])

    def test_unreadable(self) -> None:
        """What is not base 64, or comes twice, is refused without being judged."""
        for text in ("!", "Zm9v Zm9v", "ä", "Zg"):
            answer = self.house.ask("/auth/negotiate", Authorization=f"Negotiate {text}")
            self.assertEqual(answer.status, 403, text)
        self.assertEqual(self.negotiator.tokens, [])

    def test_other_schemes(self) -> None:
        """Other schemes are answered by the challenge; NTLM is none of ours."""
        for text in ("NTLM TlRMTVNTUAAB", "Bearer Zm9v", "Basic YTpi"):
            answer = self.house.ask("/auth/negotiate", Authorization=text)
            self.assertEqual(answer.header("www-authenticate"), "Negotiate", text)
        self.assertEqual(self.house.desk.offered, [])

    def test_busy(self) -> None:
        """When it cannot be judged now, that is no refusal."""
        self.assertEqual(self.show(b"busy").status, 503)

    def test_plain_http(self) -> None:
        """Over plain HTTP a ticket is taken from this machine only."""
        answer = self.show(b"good", peer=FAR)
        self.assertEqual(answer.status, 403)
        self.assertIn(b"HTTPS only", answer.body)
        self.assertEqual(self.house.ask("/auth/negotiate", peer=FAR).status, 403)
        self.assertEqual(self.negotiator.tokens, [])
        self.house.site.apply(settings_with(trusted_proxies=("127.0.0.1",)))
        proxied = {"X_Forwarded_For": FAR, "X_Forwarded_Proto": "https"}
        self.assertEqual(self.show(b"good", **proxied).status, 303)

    def test_not_by_others(self) -> None:
        """A page of another site, fetching ahead and HEAD cause no sign-in."""
        answer = self.show(b"good", Sec_Fetch_Site="cross-site")
        self.assertEqual(answer.status, 200)
        self.assertIn(b'href="/auth/negotiate"', answer.body)
        self.assertEqual(self.show(b"good", Sec_Purpose="prefetch").status, 503)
        self.assertEqual(self.house.ask("/auth/negotiate", "HEAD").status, 200)
        self.assertEqual(self.house.ask("/auth/negotiate", "POST", body=b"x").status, 405)
        self.assertEqual(self.negotiator.tokens, [])

    def test_open_redirect(self) -> None:
        """Nobody is led to another site."""
        for next in ("https://evil.example.org", "//evil.example.org", "/%5Cevil"):
            self.assertEqual(
                self.show(b"good", f"/auth/negotiate?next={next}").header("location"), "/"
            )
            self.assertNotIn(b"evil", self.house.ask(f"/auth/negotiate?next={next}").body)

    def test_client_that_goes(self) -> None:
        """A client that goes while its ticket is judged is forgotten."""
        self.negotiator.held = Deferred()
        connection = self.house.connect()
        connection.send(
            b"GET /auth/negotiate HTTP/1.1\r\nHost: localhost\r\n"
            b"Authorization: Negotiate Z29vZA==\r\n\r\n"
        )
        connection.lose()
        self.assertEqual(self.negotiator.tokens, [b"good"])
        self.assertEqual(self.house.desk.arrived, [])


class BasicTests(NegotiateTests):
    """The same where names and passwords are taken too."""

    realm = "EXAMPLE"

    def test_challenge(self) -> None:
        """Basic stands beside Negotiate."""
        connection = self.house.connect()
        connection.send(b"GET /auth/negotiate HTTP/1.1\r\nHost: localhost\r\n\r\n")
        raw = bytes(connection.transport.value()).lower()
        self.assertIn(b"www-authenticate: negotiate\r\n", raw)
        self.assertIn(b'www-authenticate: basic realm="example", charset="utf-8"\r\n', raw)

    def test_password(self) -> None:
        """A name and a password are judged as everywhere else."""
        pair = b64encode(b"alice:right").decode()
        answer = self.house.ask("/auth/negotiate?next=/x", Authorization=f"Basic {pair}")
        self.assertEqual((answer.status, answer.header("location")), (303, "/x"))
        self.assertEqual(self.house.desk.offered, [PasswordCredentials("alice", "right")])

    def test_browsers(self) -> None:
        """A browser is not offered Basic: it would ask its user in a box of its own."""
        browser = {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Site": "none"}
        answer = self.house.ask("/auth/negotiate", more=browser)
        self.assertEqual(answer.header("www-authenticate"), "Negotiate")

    def test_wrong_password(self) -> None:
        """A wrong one may be tried again, over TLS or from here only."""
        for pair in (b"alice:wrong", b"bob:right"):
            text = b64encode(pair).decode()
            answer = self.house.ask("/auth/negotiate", Authorization=f"Basic {text}")
            self.assertEqual(answer.status, 401)
            self.assertIn("Basic", answer.header("www-authenticate") or "")
        offered = len(self.house.desk.offered)
        text = b64encode(b"alice:right").decode()
        answer = self.house.ask("/auth/negotiate", Authorization=f"Basic {text}", peer=FAR)
        self.assertEqual((answer.status, len(self.house.desk.offered)), (403, offered))

    def test_refused(self) -> None:
        """After a bad ticket a password may be given, and no other ticket."""
        answer = self.show(b"bad")
        self.assertEqual(answer.status, 401)
        self.assertTrue((answer.header("www-authenticate") or "").startswith("Basic "))
        self.assertIsNone(answer.header("set-cookie"))

    def test_unreadable(self) -> None:
        """What cannot be read is refused without being judged."""
        answer = self.house.ask("/auth/negotiate", Authorization="Negotiate !")
        self.assertEqual(answer.status, 401)
        self.assertEqual(self.negotiator.tokens, [])

    def test_other_schemes(self) -> None:
        """Other schemes are answered by the challenge."""
        answer = self.house.ask("/auth/negotiate", Authorization="Bearer Zm9v")
        self.assertEqual(answer.status, 401)
