"""What the operator is told when the daemon is ready: the doors, and one launch link."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Awaitable, Callable, Mapping

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from gotwist.errors import NotFound
from gotwist.events.audit import Audit
from gotwist.settings.snapshot import Snapshot
from gotwist.tap import parts
from gotwist.tap.signing_in import SigningIn
from gotwist.web.service import WebDoor

log = Logger()


class Greeting:
    """Mints links for the account the daemon runs as."""

    def __init__(
        self,
        web: WebDoor,
        signing_in: SigningIn,
        user: str,
        settings: Callable[[], Snapshot],
        audit: Audit,
    ) -> None:
        self._web = web
        self._signing_in = signing_in
        self._user = user
        self._settings = settings
        self._audit = audit

    async def link(self) -> Mapping[str, object]:
        """A fresh launch link: the control socket's verb ``link``.

        :raises NotFound: where everybody signs in as themselves
        """
        if not self._user:
            raise NotFound("There are no launch links here: everybody signs in as themselves.")
        return {"link": await self._mint("control")}

    def greet(self) -> None:
        """Print a launch link, where a person reads along."""
        # From here on objects live long or die young: the collector need not look at these.
        gc.collect()
        gc.freeze()
        Deferred.fromCoroutine(self._greet()).addErrback(
            lambda failure: log.failure("no launch link", failure=failure)
        )

    async def _greet(self) -> None:
        if "none" in self._settings().texts("auth"):
            base = parts.base_url(self._settings(), self._web.port)
            log.info("ready, nobody is asked who they are: {base}", base=base)
            return
        if not self._user:
            base = parts.base_url(self._settings(), self._web.port)
            log.info("ready, for those who sign in: {base}", base=base)
            return
        if "JOURNAL_STREAM" in os.environ or sys.__stdout__ is None:
            # A journal is kept and read by others; a token does not belong there.
            log.info("ready; `gotwist link` prints a launch link")
            return
        minutes = self._signing_in.link_ttl_s / 60
        # Past the log: twistd copies stdout into it, and a token does not belong there.
        print(
            f"\n    Open this link, within {minutes:g} minutes and once:\n\n"
            f"    {await self._mint('start')}\n\n    `gotwist link` prints another one.\n",
            file=sys.__stdout__,
            flush=True,
        )

    def _mint(self, source: str) -> Awaitable[str]:
        self._audit.record("link_made", source=source, user=self._user)
        base = parts.base_url(self._settings(), self._web.port)
        return self._signing_in.mint_link(self._user, base)
