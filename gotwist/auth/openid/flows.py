"""Flows: sign-ins that are under way at a provider, between leaving and coming back.

A flow is found by its ``state``, which travelled through the provider, and believed only with
the ``binding``, which stayed in the browser as a cookie: so nobody finishes in another's browser
what he began in his own.  Each is taken once and lives ten minutes.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from gotwist.auth.attempts import network_of
from gotwist.auth.openid.refusal import Refused

LIFETIME_S: Final = 600.0
_RANDOM: Final = re.compile(r"[A-Za-z0-9_-]{43}")


@dataclass(frozen=True)
class Flow:
    """One sign-in under way."""

    method: str
    redirect_uri: str
    next: str
    """Where the person wanted to go; a path of this site, checked before."""
    network: str
    """Where it was begun."""
    started: float
    state: str = field(repr=False)
    nonce: str = field(repr=False)
    verifier: str = field(repr=False)
    binding: str = field(repr=False)

    @property
    def challenge(self) -> str:
        """The verifier's hash, which is all the provider sees at first (PKCE, S256)."""
        digest = hashlib.sha256(self.verifier.encode()).digest()
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


class Flows:
    """All flows of this daemon, in memory and bounded.

    :param now: monotonic seconds.
    :param most: with more, the oldest are given up.
    :param most_per_peer: and with more from one address, the oldest of that address.
    """

    def __init__(
        self, now: Callable[[], float], *, most: int = 5_000, most_per_peer: int = 50
    ) -> None:
        self._now = now
        self._most = most
        self._most_per_peer = most_per_peer
        self._flows: dict[str, Flow] = {}

    def __len__(self) -> int:
        return len(self._flows)

    def begin(
        self, method: str, redirect_uri: str, next: str, peer: str, binding: str | None = None
    ) -> Flow:
        """Begin a flow.

        :param binding: what the browser has as a cookie.  It is kept when it is one of ours
            that is in use, so that two tabs can sign in at once; otherwise there is a new one.
        """
        self._forget_expired()
        if binding is None or not self._is_in_use(binding):
            binding = _random()
        network = network_of(peer)
        theirs = [flow.state for flow in self._flows.values() if flow.network == network]
        if len(theirs) >= self._most_per_peer:
            del self._flows[theirs[0]]
        elif len(self._flows) >= self._most:
            del self._flows[_oldest(self._flows)]
        flow = Flow(
            method=method,
            redirect_uri=redirect_uri,
            next=next,
            network=network,
            started=self._now(),
            state=_random(),
            nonce=_random(),
            verifier=_random(),
            binding=binding,
        )
        self._flows[flow.state] = flow
        return flow

    def take(self, method: str, state: str | None, binding: str | None) -> Flow:
        """Take the flow that comes back; it is gone then, whatever the answer.

        :raises Refused: for an unknown, used or expired state, and for another browser's.
        """
        self._forget_expired()
        flow = self._flows.pop(state, None) if state and _RANDOM.fullmatch(state) else None
        if flow is None:
            raise Refused("the state is unknown, used or too old")
        if binding is None or not hmac.compare_digest(binding.encode(), flow.binding.encode()):
            raise Refused("the sign-in was begun in another browser")
        if flow.method != method:
            raise Refused("the answer came to the address of another provider")
        return flow

    def _is_in_use(self, binding: str) -> bool:
        return bool(_RANDOM.fullmatch(binding)) and any(
            hmac.compare_digest(flow.binding, binding) for flow in self._flows.values()
        )

    def _forget_expired(self) -> None:
        oldest = self._now() - LIFETIME_S
        while self._flows and self._flows[_oldest(self._flows)].started <= oldest:
            del self._flows[_oldest(self._flows)]


def _oldest(flows: dict[str, Flow]) -> str:
    # Dictionaries keep their order.
    return next(iter(flows))


def _random() -> str:
    return secrets.token_urlsafe(32)
