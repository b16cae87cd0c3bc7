"""The other side's address as text."""

from __future__ import annotations

from twisted.internet.address import IPv4Address, IPv6Address

from gotwist.web.hosts import normal_address
from gotwist.web.proxies import UNIX_PEER


def peer_name(address: object) -> str:
    """Give an IP address in its one form, ``unix`` for whatever has no IP address."""
    if isinstance(address, IPv4Address | IPv6Address):
        return normal_address(address.host)
    return UNIX_PEER
