"""Tests of what is told of sign-ins: who came, who was refused, and what is nobody's business."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from gotwist.auth.authenticator import Checker, build_authenticator
from gotwist.auth.conversation import Asking, MoreAsked, Prompt, Proven, Question, Step
from gotwist.auth.credentials import (
    ApiCredentials,
    CookieCredentials,
    Credentials,
    NoCredentials,
    PasswordCredentials,
    TokenCredentials,
)
from gotwist.auth.signins import SignIn, SignIns
from gotwist.auth.tokens import MemoryTokenStore, mint_token
from gotwist.auth.user import User
from gotwist.auth.witness import Witness
from gotwist.errors import Denied, GotwistError, LimitReached, Unavailable

WALL = 1_795_500_000.0
PEER = "192.0.2.7"
Event = tuple[str, dict[str, str | None]]


class Told:
    def __init__(self) -> None:
        self.events: list[Event] = []

    def record(self, event: str, **fields: str | None) -> None:
        self.events.append((event, fields))


class Code:
    """Asks for a second word, which is right when it is "42"."""

    def __init__(self, user: str) -> None:
        self.user = user
        self.is_closed = False

    async def answer(self, texts: Sequence[str]) -> Step:
        if list(texts) == ["again"]:
            return Asking(Question((Prompt("Code", True),)), Code(self.user))
        if list(texts) != ["42"]:
            raise Denied("wrong code")
        return Proven(User(self.user, "file"))

    def close(self) -> None:
        self.is_closed = True


async def judge(credentials: Credentials, peer: str) -> Step:
    assert isinstance(credentials, PasswordCredentials)
    if credentials.password == "right":
        return Proven(User(credentials.user, "file"))
    if credentials.password == "more":
        return Asking(Question((Prompt("Code", True),)), Code(credentials.user))
    if credentials.password == "often":
        raise LimitReached("Too many attempts.")
    if credentials.password == "down":
        raise Unavailable("Not now.")
    raise Denied("wrong")


class WitnessTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.told = Told()
        self.signins = SignIns("secret", lambda: WALL, on_ended=self.ended)
        self.tokens = MemoryTokenStore(lambda: 0.0)
        self.ends: list[tuple[str, str]] = []
        self.witness = self.make({PasswordCredentials: judge})

    def make(self, checkers: dict[type, Checker], *methods: str) -> Witness:
        judge = build_authenticator(
            methods or ("file",), self.signins, self.tokens, lambda: WALL, more=checkers
        )
        return Witness(judge, self.told)

    def ended(self, sign_in: SignIn, reason: str) -> None:
        self.ends.append((sign_in.user.upn, reason))

    def run_now(self, work: Awaitable[SignIn]) -> SignIn:
        async def run() -> SignIn:
            return await work

        return self.successResultOf(Deferred.fromCoroutine(run()))

    def refused(self, credentials: Credentials) -> GotwistError:
        async def run() -> None:
            await self.witness.authenticate(credentials, PEER)

        error = self.failureResultOf(Deferred.fromCoroutine(run()), GotwistError).value
        assert isinstance(error, GotwistError)
        return error

    def password(self, word: str, user: str = "alice") -> PasswordCredentials:
        return PasswordCredentials(user, word)

    def test_accepted(self) -> None:
        """A sign-in is told with address, method, user and the mark of the sign-in."""
        sign_in = self.run_now(self.witness.authenticate(self.password("right"), PEER))
        fields = {"address": PEER, "method": "file", "sign_in": sign_in.id[:16], "user": "alice"}
        self.assertEqual([("signed_in", fields)], self.told.events)
        self.assertNotIn(sign_in.cookie, str(self.told.events))

    def test_refused(self) -> None:
        """A refusal is told with its kind, and with the name as it was offered."""
        for word, reason in (("wrong", "denied"), ("often", "limited"), ("down", "unavailable")):
            self.told.events.clear()
            self.refused(self.password(word, "al\nice"))
            fields = {
                "address": PEER,
                "method": "password",
                "reason": reason,
                "user": "al\nice",
            }
            self.assertEqual([("sign_in_refused", fields)], self.told.events)
            self.assertNotIn(word, str(self.told.events).replace(reason, ""))

    def test_token(self) -> None:
        """A bad token is told without the token; a good one with its user."""
        self.refused(TokenCredentials("wstoken" + "0" * 64))
        ((event, fields),) = self.told.events
        self.assertEqual(("sign_in_refused", "token"), (event, fields["method"]))
        self.assertNotIn("wstoken", str(self.told.events))
        self.told.events.clear()
        minted = Deferred.fromCoroutine(mint_token(self.tokens, "bob", "web", WALL))
        credentials = TokenCredentials(self.successResultOf(minted))
        self.run_now(self.witness.authenticate(credentials, PEER))
        self.assertEqual("bob", self.told.events[0][1]["user"])

    def test_method_that_is_off(self) -> None:
        """Whoever tries a method that is not switched on is told as well."""
        self.refused(ApiCredentials({"upn": "eve", "signature": "secret"}))
        ((_, fields),) = self.told.events
        self.assertEqual(("api", "eve"), (fields["method"], fields["user"]))
        self.assertNotIn("secret", str(self.told.events))
        self.told.events.clear()
        self.refused(ApiCredentials({"upn": ["eve"]}))
        self.assertIsNone(self.told.events[0][1]["user"])

    def test_cookies_are_not_told(self) -> None:
        """A tab that comes back is no sign-in, and one with an old cookie guesses nothing."""
        sign_in = self.signins.issue(User("alice", "file"))
        self.run_now(self.witness.authenticate(CookieCredentials(sign_in.cookie), PEER))
        self.refused(CookieCredentials("0" * 64 + "." + "0" * 64))
        self.refused(NoCredentials())
        self.assertEqual([], self.told.events)

    def test_nobody_is_asked(self) -> None:
        """Where nobody is asked who they are, each new browser is told."""
        self.witness = self.make({}, "none")
        self.run_now(self.witness.authenticate(NoCredentials(), PEER))
        self.assertEqual(["signed_in"], [event for event, _ in self.told.events])

    def ask(self) -> Asking:
        error = self.refused(self.password("more"))
        assert isinstance(error, MoreAsked)
        return error.asking

    def test_conversation(self) -> None:
        """A further question is no refusal; its end is told with the user who was asked."""
        asking = self.ask()
        self.assertEqual([], self.told.events)
        work = self.witness.go_on(asking.conversation, ["again"], PEER)

        async def run() -> None:
            await work

        more = self.failureResultOf(Deferred.fromCoroutine(run()), MoreAsked).value
        assert isinstance(more, MoreAsked)
        self.assertEqual([], self.told.events)
        self.run_now(self.witness.go_on(more.asking.conversation, ["42"], PEER))
        self.assertEqual(["signed_in"], [event for event, _ in self.told.events])

    def test_wrong_answer(self) -> None:
        """A wrong answer to a further question is told like a wrong password."""
        work = self.witness.go_on(self.ask().conversation, ["41"], PEER)

        async def run() -> None:
            await work

        self.failureResultOf(Deferred.fromCoroutine(run()), Denied)
        ((event, fields),) = self.told.events
        self.assertEqual(("sign_in_refused", "alice"), (event, fields["user"]))

    def test_closing(self) -> None:
        """A conversation that nobody answers is closed, as it was before."""
        code = Code("alice")

        async def ask(credentials: Credentials, peer: str) -> Step:
            return Asking(Question(()), code)

        self.witness = self.make({PasswordCredentials: ask})
        self.ask().conversation.close()
        self.assertTrue(code.is_closed)

    def test_arrival(self) -> None:
        """Whom a method has proven by pages of its own is told the same way."""
        self.run_now(self.witness.arrive(Proven(User("carol", "oidc")), PEER))
        self.assertEqual(
            ("oidc", "carol"), tuple(self.told.events[0][1][n] for n in ("method", "user"))
        )

    def test_ends(self) -> None:
        """Why a sign-in has ended is told: signed out, revoked, displaced."""
        first = self.signins.issue(User("a", "file"))
        self.signins.revoke(first.id)
        self.signins.issue(User("b", "file"))
        self.signins.revoke_user("b")
        self.assertEqual([("a", "signed_out"), ("b", "revoked")], self.ends)
        few = SignIns("secret", lambda: WALL, limit=1, on_ended=self.ended)
        few.issue(User("c", "file"))
        few.issue(User("d", "file"))
        self.assertEqual(("c", "displaced"), self.ends[-1])

    def test_expiry(self) -> None:
        """A sign-in that ends by itself is told as expired."""
        now = [WALL]
        signins = SignIns("secret", lambda: now[0], on_ended=self.ended)
        signins.issue(User("a", "file"))
        now[0] += 10**6
        signins.end_expired()
        self.assertEqual([("a", "expired")], self.ends)
