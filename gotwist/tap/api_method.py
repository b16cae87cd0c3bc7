"""The way of signing in ``api``: another site vouches for its users with objects it signs."""

from __future__ import annotations

from pathlib import Path

from twisted.logger import Logger

from gotwist.auth.apikey import METHOD_API, ApiKeys, Refused
from gotwist.auth.conversation import Proven
from gotwist.auth.credentials import ApiCredentials, Credentials
from gotwist.auth.replay_file import FileReplays
from gotwist.auth.replays import MemoryReplays
from gotwist.tap import parts
from gotwist.tap.method import Method, Surroundings
from gotwist.web.notices import LimitNotices

_log = Logger()


def _tell(problem: OSError) -> None:
    _log.error(
        "used API objects are not kept, and could be used again after a restart: {problem}",
        problem=str(problem),
    )


def make(surroundings: Surroundings) -> Method:
    """Believe the holders of the API keys in the settings, as they are at each moment."""
    reactor = surroundings.reactor
    replays = FileReplays(
        Path(surroundings.snapshot.text("session_dir")) / "api_replays",
        MemoryReplays(reactor.seconds),
        surroundings.wall_now,
        surroundings.in_thread,
        _tell,
    )
    replays.load()
    rules = parts.Kept(parts.api_rules, surroundings.settings)
    keys = ApiKeys(rules, replays, surroundings.wall_now)
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
