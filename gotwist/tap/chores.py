"""The daemon's chores: what is done again and again, and how often."""

from __future__ import annotations

import time
from collections.abc import Callable

from gotwist.applications.terminal.hub import Hub
from gotwist.gateway.house import House
from gotwist.housekeeping.chores import Chore
from gotwist.housekeeping.leftovers import remove_old_session_directories, remove_old_user_logs
from gotwist.settings.service import SettingsWatcher
from gotwist.settings.snapshot import Snapshot
from gotwist.tap.sessions import SessionEnd
from gotwist.tap.signing_in import SigningIn
from gotwist.web.service import WebDoor


def daemon_chores(
    settings: Callable[[], Snapshot],
    watcher: SettingsWatcher,
    signing_in: SigningIn,
    house: House,
    session_end: SessionEnd,
    hub: Hub,
    web: WebDoor,
) -> tuple[Chore, ...]:
    """All chores; intervals are asked for anew before each round."""

    def every(option: str) -> Callable[[], float]:
        return lambda: settings().seconds(option)

    def remove_logs() -> object:
        now = settings()
        return remove_old_user_logs(
            now.text("user_dir"), max_age_s=now.seconds("user_logs_max_age"), now=time.time()
        )

    def remove_sessions() -> object:
        now = settings()
        return remove_old_session_directories(
            now.text("session_dir"),
            in_use=lambda name: house.sessions.find(name) is not None,
            max_age_s=max(now.seconds("auth_timeout"), now.seconds("session_timeout")),
            now=time.time(),
        )

    return (
        Chore("changed settings", every("file_check_interval"), watcher.check),
        Chore("expired sessions", every("session_timeout_check_interval"), session_end.end_expired),
        Chore("expired sign-ins", every("cleanup_interval"), signing_in.end_expired),
        Chore("old user logs", every("cleanup_interval"), remove_logs, blocking=True),
        Chore("old session directories", every("cleanup_interval"), remove_sessions, blocking=True),
        Chore("changed certificate", every("file_check_interval"), web.refresh_certificate),
        Chore("stalled viewers", 1.0, hub.watch_patience),
    )
