"""Sign-ins of one daemon: where they are kept, who judges them, how links are minted."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import TypeVar

from twisted.application.service import IService
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater
from twisted.logger import Logger

from gotwist.auth.attempts import AttemptLimits, Attempts
from gotwist.auth.authenticator import (
    METHOD_NONE,
    METHOD_TOKEN,
    Authenticator,
    Checker,
    build_authenticator,
)
from gotwist.auth.credentials import PasswordCredentials
from gotwist.auth.guard import Guard
from gotwist.auth.pam.checks import Checks
from gotwist.auth.passwords import PasswordChecker
from gotwist.auth.signin_store import FileSignInStore
from gotwist.auth.signins import SignIn, SignIns
from gotwist.auth.tokens import LAUNCH, MemoryTokenStore, mint_token
from gotwist.auth.watch import Watch
from gotwist.errors import Malformed
from gotwist.housekeeping.service import InThread
from gotwist.settings.snapshot import Snapshot
from gotwist.tap.method import Surroundings
from gotwist.tap.methods import METHODS
from gotwist.tap.passwords import pam_realm
from gotwist.tap.second_factor import second_factor
from gotwist.web.desk import Desk
from gotwist.web.questions import OpenQuestions
from gotwist.web.ways import Ways

T = TypeVar("T")


class SigningIn:
    """Everything about who somebody is.

    :param settings: gives the snapshot in force; the present one decides which methods are on
    :param wall_now: seconds since 1970
    :param in_thread: for what waits for a disk
    :param watch: is told of sign-ins and refusals
    :param on_ended: called with each sign-in that ends, and why
    :param checks: checks passwords by PAM
    :param opens_accounts: terminals run as the account that signed in
    :raises GotwistError: when a method cannot be had
    """

    log = Logger()

    def __init__(
        self,
        settings: Callable[[], Snapshot],
        wall_now: Callable[[], float],
        reactor: IReactorTime,
        in_thread: InThread,
        watch: Watch | None = None,
        on_ended: Callable[[SignIn, str], None] = lambda sign_in, reason: None,
        checks: Checks | None = None,
        opens_accounts: bool = False,
    ) -> None:
        snapshot = settings()
        self._wall_now = wall_now
        self._in_thread = in_thread
        self._is_dirty = False
        #: A save is about to begin that will find what is changed until then.
        self._is_soon = False
        self._saving: Deferred[None] | None = None
        self._store = FileSignInStore(Path(snapshot.text("session_dir")) / "signins.json")
        self.tokens = MemoryTokenStore(reactor.seconds)
        self.link_ttl_s = snapshot.seconds("launch_link_ttl")
        self.signins = SignIns(
            snapshot.text("cookie_secret"),
            wall_now,
            idle_s=snapshot.seconds("auth_idle_timeout"),
            absolute_s=snapshot.seconds("auth_timeout"),
            on_changed=self._mark,
            on_ended=on_ended,
        )
        # What has been ended must stay so, even if this daemon is killed the next moment.
        self.signins.subscribe(lambda id: self._save_soon())
        self.guard = Guard(
            Attempts(attempt_limits(snapshot)),
            reactor.seconds,
            lambda delay_s: deferLater(reactor, delay_s),
        )
        self._realm = pam_realm(snapshot) or "gotwist"
        chosen = snapshot.texts("auth")
        surroundings = Surroundings(
            snapshot, settings, reactor, wall_now, in_thread, checks, opens_accounts
        )
        self.methods = {name: METHODS[name](surroundings) for name in chosen}
        names = {METHOD_TOKEN, *chosen, *_all(method.names for method in self.methods.values())}
        self.authenticator: Authenticator = build_authenticator(
            names,
            self.signins,
            self.tokens,
            wall_now,
            launch_max_age_s=lambda: self.link_ttl_s,
            more=self._checkers(),
            second_factor=second_factor(settings, self.guard, wall_now, in_thread),
            watch=watch,
        )
        self.questions = OpenQuestions(reactor)
        self.desk = Desk(
            self.authenticator,
            self.signins,
            self.save,
            methods=frozenset(names),
            welcomes=METHOD_NONE in chosen,
            max_age_s=int(snapshot.seconds("auth_timeout")),
        )

    def _checkers(self) -> dict[type, Checker]:
        passwords = [it.password for it in self.methods.values() if it.password is not None]
        found: dict[type, Checker] = {}
        if passwords:
            found[PasswordCredentials] = PasswordChecker(passwords, self.guard)
        for name, method in self.methods.items():
            for kind, checker in method.checkers.items():
                assert kind not in found, f"{name}: {kind.__name__} has its checker already"
                found[kind] = checker
        return found

    def ways(self) -> Ways:
        """What the sign-in page and address offer."""
        methods = self.methods.values()
        has_form = any(method.password is not None for method in methods)
        return Ways(
            has_form=has_form,
            basic_realm=self._realm if has_form else None,
            has_launch_links=METHOD_TOKEN in self.methods,
            links=tuple(_all(method.links for method in methods)),
            pages={name: make for method in methods for name, make in method.pages.items()},
            detours=tuple(method.detour for method in methods if method.detour is not None),
            brings=tuple(method.brings for method in methods if method.brings is not None),
        )

    def services(self) -> tuple[IService, ...]:
        """What has to run for the methods to work."""
        return tuple(_all(method.services for method in self.methods.values()))

    def apply(self, snapshot: Snapshot) -> None:
        """Take changed lifetimes into use."""
        self.link_ttl_s = snapshot.seconds("launch_link_ttl")
        absolute_s = snapshot.seconds("auth_timeout")
        self.signins.set_lifetimes(snapshot.seconds("auth_idle_timeout"), absolute_s)
        self.desk.max_age_s = int(absolute_s)
        self.guard.attempts.limits = attempt_limits(snapshot)

    def load(self) -> None:
        """Take up the sign-ins of the daemon before this one; blocks."""
        try:
            self.signins.load(self._store.load())
        except (Malformed, OSError) as error:
            self.log.error("everybody must sign in again: {error}", error=str(error))

    def mint_link(self, user: str, base: str) -> Awaitable[str]:
        """Mint a launch link for a user.

        :param base: address of the main page
        """

        async def mint() -> str:
            token = await mint_token(
                self.tokens, user, LAUNCH, self._wall_now(), ttl_s=self.link_ttl_s
            )
            return f"{base}auth?token={token}"

        return mint()

    def _mark(self) -> None:
        self._is_dirty = True

    def _save_soon(self) -> None:
        if self._is_soon:
            return
        self._is_soon = True
        Deferred.fromCoroutine(self.save()).addErrback(
            lambda failure: self.log.failure("sign-ins are not kept", failure=failure)
        )

    async def save(self) -> None:
        """Keep the sign-ins on disk; a full disk costs only those, and is told."""
        while self._saving is not None:
            await _after(self._saving)
        self._is_soon = False
        if not self._is_dirty:
            return
        self._is_dirty = False
        records = self.signins.records()
        self._saving = self._in_thread(lambda: self._store.save(records))
        try:
            await self._saving
        except OSError as error:
            self._is_dirty = True
            self.log.error(
                "sign-ins are not kept and will end with the daemon: {error}", error=str(error)
            )
        finally:
            self._saving = None

    async def end_expired(self) -> None:
        """Forget what has expired: a chore."""
        self.tokens.forget_expired()
        self.signins.end_expired()
        await self.save()


def attempt_limits(snapshot: Snapshot) -> AttemptLimits:
    """How much guessing is borne."""
    return AttemptLimits(
        per_pair=snapshot.integer("auth_max_failures"),
        per_address=snapshot.integer("auth_max_failures_per_address"),
        window_s=snapshot.seconds("auth_failure_window"),
    )


def _all(groups: Iterable[Iterable[T]]) -> Iterator[T]:
    return chain.from_iterable(groups)


def _after(other: Deferred[None]) -> Deferred[None]:
    """Wait for the end of work that somebody else has the result of."""
    waiting: Deferred[None] = Deferred()

    def done(result: object) -> object:
        waiting.callback(None)
        return result

    other.addBoth(done)
    return waiting
