"""A sign-in at a provider from end to end: where to send the browser, and who comes back."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Final, TypeVar

from twisted.logger import Logger

from gotwist.auth.attempts import network_of
from gotwist.auth.oidc.http import Answer, Requests, Unanswered
from gotwist.auth.oidc.shared import Shared
from gotwist.auth.openid.claims import user_of, with_userinfo
from gotwist.auth.openid.flows import Flow, Flows
from gotwist.auth.openid.idtoken import Expected, UnknownKey, verify_id_token
from gotwist.auth.openid.keys import KeySet
from gotwist.auth.openid.messages import (
    authorization_url,
    code_of,
    error_of,
    parse_tokens,
    token_request,
)
from gotwist.auth.openid.provider import Provider, discovery_url, parse_provider
from gotwist.auth.openid.refusal import Refused
from gotwist.auth.openid.registration import Registration
from gotwist.auth.user import User
from gotwist.errors import Malformed

T = TypeVar("T")

FRESH_S: Final = 3_600.0
"""How long a discovery document and keys are used before they are fetched anew."""
KEYS_PAUSE_S: Final = 30.0
"""How often an unknown key may be a reason to fetch the keys before their time."""

MAX_PENDING: Final = 64
MAX_PENDING_PER_PEER: Final = 8


class RelyingParty:
    """This daemon towards one provider.

    :param now: monotonic seconds.
    :param wall_now: seconds since 1970.
    """

    log = Logger()

    def __init__(
        self,
        registration: Registration,
        flows: Flows,
        requests: Requests,
        now: Callable[[], float],
        wall_now: Callable[[], float],
    ) -> None:
        self.registration = registration
        self._flows = flows
        self._requests = requests
        self._now = now
        self._wall_now = wall_now
        self._provider: tuple[float, Provider] | None = None
        self._keys: tuple[float, KeySet] | None = None
        self._pending: Counter[str] = Counter()
        self._refetched = -math.inf
        self._discovery = Shared(self._discover)
        self._key_fetch = Shared(self._fetch_keys)

    async def begin(
        self, redirect_uri: str, next: str, peer: str, binding: str | None
    ) -> tuple[str, Flow]:
        """Give the address to which the browser is to be sent, and the flow that has begun.

        :param binding: what this browser has as a cookie from a flow before.
        :raises Unavailable: when the provider cannot be asked where that is.
        """
        try:
            provider = await self._current_provider()
        except Unanswered as error:
            self._tell(peer, error.reason)
            raise
        flow = self._flows.begin(self.registration.method, redirect_uri, next, peer, binding)
        return authorization_url(provider, self.registration, flow), flow

    async def finish(
        self, fields: Mapping[str, str], peer: str, binding: str | None
    ) -> tuple[User, Flow]:
        """Give who has come back, and the flow that has ended.

        :param fields: of the address to which the provider sent the browser.
        :raises Refused: when it is not believed.
        :raises Unavailable: when the provider cannot be asked.
        """
        try:
            flow = self._flows.take(self.registration.method, fields.get("state"), binding)
            with self._place(peer):
                claims = await self._redeem(fields, flow)
            return user_of(claims, self.registration), flow
        except (Refused, Unanswered) as error:
            self._tell(peer, error.reason)
            raise

    @contextmanager
    def _place(self, peer: str) -> Iterator[None]:
        """Bound what is asked of the provider at once, by one address and by all."""
        peer = network_of(peer)
        if self._pending[peer] >= MAX_PENDING_PER_PEER or self._pending.total() >= MAX_PENDING:
            raise Unanswered("too many sign-ins at once")
        self._pending[peer] += 1
        try:
            yield
        finally:
            self._pending[peer] -= 1
            if not self._pending[peer]:
                del self._pending[peer]

    def _tell(self, peer: str, reason: str) -> None:
        self.log.warn(
            "no sign-in by {method} for {peer}: {reason}",
            method=self.registration.method,
            peer=peer,
            reason=reason,
        )

    async def _redeem(self, fields: Mapping[str, str], flow: Flow) -> Mapping[str, object]:
        """Exchange the code, and give the claims of the ID token."""
        provider = await self._current_provider()
        code = code_of(fields, provider)
        form, headers = token_request(provider, self.registration, flow, code)
        answer = await self._requests.post(provider.token_endpoint, form, headers)
        if 400 <= answer.status < 500:
            raise Refused(f"the provider did not take the code ({error_of(answer.members)})")
        tokens = _read(parse_tokens, _good(answer))
        expected = Expected(provider, self.registration, flow.nonce, self._wall_now())
        try:
            claims = verify_id_token(tokens.id_token, await self._current_keys(), expected)
        except UnknownKey:
            # The provider may have changed its keys since they were fetched.
            if not await self._has_other_keys():
                raise
            claims = verify_id_token(tokens.id_token, await self._current_keys(), expected)
        if self.registration.asks_userinfo and provider.userinfo_endpoint is not None:
            if tokens.access_token is None:
                raise Refused("there is no access token to ask for the userinfo with")
            told = await self._requests.get(provider.userinfo_endpoint, tokens.access_token)
            claims = with_userinfo(claims, _good(told))
        return claims

    # what is known of the provider

    async def _current_provider(self) -> Provider:
        kept = self._provider
        if kept is not None and self._now() - kept[0] < FRESH_S:
            return kept[1]
        return await self._discovery.get()

    async def _discover(self) -> Provider:
        issuer = self.registration.issuer
        document = _good(await self._requests.get(discovery_url(issuer)))
        provider = _read(lambda members: parse_provider(members, issuer), document)
        self._provider = (self._now(), provider)
        return provider

    async def _current_keys(self) -> KeySet:
        kept = self._keys
        if kept is not None and self._now() - kept[0] < FRESH_S:
            return kept[1]
        return await self._key_fetch.get()

    async def _has_other_keys(self) -> bool:
        """Fetch the keys anew, unless that was done just now; whether they are others."""
        before = self._keys
        if before is None or self._now() - self._refetched < KEYS_PAUSE_S:
            return False
        self._refetched = self._now()
        return await self._key_fetch.get() != before[1]

    async def _fetch_keys(self) -> KeySet:
        provider = await self._current_provider()
        document = _good(await self._requests.get(provider.jwks_uri))
        keys = _read(KeySet.parse, document)
        self._keys = (self._now(), keys)
        return keys


def _good(answer: Answer) -> Mapping[str, object]:
    if answer.status != 200:
        raise Unanswered(f"the provider answered with status {answer.status}")
    return answer.members


def _read(parse: Callable[[Mapping[str, object]], T], members: Mapping[str, object]) -> T:
    """Read an answer; one of another form is none."""
    try:
        return parse(members)
    except Malformed as error:
        raise Unanswered(error.message) from None
