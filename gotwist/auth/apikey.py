"""API authentication: another site vouches for a user with an object that it has signed.

    {"api_key": ..., "upn": ..., "timestamp": ..., "signature": ..., "signature_method": ...,
     "api_version": "1.0", ...}

    signature = hex(HMAC(secret of the key, api_key + upn + timestamp))

``timestamp`` is milliseconds since 1970 in exactly 13 digits, as text or number; that fixed
length keeps the three parts apart.  All other members become attributes of the user.  They are
not signed, so the user may have changed them; none of them says who somebody is.
"""

from __future__ import annotations

import hmac
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from gotwist.auth.certificates import IDENTIFYING
from gotwist.auth.replays import Replays
from gotwist.auth.user import MAX_UPN, User, check_upn
from gotwist.errors import Denied, Malformed

METHOD_API: Final = "api"
VERSION: Final = "1.0"
SHA1: Final = "HMAC-SHA1"
DIGESTS: Final[Mapping[str, str]] = MappingProxyType(
    {SHA1: "sha1", "HMAC-SHA256": "sha256", "HMAC-SHA384": "sha384", "HMAC-SHA512": "sha512"}
)
MAX_TEXT: Final = 4_096
MAX_KEY: Final = 256
MAX_ATTRIBUTES: Final = 32
MAX_VALUE: Final = 1_024

#: Names that mean something to the house, or that a CA vouches for elsewhere: nobody may set
#: them without a signature.
RESERVED: Final = frozenset(
    {"address", "group", "groups", "gid", "id", "ip_address", "issued", "method", "role", "roles"}
    | {"session", "shell", "home", "ticket", "uid", "upn", "user"}
    | IDENTIFYING
)

_SIGNED: Final = ("api_key", "upn", "timestamp", "signature", "signature_method", "api_version")
_TIMESTAMP = re.compile(r"[0-9]{13}")
_SIGNATURE = re.compile(r"[0-9a-f]{40,128}")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,63}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_NOBODY = "nobody's secret"


@dataclass(frozen=True)
class ApiObject:
    """An object of the right form; nothing of it is proven yet."""

    key: str
    upn: str
    timestamp: str
    signature: str = field(repr=False)
    method: str
    attributes: Mapping[str, str] = field(repr=False)

    @property
    def wall_time(self) -> float:
        """When it was signed, in seconds since 1970."""
        return int(self.timestamp) / 1000


@dataclass(frozen=True)
class ApiRules:
    """What the settings say: the secrets by key, and what is accepted."""

    secrets: Mapping[str, str] = field(repr=False)
    window_s: float
    allows_sha1: bool

    @property
    def methods(self) -> tuple[str, ...]:
        """The signature methods that are accepted."""
        return tuple(name for name in DIGESTS if name != SHA1 or self.allows_sha1)


class Refused(Denied):
    """Why an object is refused, for the log; who is refused learns only that.

    ``key`` and ``upn`` are set once they are known to be harmless: a key of the settings, and
    a text that may be a user's name.
    """

    def __init__(self, reason: str, *, key: str = "", upn: str = "") -> None:
        super().__init__("Please sign in.")
        self.reason = reason
        self.key = key
        self.upn = upn


def parse_text(text: str) -> dict[str, object]:
    """Read an object that is given as JSON text.

    :raises Malformed: when it is anything else, or names a member twice.
    """
    if len(text) > MAX_TEXT:
        raise Malformed("The object is too long.")
    try:
        value = json.loads(text, object_pairs_hook=_members)
    except (ValueError, RecursionError):
        raise Malformed("The object is not JSON.") from None
    if not isinstance(value, dict):
        raise Malformed("This is not an object.")
    return value


