"""One-time tokens: minting and taking them, and the store behind that.

A token is the key ``wstoken`` followed by 32 or 64 hexadecimal digits.  Its record is a JSON
object of at most 1 KiB: ``{"user": "alice", "time": "24:11:2026:06:48:09"}``, with
``"purpose": "launch"`` for the link that the daemon prints.  ``time`` is wall-clock UTC in
the form ``%d:%m:%Y:%H:%M:%S``, an ISO 8601 date or seconds since 1970, because other
programs on other machines mint tokens too.
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from gotwist.auth.user import check_upn
from gotwist.errors import Denied, Malformed, Unavailable

WEB = "web"
LAUNCH = "launch"

TIME_FORMAT = "%d:%m:%Y:%H:%M:%S"
MAX_RECORD = 1024
MAX_AGE_S: Mapping[str, float] = {WEB: 20.0, LAUNCH: 600.0}
"""How old a token of each purpose may be, by the wall clock."""
MAX_AHEAD_S = 5.0
"""How far another machine's clock may run before ours."""

_KEY = re.compile(r"wstoken(?:[0-9a-f]{32}|[0-9a-f]{64})\Z")
_REFUSAL = "This token is not valid, or has been used already."


class TokenStore(Protocol):
    """Where tokens wait to be taken; every method may fail with :class:`Unavailable`."""

    def mint(self, token: str, record: str, ttl_s: float) -> Awaitable[None]:
        """Keep ``record`` under ``token`` for ``ttl_s`` seconds; never replace one."""

    def take(self, token: str) -> Awaitable[str | None]:
        """Give the record and forget it, in one step: of two takers one gets it."""


@dataclass(frozen=True)
class TokenRecord:
    """What a token says: for whom and what for it was minted, and when."""

    user: str
    purpose: str
    time: float


class MemoryTokenStore:
    """Tokens of one process.

    Bounded, so that whoever may ask for tokens cannot fill the memory by asking.

    :param now: monotonic seconds.
    """

    def __init__(self, now: Callable[[], float], limit: int = 10_000) -> None:
        self._now = now
        self._limit = limit
        self._records: dict[str, tuple[float, str]] = {}

    def __len__(self) -> int:
        return len(self._records)

    async def mint(self, token: str, record: str, ttl_s: float) -> None:
        if token in self._records:
            raise Unavailable("This token exists already.")
        if len(self._records) >= self._limit:
            self.forget_expired()
        if len(self._records) >= self._limit:
            raise Unavailable("Too many tokens are waiting to be used.")
        self._records[token] = (self._now() + ttl_s, record)

    async def take(self, token: str) -> str | None:
        deadline, record = self._records.pop(token, (0.0, ""))
        return record if self._now() < deadline else None

    def expired(self, now: float) -> tuple[str, ...]:
        """The tokens that nobody has taken in time; changes nothing."""
        return tuple(key for key, (deadline, _) in self._records.items() if deadline <= now)

    def forget_expired(self) -> int:
        """Forget what has expired and tell how many that were: a chore."""
        gone = self.expired(self._now())
        for token in gone:
            del self._records[token]
        return len(gone)


def is_token(token: str) -> bool:
    """Whether this has the form of a token.

    Asked before any store is: the text comes from a query string, and without this check it
    would read and delete any key of a shared database.
    """
    return _KEY.match(token) is not None


async def mint_token(
    store: TokenStore, user: str, purpose: str, wall_now: float, *, ttl_s: float | None = None
) -> str:
    """Make a token for ``user``, leave its record in ``store`` and give the token.

    :param wall_now: seconds since 1970.
    :param ttl_s: how long it can be used; None: as long as its purpose allows by default.
    """
    token = "wstoken" + secrets.token_hex(32)
    record = {
        "user": check_upn(user),
        "time": datetime.fromtimestamp(wall_now, UTC).strftime(TIME_FORMAT),
    }
    if purpose != WEB:
        record["purpose"] = purpose
    await store.mint(token, json.dumps(record), MAX_AGE_S[purpose] if ttl_s is None else ttl_s)
    return token


async def take_token(
    store: TokenStore,
    token: str,
    purpose: str,
    wall_now: float,
    max_age_s: Mapping[str, float] = MAX_AGE_S,
) -> TokenRecord:
    """Take ``token`` and give what it says, when it says it for this purpose and in time.

    The token is gone afterwards, whatever the answer.

    :raises Denied: always with the same text, whatever the reason.
    """
    if not is_token(token) or purpose not in max_age_s:
        raise Denied(_REFUSAL)
    text = await store.take(token)
    if text is None:
        raise Denied(_REFUSAL)
    try:
        record = parse_record(text)
    except Malformed:
        raise Denied(_REFUSAL) from None
    age = wall_now - record.time
    if record.purpose != purpose or not -MAX_AHEAD_S <= age <= max_age_s[purpose]:
        raise Denied(_REFUSAL)
    return record


def parse_record(text: str) -> TokenRecord:
    """Read the record of a token.

    :raises Malformed: when it is anything else; other programs write these.
    """
    if len(text) > MAX_RECORD:
        raise Malformed("The token's record is too long.")
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        raise Malformed("The token's record is not JSON.") from None
    if not isinstance(value, dict):
        raise Malformed("The token's record is not an object.")
    user, purpose = value.get("user"), value.get("purpose", WEB)
    if not isinstance(user, str) or not isinstance(purpose, str):
        raise Malformed("The token's record lacks its user.")
    return TokenRecord(check_upn(user), purpose, parse_time(value.get("time")))


def parse_time(value: object) -> float:
    """Read a moment in one of the three forms as seconds since 1970."""
    try:
        if isinstance(value, int | float) and not isinstance(value, bool):
            return _finite(float(value))
        if isinstance(value, str):
            if re.fullmatch(r"[0-9]{9,11}(\.[0-9]{1,9})?", value):
                return float(value)
            if re.fullmatch(r"[0-9]{2}:[0-9]{2}:[0-9]{4}:[0-9]{2}:[0-9]{2}:[0-9]{2}", value):
                return datetime.strptime(value, TIME_FORMAT).replace(tzinfo=UTC).timestamp()
            moment = datetime.fromisoformat(value)
            return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError, OSError):
        pass
    raise Malformed("The token's time cannot be read.")


def _finite(seconds: float) -> float:
    if not 0 <= seconds < 1e11:
        raise ValueError("not a time")
    return seconds
