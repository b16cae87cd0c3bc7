"""The checker of passwords: every door that takes names and passwords asks here."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from gotwist.auth.conversation import MAX_ANSWER, PasswordMethod, Step
from gotwist.auth.credentials import Credentials, PasswordCredentials
from gotwist.auth.guard import Guard
from gotwist.errors import Denied, Unavailable

_REFUSAL: Final = "This name and password do not belong together."
_USER: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.@-]{0,63}\Z")
# What ends a line or a text elsewhere shifts what is behind it; no password holds these.
_NEVER: Final = re.compile(r"[\x00\r\n]")


class PasswordChecker:
    """Asks the password methods that are on, one after the other, behind the guard.

    :param methods: the first that believes the password, or asks more, has decided.
    """

    def __init__(self, methods: Sequence[PasswordMethod], guard: Guard) -> None:
        self._methods = tuple(methods)
        self._guard = guard

    async def __call__(self, credentials: Credentials, peer: str) -> Step:
        """Judge a name and a password; see :class:`~gotwist.auth.authenticator.Checker`."""
        assert isinstance(credentials, PasswordCredentials)
        # Over-long names are cut where they are counted, so that they cost no more than others.
        name = credentials.user[:64]
        return await self._guard.judge(name, peer, lambda: self._ask(credentials, peer))

    async def _ask(self, credentials: PasswordCredentials, peer: str) -> Step:
        if not is_plausible(credentials):
            raise Denied(_REFUSAL)
        unable: Unavailable | None = None
        for method in self._methods:
            try:
                return await method.start(credentials.user, credentials.password, peer)
            except Denied:
                continue
            except Unavailable as failure:
                unable = failure
        # "No" of one method is no answer while another one, that might say yes, cannot speak.
        raise unable if unable is not None else Denied(_REFUSAL)


def is_plausible(credentials: PasswordCredentials) -> bool:
    """Whether a name and a password have a form that can be right at all."""
    user, password = credentials.user, credentials.password
    try:
        length = len(password.encode())
    except UnicodeEncodeError:
        return False
    return (
        _USER.match(user) is not None
        and ".." not in user
        and 0 < length <= MAX_ANSWER
        and _NEVER.search(password) is None
    )