def _members(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a member stands twice")
    return members


def parse_object(fields: Mapping[str, object]) -> ApiObject:
    """Read the members of an object, exactly.

    :raises Malformed: with the name of the member that is missing or wrong.
    """
    method = _text(fields, "signature_method", 16)
    if method not in DIGESTS:
        raise Malformed("signature_method is none of those known")
    if _text(fields, "api_version", 8) != VERSION:
        raise Malformed("api_version is not 1.0")
    timestamp = fields.get("timestamp")
    if isinstance(timestamp, int) and not isinstance(timestamp, bool):
        timestamp = str(timestamp) if 0 <= timestamp < 10**13 else ""
    if not isinstance(timestamp, str) or not _TIMESTAMP.fullmatch(timestamp):
        raise Malformed("timestamp is not 13 digits")
    signature = _text(fields, "signature", 128)
    if not _SIGNATURE.fullmatch(signature):
        raise Malformed("signature is not lower-case hexadecimal")
    upn = check_upn(_text(fields, "upn", MAX_UPN))
    key = _text(fields, "api_key", MAX_KEY)
    return ApiObject(key, upn, timestamp, signature, method, _attributes(fields))


def _text(fields: Mapping[str, object], name: str, most: int) -> str:
    value = fields.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= most:
        raise Malformed(f"{name} is missing, or not a text of at most {most} characters")
    return value


def _attributes(fields: Mapping[str, object]) -> Mapping[str, str]:
    names = [name for name in fields if name not in _SIGNED and name not in RESERVED]
    if len(names) > MAX_ATTRIBUTES:
        raise Malformed("there are too many attributes")
    attributes = {}
    for name in names:
        value = fields[name]
        if value is None:
            continue
        text = value if isinstance(value, str) else _written(value)
        if not _NAME.fullmatch(name) or len(text) > MAX_VALUE or _CONTROL.search(text):
            raise Malformed("an attribute has a bad name or value")
        attributes[name] = text
    return attributes


def _written(value: object) -> str:
    try:
        return json.dumps(value, separators=(",", ":"))
    except RecursionError:
        raise Malformed("an attribute is nested too deeply") from None


def sign(secret: str, key: str, upn: str, timestamp: str, method: str) -> str:
    """The signature of an object, as its embedding site makes it."""
    text = f"{key}{upn}{timestamp}"
    return hmac.new(secret.encode(), text.encode("utf-8", "replace"), DIGESTS[method]).hexdigest()


def check_signature(claim: ApiObject, rules: ApiRules) -> None:
    """Check method, key and signature of an object, but not its time.

    :raises Refused: with the reason.
    """
    if claim.method not in rules.methods:
        raise Refused("method switched off", upn=claim.upn)
    secret = rules.secrets.get(claim.key)
    # The same work for an unknown key, and no early end at the first wrong digit: the time of
    # the answer must tell nothing.
    expected = sign(
        _NOBODY if secret is None else secret, claim.key, claim.upn, claim.timestamp, claim.method
    )
    is_right = hmac.compare_digest(expected.encode(), claim.signature.encode())
    if secret is None:
        raise Refused("unknown key", upn=claim.upn)
    if not is_right:
        raise Refused("wrong signature", key=claim.key, upn=claim.upn)


class ApiKeys:
    """Judges objects by the settings of the moment.

    :param rules: gives what the settings say now, so that keys come and go without a restart.
    :param wall_now: seconds since 1970.
    """

    def __init__(
        self, rules: Callable[[], ApiRules], replays: Replays, wall_now: Callable[[], float]
    ) -> None:
        self._rules = rules
        self._replays = replays
        self._wall_now = wall_now

    async def judge(self, fields: Mapping[str, object]) -> User:
        """Give the user that an object vouches for; the object cannot be used again.

        :raises Refused: with the reason.
        :raises Unavailable: when its use cannot be noted.
        """
        try:
            claim = parse_object(fields)
        except Malformed as problem:
            raise Refused(problem.message) from None
        rules = self._rules()
        check_signature(claim, rules)
        age_s = self._wall_now() - claim.wall_time
        if age_s > rules.window_s:
            raise Refused("too old", key=claim.key, upn=claim.upn)
        if age_s < -rules.window_s:
            raise Refused("from the future", key=claim.key, upn=claim.upn)
        # Twice the window: an object may be dated ahead by one, and be good for another.
        if not await self._replays.remember(f"api:{claim.signature}", 2 * rules.window_s):
            raise Refused("used before", key=claim.key, upn=claim.upn)
        return User(claim.upn, METHOD_API, claim.attributes)
