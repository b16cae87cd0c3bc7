"""Tests of the sign-in desk: who gets a ticket, who is known by a cookie, and for how long."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import TypeVar

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from gotwist.auth.authenticator import build_authenticator
from gotwist.auth.signins import SignIns
from gotwist.auth.tokens import LAUNCH, MemoryTokenStore, mint_token
from gotwist.auth.user import User
from gotwist.errors import Denied
from gotwist.web.desk import Desk
from gotwist.web.signin import SignInTicket

T = TypeVar("T")


class DeskTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.saved = 0
        self.signins = SignIns("secret", self.clock.seconds)
        self.tokens = MemoryTokenStore(self.clock.seconds)
        self.desk = self.open("token")

    def open(self, method: str) -> Desk:
        authenticator = build_authenticator(
            (method,), self.signins, self.tokens, self.clock.seconds, launch_max_age_s=lambda: 60
        )
        return Desk(
            authenticator,
            self.signins,
            self.save,
            methods=frozenset({method, "token"}),
            welcomes=method == "none",
            max_age_s=99,
        )

    async def save(self) -> None:
        self.saved += 1

    def wait(self, awaitable: Awaitable[T]) -> T:
        async def run() -> T:
            return await awaitable

        return self.successResultOf(Deferred.fromCoroutine(run()))

    def launch(self) -> SignInTicket:
        minted = mint_token(self.tokens, "anna", LAUNCH, self.clock.seconds(), ttl_s=60)
        return self.wait(self.desk.take_launch_token(self.wait(minted), "192.0.2.1"))

    def test_launch(self) -> None:
        """A launch token gives a cookie, which is on the disk before the browser has it."""
        ticket = self.launch()
        self.assertEqual((ticket.view.upn, ticket.max_age_s, self.saved), ("anna", 99, 1))
        self.assertEqual(self.desk.find(ticket.cookie_value, "192.0.2.1"), ticket.view)
        self.assertEqual(ticket.view.attributes["ip_address"], "192.0.2.1")

    def test_no_launch(self) -> None:
        """A made-up token gives nothing, and neither does a used one."""
        minted = self.wait(mint_token(self.tokens, "anna", LAUNCH, 0.0, ttl_s=60))
        self.wait(self.desk.take_launch_token(minted, "192.0.2.1"))
        for token in (minted, "wstoken" + "0" * 64, ""):
            taking = Deferred.fromCoroutine(self.desk.take_launch_token(token, "192.0.2.1"))
            self.failureResultOf(taking, Denied)
        self.assertEqual(self.saved, 1)

    def test_welcome(self) -> None:
        """Somebody who brings nothing is signed in where the settings say so, and only there."""
        self.assertIsNone(self.wait(self.desk.welcome("192.0.2.1")))
        ticket = self.wait(self.open("none").welcome("192.0.2.1"))
        assert ticket is not None
        self.assertEqual(ticket.view.upn, "ANONYMOUS")

    def test_method_that_is_not_used_any_more(self) -> None:
        """A cookie made without authentication counts for nothing once there is one."""
        free = self.open("none")
        ticket = self.wait(free.welcome("192.0.2.1"))
        assert ticket is not None
        self.assertIsNotNone(free.find(ticket.cookie_value))
        self.assertIsNone(self.desk.find(ticket.cookie_value))
        pam = self.signins.issue(User("anna", "pam"))
        self.assertIsNone(self.desk.find(pam.cookie))

    def test_sign_out(self) -> None:
        """Signing out ends the sign-in and is kept; a stranger's cookie ends nothing."""
        ticket = self.launch()
        self.wait(self.desk.sign_out("nonsense"))
        self.assertEqual(self.saved, 1)
        self.wait(self.desk.sign_out(ticket.cookie_value))
        self.assertEqual(self.saved, 2)
        self.assertIsNone(self.desk.find(ticket.cookie_value))
