"""Tests of the address that sends people to a provider, and to which they come back."""

from __future__ import annotations

from collections.abc import Mapping

from twisted.trial.unittest import SynchronousTestCase

from gotwist.auth.conversation import Asking, Proven, Question
from gotwist.auth.openid.flows import Flow, Flows
from gotwist.auth.openid.refusal import UNREACHABLE, Refused
from gotwist.auth.user import User
from gotwist.errors import Unavailable
from gotwist.web.openid import ProviderPage
from gotwist.web.request import Request
from gotwist.web.signin import SignInLink
from gotwist.web.ways import Ways
from tests.web.support import Answer, House, settings_with

PROVIDER = "https://op.example.org/authorize?client_id=x"


class Party:
    """A provider that believes the code ``good``."""

    def __init__(self) -> None:
        self.flows = Flows(lambda: 0.0)
        self.is_there = True
        self.begun: list[Flow] = []

    async def begin(
        self, redirect_uri: str, next: str, peer: str, binding: str | None
    ) -> tuple[str, Flow]:
        if not self.is_there:
            raise Unavailable(UNREACHABLE)
        self.begun.append(self.flows.begin("oidc", redirect_uri, next, peer, binding))
        return PROVIDER, self.begun[-1]

    async def finish(
        self, fields: Mapping[str, str], peer: str, binding: str | None
    ) -> tuple[User, Flow]:
        if not self.is_there:
            raise Unavailable(UNREACHABLE)
        flow = self.flows.take("oidc", fields.get("state"), binding)
        if fields.get("code") != "good":
            raise Refused("not good")
        return User("alice", "oidc"), flow


class OpenIdTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.party = Party()

        def detour(request: Request, fields: Mapping[str, str]) -> str | None:
            return "oidc" if "state" in fields else None

        self.house = House(
            ways=Ways(
                links=(SignInLink("Sign in elsewhere", "auth/oidc"),),
                pages={"oidc": lambda it: ProviderPage(it, self.party, "oidc", "auth/oidc")},
                detours=(detour,),
            )
        )

    def begin(self, query: str = "", host: str = "localhost", **headers: str) -> tuple[Answer, str]:
        """Go off; the answer, and the cookie that binds."""
        answer = self.house.ask(f"/auth/oidc{query}", host=host, more=headers)
        cookie = (answer.header("set-cookie") or "").partition(";")[0]
        return answer, cookie

    def come_back(self, cookie: str, code: str = "good", **headers: str) -> Answer:
        state = self.party.begun[-1].state
        if cookie:
            headers["Cookie"] = cookie
        return self.house.ask(f"/auth/oidc?state={state}&code={code}", more=headers)

    def test_there(self) -> None:
        """Who wants to sign in is sent to the provider, with a cookie that comes back with him."""
        answer, _ = self.begin("?next=/x")
        self.assertEqual((answer.status, answer.header("location")), (303, PROVIDER))
        cookie = answer.header("set-cookie") or ""
        for part in ("gotwist-flow-oidc=", "HttpOnly", "SameSite=Lax", "Max-Age=600", "Path=/"):
            self.assertIn(part, cookie)
        [flow] = self.party.begun
        self.assertEqual(flow.redirect_uri, "http://localhost/auth/oidc")
        self.assertEqual(flow.next, "/x")

    def test_through_a_proxy(self) -> None:
        """The address to come back to is the one the browser knows; the cookie is secure there."""
        proxied = {"trusted_proxies": ("127.0.0.1",), "origins": ("https://shell.example.org",)}
        self.house.site.apply(settings_with(**proxied))
        answer, _ = self.begin(
            host="shell.example.org", X_Forwarded_Proto="https", X_Forwarded_For="203.0.113.7"
        )
        self.assertEqual(self.party.begun[-1].redirect_uri, "https://shell.example.org/auth/oidc")
        self.assertEqual(self.party.begun[-1].network, "203.0.113.7")
        cookie = answer.header("set-cookie") or ""
        self.assertTrue(cookie.startswith("__Host-gotwist-flow-oidc="))
        self.assertIn("; Secure", cookie)

    def test_and_back(self) -> None:
        """Who comes back is signed in and goes on to where he wanted to."""
        _, cookie = self.begin("?next=/x")
        answer = self.come_back(cookie)
        self.assertEqual((answer.status, answer.header("location")), (303, "/x"))
        self.assertIn("SameSite=Strict", answer.header("set-cookie") or "")
        self.assertEqual(self.house.desk.arrived[-1].user.upn, "alice")

    def test_back_from_another_site(self) -> None:
        """Sent by another site, he goes on by a page of ours: strict cookies need that."""
        _, cookie = self.begin("?next=/x")
        answer = self.come_back(cookie, Sec_Fetch_Site="cross-site")
        self.assertEqual(answer.status, 200)
        self.assertIn(b'content="0;url=/x"', answer.body)
        self.assertIsNotNone(answer.header("set-cookie"))

    def test_at_the_sign_in_address(self) -> None:
        """A provider may send people to the sign-in address itself."""
        _, cookie = self.begin()
        state = self.party.begun[-1].state
        answer = self.house.ask(f"/auth?state={state}&code=good", Cookie=cookie)
        self.assertEqual(answer.status, 303)

    def test_refused(self) -> None:
        """A bad answer, an unknown state and another browser get a page that leads back."""
        _, cookie = self.begin()
        answers = [self.come_back(cookie, code="bad")]
        _, cookie = self.begin()
        answers.append(self.come_back(""))
        _, cookie = self.begin()
        answers.append(self.come_back("gotwist-flow-oidc=" + "A" * 43))
        answers.append(self.house.ask("/auth/oidc?state=x&code=good", Cookie=cookie))
        answers.append(self.house.ask("/auth/oidc?error=access_denied"))
        for answer in answers:
            self.assertEqual(answer.status, 403)
            self.assertIn(b'href="/"', answer.body)
            self.assertIsNone(answer.header("set-cookie"))
        self.assertEqual(self.house.desk.arrived, [])
        self.assertEqual(self.house.desk.refusals, [("oidc", "127.0.0.1")] * 4)

    def test_provider_away(self) -> None:
        """Without the provider there is a sentence, at both ends."""
        _, cookie = self.begin()
        self.party.is_there = False
        for answer in (self.come_back(cookie), self.begin()[0]):
            self.assertEqual(answer.status, 503)
            self.assertIn(b"try again later", answer.body)

    def test_open_redirect(self) -> None:
        """Nobody is led to another site."""
        for next in ("https://evil.example.org", "//evil.example.org", "/%5Cevil", "%0d%0ax"):
            _, cookie = self.begin(f"?next={next}")
            self.assertEqual(self.come_back(cookie).header("location"), "/")

    def test_not_by_others(self) -> None:
        """A page of another site, fetching ahead and HEAD begin nothing."""
        for headers in ({"Sec_Fetch_Site": "cross-site"}, {"Sec_Purpose": "prefetch"}):
            answer, cookie = self.begin("?next=/x", **headers)
            self.assertIn(answer.status, (200, 503))
            self.assertEqual(cookie, "")
        page = self.begin("?next=/x", Sec_Fetch_Site="cross-site")[0].body
        self.assertIn(b'href="/auth/oidc?next=/x"', page)
        self.assertEqual(self.house.ask("/auth/oidc", "HEAD").status, 200)
        self.assertEqual(self.house.ask("/auth/oidc", "POST", body=b"x").status, 405)
        self.assertEqual(self.party.begun, [])

    def test_second_factor(self) -> None:
        """A second factor is asked for here, before there is any cookie of a sign-in."""
        self.house.desk.asks = Asking(Question(()), Nothing())
        _, cookie = self.begin()
        answer = self.come_back(cookie)
        self.assertEqual(answer.status, 200)
        self.assertIn("gotwist-step=", answer.header("set-cookie") or "")


class Nothing:
    """A conversation that nobody goes on with."""

    async def answer(self, texts: object) -> Proven:
        raise AssertionError

    def close(self) -> None:
        pass
