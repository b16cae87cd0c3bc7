"""The second factor: codes that change every 30 seconds, as authenticator apps make them.

RFC 6238 with SHA-1, six digits and 30 seconds.  The codes of the step before and after count
as well, since clocks differ; no code counts twice.  Making codes is left to the library that
the roof hands in.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import json
import re
import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final, Protocol, TypeVar
from urllib.parse import quote

from gotwist.auth.conversation import Asking, Prompt, Proven, Question, Step
from gotwist.auth.guard import Guard
from gotwist.auth.private_file import PrivateFile
from gotwist.auth.user import User, check_upn
from gotwist.errors import Denied, Malformed, Unavailable

STEP_S: Final = 30
_SECRET_BYTES: Final = 20
_VERSION: Final = 1
QUESTION: Final = Question((Prompt("Code of your authenticator app", False),))

OFF, OPTIONAL, REQUIRED = "off", "optional", "required"

T = TypeVar("T")

Secrets = Mapping[str, bytes]
MakeCode = Callable[[bytes, int], str]
"""Given a secret and seconds since 1970: the six digits."""


class InThread(Protocol):
    """Calls a blocking function in a thread."""

    def __call__(self, function: Callable[[], T], /) -> Awaitable[T]: ...


def new_secret() -> bytes:
    """Make a secret for one user."""
    return secrets.token_bytes(_SECRET_BYTES)


def otpauth_uri(secret: bytes, user: str, issuer: str) -> str:
    """Write a secret as authenticator apps read it."""
    label = quote(f"{issuer}:{user}", safe=":")
    return f"otpauth://totp/{label}?secret={render_secret(secret)}&issuer={quote(issuer)}"


def render_secret(secret: bytes) -> str:
    """Write a secret in Base32, as it can be typed."""
    return base64.b32encode(secret).decode().rstrip("=")


def parse_secrets(text: str) -> Secrets:
    """Read the file of secrets, ``{"version": 1, "secrets": {"anna": "<Base32>"}}``.

    :raises Malformed: for anything else; an empty file has no secrets.
    """
    if not text.strip():
        return {}
    try:
        value = json.loads(text)
        if value["version"] != _VERSION:
            raise Malformed("The file of second factors is of another version.")
        return {check_upn(name): _parse_secret(it) for name, it in value["secrets"].items()}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise Malformed("The file of second factors cannot be read.") from None


def render_secrets(found: Secrets) -> str:
    """Write the file of secrets."""
    entries = {name: render_secret(secret) for name, secret in sorted(found.items())}
    return json.dumps({"version": _VERSION, "secrets": entries}, indent=1) + "\n"


def _parse_secret(text: str) -> bytes:
    try:
        secret = base64.b32decode(text + "=" * (-len(text) % 8))
    except binascii.Error:
        raise ValueError("secret") from None
    if not 16 <= len(secret) <= 64:
        raise ValueError("secret")
    return secret


def parse_used(text: str) -> Mapping[str, int]:
    """Read what :func:`render_used` wrote; raises Malformed."""
    try:
        return {check_upn(name): int(step) for name, step in json.loads(text or "{}").items()}
    except (ValueError, TypeError, AttributeError, RecursionError):
        raise Malformed("The file of used codes cannot be read.") from None


def render_used(used: Mapping[str, int]) -> str:
    """Write which codes have been used."""
    return json.dumps(dict(used))


class UsedCodes:
    """The last step that each user has used, as long as anybody would still accept it.

    :param last: what was used before the daemon was started anew.
    """

    def __init__(self, last: Mapping[str, int] | None = None) -> None:
        self._last = dict(last or {})

    def records(self) -> Mapping[str, int]:
        """What has to outlive the daemon."""
        return dict(self._last)

    def use(self, user: str, step: int, now_step: int) -> bool:
        """Use a step; False when it, or a later one, has been used already."""
        self._last = {name: last for name, last in self._last.items() if last >= now_step - 2}
        if step <= self._last.get(user, -1):
            return False
        self._last[user] = step
        return True


class Totp:
    """The second factor of everybody who has one.

    :param setting: for a user: ``off``, ``optional`` (asked of who has a secret) or
        ``required`` (who has none is refused).
    :param used: where it is kept which codes have been used.
    :param wall_now: seconds since 1970.
    :param tell: is told what the operator should know.
    """

    def __init__(
        self,
        file: PrivateFile[Secrets],
        used: PrivateFile[Mapping[str, int]],
        make_code: MakeCode,
        setting: Callable[[User], str],
        guard: Guard,
        wall_now: Callable[[], float],
        in_thread: InThread,
        tell: Callable[[str], None],
    ) -> None:
        self._file = file
        self._make_code = make_code
        self._setting = setting
        self._guard = guard
        self._wall_now = wall_now
        self._in_thread = in_thread
        self._tell = tell
        self._used_file = used
        self._used = UsedCodes()

    def load(self) -> None:
        """Take up which codes were used before; blocks.

        :raises Malformed: when that cannot be read.
        :raises Unavailable: likewise.
        """
        self._used = UsedCodes(self._used_file.read())

    async def __call__(self, proven: Proven, peer: str) -> Step:
        """Ask for the code; see :class:`~gotwist.auth.authenticator.SecondFactor`."""
        setting = self._setting(proven.user.seen_at(peer))
        if setting == OFF:
            return proven
        try:
            found = await self._in_thread(self._file.read)
        except (Malformed, Unavailable) as problem:
            # Who cannot be asked is not let in by the first factor alone.
            self._tell(problem.message)
            raise Unavailable("Second factors cannot be checked just now.") from problem
        secret = found.get(proven.user.upn)
        if secret is None:
            if setting == REQUIRED:
                self._tell(f"{proven.user.upn} needs a second factor and has none")
                raise Denied("no second factor")
            return proven
        # A name of its own: the right password must not clear the guesses of the code.
        name = f"{proven.user.upn} code"
        return self._guard.ask(name, peer, Asking(QUESTION, _Code(self, proven, secret)))

    async def check(self, user: str, secret: bytes, text: str) -> bool:
        """Whether this is the user's code now; it is used up then, a restart or not."""
        if not self._is_right(user, secret, text):
            return False
        try:
            await self._in_thread(self._save)
        except (OSError, Unavailable, Malformed) as problem:
            self._tell(f"used codes are not kept: {problem}")
        return True

    def _save(self) -> None:
        with self._used_file.edited() as edit:
            edit.value = self._used.records()

    def _is_right(self, user: str, secret: bytes, text: str) -> bool:
        code = re.sub(r"[\s-]", "", text)
        now_step = int(self._wall_now()) // STEP_S
        right = [
            step
            for step in (now_step - 1, now_step, now_step + 1)
            if hmac.compare_digest(self._make_code(secret, step * STEP_S).encode(), code.encode())
        ]
        return any(self._used.use(user, step, now_step) for step in right)


class _Code:
    def __init__(self, totp: Totp, proven: Proven, secret: bytes) -> None:
        self._totp, self._proven, self._secret = totp, proven, secret

    async def answer(self, texts: Sequence[str]) -> Step:
        upn = self._proven.user.upn
        if len(texts) != 1 or not await self._totp.check(upn, self._secret, texts[0]):
            raise Denied("wrong code")
        return self._proven

    def close(self) -> None:
        """Nothing is held."""
