"""The way of signing in ``api``: another site vouches for its users with objects it signs."""

from __future__ import annotations

from twisted.logger import Logger

from gotwist.auth.apikey import METHOD_API, ApiKeys, Refused
from gotwist.auth.conversation import Proven
from gotwist.auth.credentials import ApiCredentials, Credentials
from gotwist.auth.replays import MemoryReplays
from gotwist.tap import parts
from gotwist.tap.method import Method, Surroundings
from gotwist.web.notices import LimitNotices

_log = Logger()


def make(surroundings: Surroundings) -> Method:
    """Believe the holders of the API keys in the settings, as they are at each moment."""
    reactor = surroundings.reactor
    keys = ApiKeys(
        parts.Kept(parts.api_rules, surroundings.settings),
        MemoryReplays(reactor.seconds),
        surroundings.wall_now,
    )
    notices = LimitNotices()
    if not surroundings.snapshot.mapping("api_keys"):
        _log.warn("auth={method} without api_keys: --new_api_key makes one", method=METHOD_API)

    async def check(credentials: Credentials, peer: str) -> Proven:
        assert isinstance(credentials, ApiCredentials)
        try:
            return Proven(await keys.judge(credentials.fields))
        except Refused as refusal:
            source = f"{peer} {refusal.key} {refusal.upn}"
            if notices.hit(refusal.reason, source, reactor.seconds()):
                _log.warn(
                    "API object from {peer} refused: {reason} (user {user!r}, key {key!r})",
                    peer=peer,
                    reason=refusal.reason,
                    user=refusal.upn,
                    key=refusal.key,
                )
            raise

    return Method(checkers={ApiCredentials: check})
