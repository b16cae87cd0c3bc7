"""The store of sign-ins: what lets a browser stay signed in when the daemon is restarted."""

from __future__ import annotations

import json
import os
import re
import secrets
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

from gotwist.auth.signins import SESSION_LENGTH, SignIn
from gotwist.auth.user import User, check_upn
from gotwist.errors import Malformed

_VERSION = 1


class SignInStore(Protocol):
    """Keeps the records of :class:`~gotwist.auth.signins.SignIns`.

    The methods may block on a disk: call them in a thread, or before the reactor runs.
    """

    def load(self) -> tuple[SignIn, ...]:
        """What was saved last; nothing at all when nothing was.

        :raises Malformed: when what is there cannot be read.
        """

    def save(self, records: Iterable[SignIn]) -> None:
        """Keep these and only these."""


class MemorySignInStore:
    """Keeps them as long as the process lives."""

    def __init__(self) -> None:
        self._records: tuple[SignIn, ...] = ()

    def load(self) -> tuple[SignIn, ...]:
        return self._records

    def save(self, records: Iterable[SignIn]) -> None:
        self._records = tuple(records)


class FileSignInStore:
    """Keeps them in one JSON file that only its owner can read, replaced whole each time."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()

    def load(self) -> tuple[SignIn, ...]:
        try:
            text = self._path.read_text(encoding="utf-8")
        except FileNotFoundError:
            return ()
        except UnicodeDecodeError:
            raise Malformed("The file of sign-ins is not text.") from None
        return parse_records(text)

    def save(self, records: Iterable[SignIn]) -> None:
        text = render_records(records)
        fresh = self._path.with_name(f".{self._path.name}.{secrets.token_hex(4)}")
        with self._lock:
            descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            try:
                with open(descriptor, "w", encoding="utf-8") as file:
                    file.write(text)
                    file.flush()
                    os.fsync(file.fileno())
                os.replace(fresh, self._path)
            except BaseException:
                fresh.unlink(missing_ok=True)
                raise


def render_records(records: Iterable[SignIn]) -> str:
    """Write sign-ins as JSON."""
    entries = [
        {
            "id": record.id,
            "upn": record.user.upn,
            "method": record.user.method,
            "attributes": dict(record.user.attributes),
            "groups": list(record.user.groups),
            "session": record.session,
            "issued": record.issued,
            "seen": record.seen,
            "address": record.address,
            "ticket": record.ticket,
        }
        for record in records
    ]
    return json.dumps({"version": _VERSION, "signins": entries})


def parse_records(text: str) -> tuple[SignIn, ...]:
    """Read what :func:`render_records` wrote.

    :raises Malformed: for anything else; no half of a file is believed.
    """
    try:
        value = json.loads(text)
        if value["version"] != _VERSION:
            raise Malformed("The file of sign-ins is of another version.")
        return tuple(_parse_record(entry) for entry in value["signins"])
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise Malformed("The file of sign-ins cannot be read.") from None


def _parse_record(entry: dict[str, object]) -> SignIn:
    id, session, method = entry["id"], entry["session"], entry["method"]
    attributes, groups = entry["attributes"], entry["groups"]
    issued, seen = entry["issued"], entry["seen"]
    if not (isinstance(id, str) and re.fullmatch("[0-9a-f]{64}", id)):
        raise ValueError("id")
    if not (isinstance(session, str) and re.fullmatch(f"[A-Za-z0-9]{{{SESSION_LENGTH}}}", session)):
        raise ValueError("session")
    if not (isinstance(method, str) and isinstance(attributes, dict) and isinstance(groups, list)):
        raise ValueError("user")
    if not (isinstance(issued, int | float) and isinstance(seen, int | float)):
        raise ValueError("time")
    address, ticket = entry.get("address", ""), entry.get("ticket", "")
    if not (isinstance(address, str) and isinstance(ticket, str)):
        raise ValueError("address")
    user = User(
        check_upn(str(entry["upn"])),
        method,
        {str(key): str(item) for key, item in attributes.items()},
        tuple(str(group) for group in groups),
    )
    return SignIn(id, user, session, float(issued), float(seen), address, ticket)
