"""Tests of how sign-ins outlive the daemon, and what a full disk costs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from gotwist.auth.credentials import PasswordCredentials
from gotwist.auth.signins import SignIn
from gotwist.auth.user import User
from gotwist.errors import Denied, Unavailable
from gotwist.paths import default_places
from gotwist.settings.snapshot import Snapshot
from gotwist.settings.start import open_settings
from gotwist.settings.values import Value
from gotwist.tap.signing_in import SigningIn

T = TypeVar("T")


class SigningInCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.directory = Path(self.mktemp()).absolute()
        self.directory.mkdir(parents=True)
        self.trouble: Exception | None = None
        self.waiting: list[Deferred[None]] | None = None
        self.saves = 0
        self.signing_in = self.make()

    def snapshot(self) -> Snapshot:
        places = default_places(
            is_root=False, home="/h", xdg_runtime_dir="", base=str(self.directory)
        )
        return open_settings({"session_dir": str(self.directory)}, places).source.current

    def make(self) -> SigningIn:
        snapshot = self.snapshot()
        return SigningIn(
            lambda: snapshot, lambda: 1e9 + self.clock.seconds(), self.clock, self.in_thread
        )

    def in_thread(self, function: Callable[[], T], /) -> Deferred[T]:
        self.saves += 1
        if self.trouble is not None:
            return fail(self.trouble)
        result = function()
        if self.waiting is not None:
            self.waiting.append(Deferred())
            return self.waiting[-1].addCallback(lambda _: result)
        return succeed(result)

    def save(self) -> Deferred[None]:
        return Deferred.fromCoroutine(self.signing_in.save())

    def sign_in(self) -> SignIn:
        return self.signing_in.signins.issue(User("anna", "token"))

    def wait(self, awaitable: Awaitable[T]) -> T:
        async def run() -> T:
            return await awaitable

        return self.successResultOf(Deferred.fromCoroutine(run()))


class KeepingTests(SigningInCase):
    def test_kept(self) -> None:
        """A cookie is worth as much after a restart as before; one signed out stays out."""
        kept, gone = self.sign_in(), self.sign_in()
        self.successResultOf(self.save())
        self.signing_in.signins.revoke(gone.id)
        # Without waiting for anything: the daemon may be killed the next moment.
        self.signing_in = self.make()
        self.signing_in.load()
        self.assertIsNotNone(self.signing_in.signins.find(kept.cookie))
        self.assertIsNone(self.signing_in.signins.find(gone.cookie))

    def test_written_when_changed(self) -> None:
        """The disk is left alone while nothing has changed."""
        self.sign_in()
        self.successResultOf(self.save())
        self.successResultOf(self.save())
        self.assertEqual(self.saves, 1)

    def test_full_disk(self) -> None:
        """A disk error refuses nobody; it is told, and writing is tried again."""
        self.trouble = OSError(28, "No space left on device")
        signed = self.sign_in()
        self.successResultOf(self.save())
        self.assertIsNotNone(self.signing_in.signins.find(signed.cookie))
        self.trouble = None
        self.successResultOf(self.save())
        self.assertEqual(self.saves, 2)
        self.signing_in = self.make()
        self.signing_in.load()
        self.assertIsNotNone(self.signing_in.signins.find(signed.cookie))

    def test_one_after_the_other(self) -> None:
        """Writing waits for the writing before it, so an older state never comes last."""
        self.waiting = []
        self.sign_in()
        first = self.save()
        self.sign_in()
        second = self.save()
        self.assertNoResult(second)
        self.assertEqual(self.saves, 1)
        self.waiting[0].callback(None)
        self.successResultOf(first)
        self.assertEqual(self.saves, 2)
        self.waiting[1].callback(None)
        self.successResultOf(second)

    def test_many_ended_at_once(self) -> None:
        """Many sign-ins that end together are written twice at most, not each."""
        signed = [self.sign_in() for _ in range(20)]
        self.successResultOf(self.save())
        self.saves, self.waiting = 0, []
        for one in signed:
            self.signing_in.signins.revoke(one.id)
        self.waiting[0].callback(None)
        self.waiting[1].callback(None)
        self.assertEqual(self.saves, 2)
        self.signing_in = self.make()
        self.signing_in.load()
        self.assertEqual(tuple(self.signing_in.signins.records()), ())

    def test_broken_file(self) -> None:
        """A file that is not understood signs everybody out, and the daemon starts."""
        for content in (b"{", b"\xff", b"[]"):
            (self.directory / "signins.json").write_bytes(content)
            self.signing_in = self.make()
            self.signing_in.load()
            self.assertEqual(tuple(self.signing_in.signins.records()), ())


class MethodTests(SigningInCase):
    def choose(self, **options: Value) -> SigningIn:
        """With other options of the command line."""
        places = default_places(is_root=False, home="/h", base=str(self.directory))
        overrides: dict[str, Value] = {"session_dir": str(self.directory), **options}
        snapshot = open_settings(overrides, places).source.current
        return SigningIn(lambda: snapshot, lambda: 1e9, self.clock, self.in_thread)

    def test_ways(self) -> None:
        """The sign-in page offers what is on, and nothing else."""
        for auth, form, links in (
            (("token",), False, True),
            (("file",), True, False),
            (("file", "token"), True, True),
        ):
            ways = self.choose(auth=auth).ways()
            self.assertEqual((ways.has_form, ways.has_launch_links), (form, links))
            self.assertEqual(ways.basic_realm is not None, form)

    def test_methods_that_are_off(self) -> None:
        """A cookie counts only when its sign-in was made by a method that is on, or a token."""
        signing_in = self.choose(auth=("file",))
        for method, counts in (("file", True), ("token", True), ("pam", False), ("none", False)):
            cookie = signing_in.signins.issue(User("anna", method)).cookie
            self.assertEqual(signing_in.desk.find(cookie) is not None, counts, method)

    def test_passwords_that_are_off(self) -> None:
        """Without a method that takes passwords none is judged."""
        work = self.choose(auth=("token",)).desk.offer(PasswordCredentials("anna", "x"), "::1")
        self.failureResultOf(Deferred.fromCoroutine(work), Denied)

    def test_file_open_to_others(self) -> None:
        """A password file that others can read keeps the daemon from starting, by its name."""
        path = self.directory / "passwords"
        path.write_text("")
        path.chmod(0o644)
        error = self.assertRaises(Unavailable, self.choose, auth=("file",), password_file=str(path))
        self.assertIn(str(path), error.message)
        self.choose(password_file=str(path))

    def test_limits(self) -> None:
        """The limits of guessing are settings, and follow them while the daemon runs."""
        signing_in = self.choose(auth_max_failures=3, auth_failure_window=60.0)
        limits = signing_in.guard.attempts.limits
        self.assertEqual((limits.per_pair, limits.per_address, limits.window_s), (3, 20, 60.0))
        signing_in.apply(self.snapshot())
        self.assertEqual(signing_in.guard.attempts.limits.per_pair, 5)


class LinkTests(SigningInCase):
    def test_link(self) -> None:
        """A launch link signs its user in once, at the main page's own address."""
        link = self.wait(self.signing_in.mint_link("anna", "https://x:1/p/"))
        address, _, token = link.partition("?token=")
        self.assertEqual(address, "https://x:1/p/auth")
        ticket = self.wait(self.signing_in.desk.take_launch_token(token, "192.0.2.1"))
        self.assertEqual(ticket.view.upn, "anna")
        again = self.signing_in.desk.take_launch_token(token, "192.0.2.1")
        self.failureResultOf(Deferred.fromCoroutine(again), Denied)

    def test_expiry(self) -> None:
        """The chore forgets links and sign-ins whose time is up, and keeps the rest."""
        self.wait(self.signing_in.mint_link("anna", "https://x/"))
        self.sign_in()
        self.wait(self.signing_in.end_expired())
        self.assertEqual((len(self.signing_in.tokens), self.count()), (1, 1))
        self.clock.advance(self.signing_in.link_ttl_s + 1)
        self.wait(self.signing_in.end_expired())
        self.assertEqual((len(self.signing_in.tokens), self.count()), (0, 1))
        self.clock.advance(self.snapshot().seconds("auth_timeout") + 1)
        self.wait(self.signing_in.end_expired())
        self.assertEqual(self.count(), 0)

    def count(self) -> int:
        return len(tuple(self.signing_in.signins.records()))
