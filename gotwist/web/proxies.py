"""Who the client is when trusted proxies stand between: ``X-Forwarded-*`` by the right-most rule.

Everything left of the first address that is not a listed proxy was written by strangers.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Final

from gotwist.web.hosts import normal_address

UNIX_PEER: Final = "unix"
_WITH_PORT = re.compile(r"(\d+\.\d+\.\d+\.\d+):\d+|\[([0-9A-Fa-f:.]+)\](?::\d+)?")


@dataclass(frozen=True)
class ClientView:
    """How the outermost trusted hop saw the client; ``None``: it said nothing of that."""

    address: str
    scheme: str | None = None
    host: str | None = None


class TrustedProxies:
    """The listed proxies: addresses, networks, and ``unix`` for the UNIX socket."""

    def __init__(self, entries: Iterable[str] = ()) -> None:
        """:raises ValueError: when an entry is neither ``unix`` nor an address or network."""
        networks: list[IPv4Network | IPv6Network] = []
        self._unix = False
        for entry in entries:
            if entry == UNIX_PEER:
                self._unix = True
            else:
                networks.append(ip_network(entry, strict=False))
        self._networks = tuple(networks)

    def trusts(self, peer: str) -> bool:
        """Tell whether this peer's forwarding headers count."""
        if peer == UNIX_PEER:
            return self._unix
        if not self._networks:
            return False
        try:
            address = ip_address(peer)
        except ValueError:
            return False
        return any(address in network for network in self._networks)

    def view(
        self,
        peer: str,
        forwarded_for: Sequence[str] = (),
        forwarded_proto: Sequence[str] = (),
        forwarded_host: Sequence[str] = (),
    ) -> ClientView:
        """Work out the client from the header lines as they came, top to bottom."""
        if not self.trusts(peer):
            return ClientView(peer)
        address = peer
        for hop in reversed(_members(forwarded_for)):
            candidate = _hop_address(hop)
            if candidate is None:
                break
            address = candidate
            if not self.trusts(candidate):
                break
        protos = _members(forwarded_proto)
        scheme = protos[-1].lower() if protos else None
        hosts = _members(forwarded_host)
        return ClientView(
            address,
            scheme if scheme in ("http", "https") else None,
            hosts[-1] if hosts else None,
        )


def _members(lines: Sequence[str]) -> list[str]:
    return [member.strip() for line in lines for member in line.split(",") if member.strip()]


def _hop_address(hop: str) -> str | None:
    match = _WITH_PORT.fullmatch(hop)
    text = (match[1] or match[2]) if match else hop
    try:
        ip_address(text)
    except ValueError:
        return None
    return normal_address(text)
