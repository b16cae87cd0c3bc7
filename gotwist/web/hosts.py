"""Which names a browser may use for this daemon: the Host rule (against DNS rebinding).

A page of somebody else whose name suddenly resolves to our address still sends *its* name as
``Host``.  So only names we know as ours are answered.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from ipaddress import IPv6Address, ip_address
from typing import Final

from gotwist.web.options import WebSettings

LOOPBACK_NAMES: Final = frozenset({"localhost", "127.0.0.1", "::1"})
ANY_HOST: Final = "*"

_HOST = re.compile(
    r"(?P<name>[A-Za-z0-9](?:[A-Za-z0-9._-]{0,252})|\[[0-9A-Fa-f:.]{2,45}\])(?::(?P<port>[0-9]{1,5}))?"
)
_ORIGIN = re.compile(r"(?:[a-z][a-z0-9+.-]*://)?(?P<authority>[^/]+)/?", re.IGNORECASE)


def parse_host(value: str) -> tuple[str, int | None] | None:
    """Split a ``Host`` value into a normal name and a port; ``None`` if it is not one.

    Names come in lower case, IPv6 literals without brackets and in their shortest form.
    """
    match = _HOST.fullmatch(value)
    if match is None:
        return None
    name, port = match["name"].lower(), match["port"]
    if port is not None and not 0 < int(port) <= 65_535:
        return None
    if name.startswith("["):
        try:
            name = str(IPv6Address(name[1:-1]))
        except ValueError:
            return None
    return name, None if port is None else int(port)


def is_allowed(name: str, allowed: Collection[str], local_address: str) -> bool:
    """Tell whether a parsed host name is ours.

    The address on which the connection came in is always ours: a name is what rebinding
    needs, a literal cannot be made to resolve elsewhere.
    """
    return name in allowed or ANY_HOST in allowed or name == normal_address(local_address)


def normal_address(address: str) -> str:
    """Write an IP address in its one form; IPv4 within IPv6 as IPv4; other text unchanged."""
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return address.lower()
    mapped = parsed.ipv4_mapped if isinstance(parsed, IPv6Address) else None
    return str(mapped or parsed)


def origin_hosts(origins: Iterable[str]) -> frozenset[str]:
    """Take the host names out of configured origins; entries that are patterns give nothing."""
    names = set()
    for origin in origins:
        if origin == ANY_HOST:
            names.add(ANY_HOST)
        elif (match := _ORIGIN.fullmatch(origin)) and (parsed := parse_host(match["authority"])):
            names.add(parsed[0])
    return frozenset(names)


def allowed_hosts(settings: WebSettings) -> frozenset[str]:
    """All names under which these settings make the daemon known."""
    own = {normal_address(address) for address in settings.addresses if address}
    return LOOPBACK_NAMES | own | {settings.public_host.lower()} | origin_hosts(settings.origins)
