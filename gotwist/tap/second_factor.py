"""The second factor as the settings want it, with the codes of a well-kept library."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from gotwist.auth.guard import Guard
from gotwist.auth.private_file import PrivateFile
from gotwist.auth.totp import (
    STEP_S,
    Secrets,
    Totp,
    parse_secrets,
    parse_used,
    render_secrets,
    render_used,
)
from gotwist.auth.user import User
from gotwist.errors import Malformed, Unavailable
from gotwist.housekeeping.service import InThread
from gotwist.settings.snapshot import Snapshot
from gotwist.settings.table import CORE_APPLICATION
from gotwist.tap.methods import tell
from gotwist.tap.rights import find_account


def make_code(secret: bytes, at_s: int) -> str:
    """Make the code of a moment, as authenticator apps do."""
    # Most daemons never make one; half a megabyte, and few milliseconds at the first.
    from cryptography.hazmat.primitives.hashes import SHA1
    from cryptography.hazmat.primitives.twofactor.totp import TOTP

    # SHA-1 within HMAC is sound, and all that many apps know.
    return TOTP(secret, 6, SHA1(), STEP_S).generate(at_s).decode()  # noqa: S303


def secrets_file(snapshot: Snapshot) -> PrivateFile[Secrets]:
    """The file that holds the secrets of all users."""
    path = Path(snapshot.text("totp_file"))
    return PrivateFile(path, parse_secrets, render_secrets, find_account(snapshot))


def second_factor(
    settings: Callable[[], Snapshot],
    guard: Guard,
    wall_now: Callable[[], float],
    in_thread: InThread,
) -> Totp:
    """Make the second factor; blocks.

    :raises GotwistError: when the secrets cannot be read
    """

    def setting(user: User) -> str:
        return settings().application(CORE_APPLICATION, user.facts, user.groups).text("totp")

    snapshot = settings()
    file = secrets_file(snapshot)
    if file.read() or os.geteuid() == 0:
        # Loads the library now: an account that is taken on later may not reach it.
        make_code(bytes(20), 0)
    used = Path(snapshot.text("session_dir")) / "used-codes.json"
    made = Totp(
        file,
        PrivateFile(used, parse_used, render_used, find_account(snapshot)),
        make_code,
        setting,
        guard,
        wall_now,
        in_thread,
        tell,
    )
    try:
        made.load()
    except (Malformed, Unavailable) as problem:
        tell(problem.message)
    return made
