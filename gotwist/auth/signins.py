"""Sign-ins: one sign-in of one browser, its cookie, its end, and who must hear of that.

The cookie holds a random 256-bit id and its HMAC-SHA256; everything else stays here.  Ids are
kept only hashed, so that whoever reads the file of sign-ins cannot become anybody.  Times are
wall-clock seconds, because a sign-in outlives the daemon and so its monotonic clock.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

from gotwist.auth.user import User

SESSION_LENGTH = 45
_MOST_OF_ONE_USER = 100
_COOKIE = re.compile(r"([0-9a-f]{64})\.([0-9a-f]{64})\Z")


@dataclass(frozen=True, slots=True)
class SignIn:
    """One sign-in of one browser.

    ``id`` is the hashed id, safe to log and to keep.  ``cookie`` is the value for the browser,
    present only on the sign-in that has just been issued.  ``address`` is where it was made,
    ``ticket`` what a privileged keeper wants to see before it starts anything as this user.
    """

    id: str
    user: User
    session: str
    issued: float
    seen: float
    address: str = ""
    ticket: str = field(default="", repr=False)
    cookie: str = field(default="", repr=False, compare=False)

    @property
    def handle(self) -> str:
        """Names this sign-in to its user; from it nothing else can be found."""
        return hashlib.sha256(f"handle {self.id}".encode()).hexdigest()[:16]


class SignIns:
    """All sign-ins of the daemon, in memory.

    :param secret: the ``cookie_secret``.
    :param wall_now: seconds since 1970.
    :param idle_s: a sign-in not used for so long has ended.
    :param absolute_s: and so has one this old, used or not.
    :param on_ended: called with each sign-in that ends, and why: ``signed_out``, ``revoked``,
        ``expired`` or ``displaced`` (by newer ones, there were too many).
    :param on_changed: called after every change that ought to survive a restart; whoever keeps
        the file takes :meth:`records` then.  It must not block.
    """

    def __init__(
        self,
        secret: str,
        wall_now: Callable[[], float],
        *,
        idle_s: float = 3600.0,
        absolute_s: float = 43_200.0,
        limit: int = 10_000,
        on_changed: Callable[[], None] = lambda: None,
        on_ended: Callable[[SignIn, str], None] = lambda sign_in, reason: None,
    ) -> None:
        self._secret = secret.encode()
        self._wall_now = wall_now
        self._idle_s = idle_s
        self._absolute_s = absolute_s
        self._limit = limit
        self._on_changed = on_changed
        #: Called with each sign-in that ends, and why; once.
        self.on_ended = [on_ended]
        self._entries: dict[str, SignIn] = {}
        self._subscribers: list[Callable[[str], None]] = []

    def __len__(self) -> int:
        return len(self._entries)

    def set_lifetimes(self, idle_s: float, absolute_s: float) -> None:
        """Take other lifetimes into use, for the sign-ins of now as well."""
        self._idle_s, self._absolute_s = idle_s, absolute_s

    def records(self) -> tuple[SignIn, ...]:
        """Everything worth keeping, without any cookie."""
        return tuple(self._entries.values())

    def load(self, records: Iterable[SignIn]) -> None:
        """Take up the sign-ins of the daemon before this one; what has ended is left out."""
        for record in records:
            if self._is_alive(record):
                self._entries[record.id] = replace(record, cookie="")

    def issue(
        self, user: User, *, shared: bool = True, address: str = "", ticket: str = ""
    ) -> SignIn:
        """Begin a sign-in and give it with its cookie.

        :param shared: the session is the user's own, the same from every browser; otherwise
            it is this sign-in's alone (users that nobody can tell apart).
        :param address: where the user is.
        :param ticket: see :class:`SignIn`.
        """
        now = self._wall_now()
        secret_id = secrets.token_hex(32)
        session = self.session_of(user) if shared else _session_text(secrets.token_bytes(32))
        entry = SignIn(_hashed(secret_id), user, session, now, now, address, ticket)
        own = sorted(self.beside(entry), key=lambda one: one.seen)
        for oldest in own[: max(0, len(own) - _MOST_OF_ONE_USER + 1)]:
            # A program that signs in again and again ends its own, not those of others.
            self.revoke(oldest.id, "displaced")
        if len(self._entries) >= self._limit:
            self.end_expired()
        while len(self._entries) >= self._limit:
            oldest = min(self._entries.values(), key=lambda one: one.seen)
            self.revoke(oldest.id, "displaced")
        self._entries[entry.id] = entry
        self._on_changed()
        return replace(entry, cookie=f"{secret_id}.{self._signature(secret_id)}")

    def find(self, cookie: str) -> SignIn | None:
        """The sign-in that this cookie value belongs to; finding it counts as using it."""
        match = _COOKIE.match(cookie)
        if match is None:
            return None
        secret_id, signature = match.groups()
        # Constant time: the answer's time must not tell how much of the signature matched.
        if not hmac.compare_digest(signature, self._signature(secret_id)):
            return None
        return self.touch(_hashed(secret_id))

    def touch(self, id: str) -> SignIn | None:
        """Note that this sign-in is in use, when it still is one, and give it."""
        entry = self.current(id)
        if entry is None:
            return None
        entry = replace(entry, seen=self._wall_now())
        self._entries[id] = entry
        return entry

    def is_current(self, id: str) -> bool:
        """Whether this sign-in still holds; asking is not using."""
        return self.current(id) is not None

    def current(self, id: str) -> SignIn | None:
        """This sign-in, without its cookie, when it still holds; asking is not using."""
        entry = self._entries.get(id)
        return entry if entry is not None and self._is_alive(entry) else None

    def revoke(self, id: str, reason: str = "signed_out") -> bool:
        """End a sign-in now, and tell those who subscribed; whether there was one."""
        entry = self._entries.pop(id, None)
        if entry is None:
            return False
        self._on_changed()
        for ended in self.on_ended:
            ended(entry, reason)
        for callback in tuple(self._subscribers):
            callback(id)
        return True

    def revoke_user(self, upn: str) -> int:
        """End all sign-ins of one user; how many there were."""
        ids = [entry.id for entry in self._entries.values() if entry.user.upn == upn]
        return sum(self.revoke(id, "revoked") for id in ids)

    def beside(self, sign_in: SignIn) -> tuple[SignIn, ...]:
        """All sign-ins of the same user that hold now, the oldest first.

        Of users that nobody can tell apart: those of the same session.
        """
        found = (entry for entry in self._entries.values() if _is_same(entry, sign_in))
        alive = (entry for entry in found if self._is_alive(entry))
        return tuple(sorted(alive, key=lambda entry: entry.issued))

    def revoke_beside(self, sign_in: SignIn) -> int:
        """End this sign-in and all others of the same user; how many there were."""
        return sum(self.revoke(entry.id, "revoked") for entry in self.beside(sign_in))

    def subscribe(self, callback: Callable[[str], None]) -> Callable[[], None]:
        """Call ``callback`` with the id of every sign-in that ends.

        :returns: a callable that ends the subscription.
        """
        self._subscribers.append(callback)
        return lambda: self._subscribers.remove(callback)

    def expired(self, wall_now: float) -> tuple[str, ...]:
        """The ids of those that have ended by themselves; changes nothing."""
        return tuple(e.id for e in self._entries.values() if not self._is_alive(e, wall_now))

    def end_expired(self) -> int:
        """End what has expired and tell how many: a chore."""
        return sum(self.revoke(id, "expired") for id in self.expired(self._wall_now()))

    def _is_alive(self, entry: SignIn, wall_now: float | None = None) -> bool:
        now = self._wall_now() if wall_now is None else wall_now
        return now - entry.seen <= self._idle_s and now - entry.issued <= self._absolute_s

    def _signature(self, secret_id: str) -> str:
        return hmac.new(self._secret, b"sign-in:" + secret_id.encode(), "sha256").hexdigest()

    def session_of(self, user: User) -> str:
        """The session that is this user's own, whichever browsers are signed in."""
        # Derived, not stored: the same user finds the same session after any restart, and on
        # any node with this secret, and nobody without it can name it.
        text = f"session:{user.upn}".encode()
        return _session_text(hmac.new(self._secret, text, "sha256").digest())


def _is_same(one: SignIn, other: SignIn) -> bool:
    return one.user.upn == other.user.upn and one.session == other.session


def _hashed(secret_id: str) -> str:
    return hashlib.sha256(secret_id.encode()).hexdigest()


def _session_text(random: bytes) -> str:
    """45 letters and digits: hexadecimal digits, written in base 64, cut."""
    return base64.b64encode(random.hex().encode()).decode()[:SESSION_LENGTH]
