"""The daemon as one service: it opens the doors, and says goodbye before they close."""

from __future__ import annotations

import os
from collections.abc import Callable

from twisted.application.service import MultiService
from twisted.logger import Logger

from gotwist.errors import GotwistError
from gotwist.events.audit import Audit
from gotwist.gateway.gateway import Gateway
from gotwist.tap.actions import installed_version
from gotwist.tap.greeting import Greeting
from gotwist.tap.sessions import SessionEnd

log = Logger()


class Daemon(MultiService):
    """All services; says goodbye to clients before the doors close."""

    def __init__(
        self,
        gateway: Gateway,
        session_end: SessionEnd,
        greeting: Greeting,
        written: tuple[str, ...],
        audit: Audit,
    ) -> None:
        super().__init__()
        self.gateway = gateway
        self.greeting = greeting
        self._session_end = session_end
        self._written = written
        self._audit = audit
        #: Called once all doors that need root's rights are open; blocks, before the reactor runs.
        self.on_doors_open: Callable[[], None] = lambda: None

    def privilegedStartService(self) -> None:
        """Open the doors; what is wrong with them is told in one sentence."""
        try:
            super().privilegedStartService()
            self.on_doors_open()
        except GotwistError as error:
            raise SystemExit(f"gotwist: {error.message}") from None

    def startService(self) -> None:
        """Start everything."""
        for path in self._written:
            log.info("settings written: {path}", path=path)
        try:
            super().startService()
        except GotwistError as error:
            raise SystemExit(f"gotwist: {error.message}") from None
        self._audit.record(
            "daemon_started", version=installed_version(), pid=os.getpid(), uid=os.getuid()
        )

    def stopService(self) -> object:
        """Stop everything, clients first."""
        self._session_end.stop()
        self.gateway.stop()
        # Told before the audit stream itself is stopped, which is the last of the services.
        self._audit.record("daemon_stopped", pid=os.getpid())
        return super().stopService()
