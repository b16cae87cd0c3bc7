"""Guessing is limited: how many passwords may be tried, from where, and how fast.

Failures are counted for each address and for each pair of address and user, never for a user
alone: whoever could lock a name by guessing would lock its owner out.  An attempt counts as
failed from its beginning, so that many at once are no way around the limit; a success takes
its own count back and forgets the pair's failures.  Of an IPv6 address the first 64 bits
count, since the rest is the guesser's to choose.
"""

from __future__ import annotations

import ipaddress
from collections import OrderedDict, deque
from dataclasses import dataclass
from typing import Final

LONGEST_DELAY_S: Final = 30.0
_MOST_ENTRIES: Final = 20_000


@dataclass(frozen=True)
class AttemptLimits:
    """How much guessing is borne.

    :param per_pair: failures of one pair after which each further one is answered twice as late.
    :param per_address: failures from one address after which it is not heard any more.
    :param window_s: for how long a failure counts, and for how long nobody is heard.
    """

    per_pair: int = 5
    per_address: int = 20
    window_s: float = 600.0


@dataclass(frozen=True)
class Attempt:
    """One attempt under way."""

    address: str
    user: str
    began: float
    failures: int
    """How many failures of this pair there were before."""


class Attempts:
    """Counts attempts; times are monotonic seconds.

    Bounded: of very many addresses or pairs those are forgotten that were quiet the longest.
    """

    def __init__(self, limits: AttemptLimits | None = None, most: int = _MOST_ENTRIES) -> None:
        self.limits = limits or AttemptLimits()
        self._addresses = _Table(most)
        self._pairs = _Table(most)

    def begin(self, address: str, user: str, now: float) -> Attempt | None:
        """Count an attempt that begins; None when none is heard from this address now."""
        since = now - self.limits.window_s
        place = network_of(address)
        if len(self._addresses.recent(place, since)) >= self.limits.per_address:
            return None
        failures = len(self._pairs.recent((place, user), since))
        self._addresses.add(place, now, self.limits.per_address)
        # Beyond this many the delay grows no more.
        self._pairs.add((place, user), now, self.limits.per_pair + 8)
        return Attempt(place, user, now, failures)

    def succeeded(self, attempt: Attempt) -> None:
        """The attempt was right: it does not count, and the pair begins anew."""
        self._addresses.take_back(attempt.address, attempt.began)
        self._pairs.forget((attempt.address, attempt.user))

    def withdraw(self, attempt: Attempt) -> None:
        """Nobody could judge the attempt: it does not count, nothing else changes."""
        self._addresses.take_back(attempt.address, attempt.began)
        self._pairs.take_back((attempt.address, attempt.user), attempt.began)

    def delay_s(self, attempt: Attempt, base_s: float) -> float:
        """How long after its beginning a failure is answered, which is ``base_s`` at first."""
        beyond = attempt.failures - self.limits.per_pair + 1
        return min(base_s * (1 << min(max(beyond, 0), 16)), LONGEST_DELAY_S)

    def __len__(self) -> int:
        return len(self._addresses) + len(self._pairs)


def network_of(address: str) -> str:
    """What stands for an address: itself, or the /64 network of IPv6."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((parsed, 64), strict=False))


class _Table:
    """Moments by key, the key that was quiet the longest first."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._moments: OrderedDict[object, deque[float]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._moments)

    def recent(self, key: object, since: float) -> deque[float]:
        moments = self._moments.get(key)
        if moments is None:
            return deque()
        while moments and moments[0] <= since:
            moments.popleft()
        if not moments:
            del self._moments[key]
        return moments

    def add(self, key: object, now: float, most: int) -> None:
        moments = self._moments.setdefault(key, deque())
        moments.append(now)
        while len(moments) > most:
            moments.popleft()
        self._moments.move_to_end(key)
        while len(self._moments) > self._most:
            self._moments.popitem(last=False)

    def take_back(self, key: object, moment: float) -> None:
        moments = self._moments.get(key)
        if moments is not None and moment in moments:
            moments.remove(moment)
            if not moments:
                del self._moments[key]

    def forget(self, key: object) -> None:
        self._moments.pop(key, None)
