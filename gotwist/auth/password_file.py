"""The password file: names with scrypt hashes and groups, as JSON.

::

    {"version": 1, "users": {"anna": {
        "hash": "scrypt$15$8$1$<salt>$<hash>", "groups": ["staff"], "locked": false}}}

Salt and hash are in Base64; the numbers are scrypt's log2(n), r and p.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from gotwist.auth.user import check_upn
from gotwist.errors import Malformed

_VERSION: Final = 1
_LOG_N, _R, _P = 15, 8, 1
_SALT_BYTES, _HASH_BYTES = 16, 32
_MAX_MEMORY: Final = 256 * 1024 * 1024


@dataclass(frozen=True)
class PasswordHash:
    """A password, hashed; whoever reads it has to try passwords one by one, each at a cost."""

    salt: bytes = field(repr=False)
    hash: bytes = field(repr=False)
    log_n: int = _LOG_N
    r: int = _R
    p: int = _P

    def matches(self, password: str) -> bool:
        """Whether this is the hash of ``password``; takes its time, by design."""
        return hmac.compare_digest(self.hash, self._of(password))

    def _of(self, password: str) -> bytes:
        return hashlib.scrypt(
            password.encode(),
            salt=self.salt,
            n=1 << self.log_n,
            r=self.r,
            p=self.p,
            maxmem=_MAX_MEMORY,
            dklen=len(self.hash),
        )


@dataclass(frozen=True)
class Entry:
    """What the file says about one user."""

    hash: PasswordHash
    groups: tuple[str, ...] = ()
    is_locked: bool = False


Entries = Mapping[str, Entry]


def hash_password(password: str) -> PasswordHash:
    """Hash a password with a fresh salt."""
    salt = secrets.token_bytes(_SALT_BYTES)
    empty = PasswordHash(salt, bytes(_HASH_BYTES))
    return PasswordHash(salt, empty._of(password))


NOBODY: Final = Entry(PasswordHash(bytes(_SALT_BYTES), bytes(_HASH_BYTES)), is_locked=True)
"""Compared with where there is no such user, so that it costs the same."""


def verify(entries: Entries, user: str, password: str) -> Entry | None:
    """Give the entry of ``user`` when the password is right and the user is not locked.

    Costs the same whether there is such a user or not.
    """
    entry = entries.get(user, NOBODY)
    is_right = entry.hash.matches(password)
    return entry if is_right and not entry.is_locked else None


def parse_entries(text: str) -> Entries:
    """Read the file; an empty one has no users.

    :raises Malformed: for anything else than what :func:`render_entries` writes.
    """
    if not text.strip():
        return {}
    try:
        value = json.loads(text)
        if value["version"] != _VERSION:
            raise Malformed("The password file is of another version.")
        return {check_upn(name): _parse_entry(entry) for name, entry in value["users"].items()}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise Malformed("The password file cannot be read.") from None


def render_entries(entries: Entries) -> str:
    """Write the file."""
    users = {
        name: {
            "hash": _render_hash(entry.hash),
            "groups": list(entry.groups),
            "locked": entry.is_locked,
        }
        for name, entry in sorted(entries.items())
    }
    return json.dumps({"version": _VERSION, "users": users}, indent=1) + "\n"


def _parse_entry(value: dict[str, object]) -> Entry:
    hash, groups, is_locked = value["hash"], value.get("groups", []), value.get("locked", False)
    if not (isinstance(hash, str) and isinstance(groups, list) and isinstance(is_locked, bool)):
        raise ValueError("entry")
    return Entry(_parse_hash(hash), tuple(check_group(str(group)) for group in groups), is_locked)


def _parse_hash(text: str) -> PasswordHash:
    kind, log_n, r, p, salt, hash = text.split("$")
    made = PasswordHash(
        base64.b64decode(salt, validate=True),
        base64.b64decode(hash, validate=True),
        int(log_n),
        int(r),
        int(p),
    )
    if kind != "scrypt" or not (14 <= made.log_n <= 20 and 1 <= made.r <= 32 and 1 <= made.p <= 16):
        raise ValueError("hash")
    if len(made.salt) < _SALT_BYTES or len(made.hash) != _HASH_BYTES:
        raise ValueError("hash")
    if 128 * made.r * (1 << made.log_n) >= _MAX_MEMORY:
        raise ValueError("hash")
    return made


def _render_hash(hash: PasswordHash) -> str:
    salt, digest = (base64.b64encode(part).decode() for part in (hash.salt, hash.hash))
    return f"scrypt${hash.log_n}${hash.r}${hash.p}${salt}${digest}"


def check_group(name: str) -> str:
    """Give ``name`` back when it may be a group's name.

    :raises Malformed: otherwise; the rules are those of user names.
    """
    try:
        return check_upn(name)
    except Malformed:
        raise Malformed("This is not a group name.") from None
