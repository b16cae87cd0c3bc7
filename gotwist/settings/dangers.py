"""Combinations of settings that would open a machine to everybody: refused unless named.

Each rule names the option that is dangerous, in one sentence, and the override that the
operator must set to mean it.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from gotwist.errors import Denied

Settings = Mapping[str, object]


def is_loopback(address: str) -> bool:
    """Tell whether an address of the ``address`` setting is reachable from this machine only."""
    if address == "localhost":
        return True
    try:
        return ipaddress.ip_address(address.strip("[]")).is_loopback
    except ValueError:
        return False  # a name may resolve to anything, and "" means all addresses


def _leaves_machine(settings: Settings) -> bool:
    addresses = settings["address"]
    assert isinstance(addresses, Sequence)
    return not addresses or not all(is_loopback(str(address)) for address in addresses)


@dataclass(frozen=True, slots=True)
class Danger:
    """One dangerous combination.

    :ivar override: option that permits it
    :ivar applies: whether settings have it
    :ivar sentence: what it means for whoever runs it
    """

    override: str
    applies: Callable[[Settings], bool]
    sentence: str


def _any_origin(settings: Settings) -> bool:
    origins = settings["origins"]
    assert isinstance(origins, Sequence)
    return "*" in origins


DANGERS = (
    Danger(
        "allow_auth_none_off_loopback",
        lambda settings: settings["auth"] == "none" and _leaves_machine(settings),
        "auth=none on an address that other machines reach gives everybody there a shell",
    ),
    Danger(
        "allow_plain_http_off_loopback",
        lambda settings: bool(settings["disable_ssl"]) and _leaves_machine(settings),
        "disable_ssl on an address that other machines reach sends sign-ins and keystrokes "
        "readable over the network",
    ),
    Danger(
        "allow_any_origin",
        _any_origin,
        "origins=* lets every web page a user has open use that user's terminals",
    ),
)


def refuse_dangers(settings: Settings) -> None:
    """Refuse dangerous combinations that the operator did not permit by name.

    :raises Denied: with one sentence that names the override
    """
    for danger in DANGERS:
        if danger.applies(settings) and not settings[danger.override]:
            raise Denied(f"{danger.sentence}; if you mean it, say so with --{danger.override}")
