"""Judging one password for those who cannot be asked more: yes or no, after an even time."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable, Collection
from typing import Protocol

from gotwist.auth.line import USER_PATTERN, Request, is_acceptable
from gotwist.auth.pam.checks import Accepted, Check, Checks, failure_wait_s
from gotwist.errors import Unavailable

Wait = Callable[[float], Awaitable[object]]
"""Waits so many seconds, by a timer."""


class Judges(Protocol):
    """What a door needs."""

    def judge(self, request: Request) -> Awaitable[bool]:
        """Tell whether the password is right; never fails."""


class Judge:
    """Lets those requests through to PAM that may be asked at all.

    :param services: the PAM services that may be named
    :param now: monotonic seconds
    :param wait: waits by a timer
    :param failed: told why a password could not be judged
    """

    def __init__(
        self,
        checks: Checks,
        services: Collection[str],
        now: Callable[[], float],
        wait: Wait,
        *,
        user_pattern: str = USER_PATTERN,
        failed: Callable[[Exception], None] = lambda problem: None,
        draw: Callable[[], float] = random.random,
    ) -> None:
        self._checks = checks
        self._services = frozenset(services)
        self._now = now
        self._wait = wait
        self._user_pattern = user_pattern
        self._failed = failed
        self._draw = draw

    async def judge(self, request: Request) -> bool:
        """Tell whether the password is right and the account may be used.

        Every refusal takes the same time, whatever it is for.
        """
        begun = self._now()
        if await self._is_right(request):
            return True
        await self._wait(failure_wait_s(self._draw, self._now() - begun))
        return False

    async def _is_right(self, request: Request) -> bool:
        # An unknown service would not be refused: libpam falls back to another one.
        if request.service not in self._services:
            return False
        if not is_acceptable(request, self._user_pattern):
            return False
        try:
            outcome = await self._checks.check(
                Check(request.user, request.password, request.service)
            )
        except Unavailable as problem:
            self._failed(problem)
            return False
        return isinstance(outcome, Accepted)
