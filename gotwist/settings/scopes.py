"""Scopes: for whom a part of the settings holds.

``*``                       everybody
``user=<regex>``            users whose name (UPN) matches, as ``user.upn=<regex>``
``user.<name>=<regex>``     users with such an attribute, for instance ``user.email=.*@here``
``group=<regex>``           members of such a group
``address=<networks>``      who comes from there: ``address=10.0.0.0/8,2001:db8::/32``
``<scope> and <scope>``     both, up to eight: ``group=staff and address=10.0.0.0/8``

Regular expressions match the whole value, never a part: ``user=bob`` is not for bobby.  An
address may also be matched as text, as ``user.ip_address=10\\.1\\..*``; with a slash in it the
value is read as networks there too, because no text of an address has one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Protocol, TypeAlias

from gotwist.settings.expressions import MAX_EXPRESSION, compile_expression, matches

EVERYBODY = "*"
#: The attribute that holds where somebody comes from.
ADDRESS = "ip_address"
NAME = "upn"

MAX_CONDITIONS = 8

Network: TypeAlias = IPv4Network | IPv6Network

_FORM = re.compile(r"(user|group|address)(?:\.([A-Za-z_][A-Za-z0-9_-]{0,63}))?=(.*)", re.DOTALL)
# Only where a condition follows: an expression may hold the word itself.
_AND = re.compile(r" +and +(?=(?:user|group|address)(?:\.[A-Za-z_][A-Za-z0-9_-]*)?=)")


class Condition(Protocol):
    """One thing that must be true of a user."""

    def holds(self, attributes: Mapping[str, str], groups: Sequence[str]) -> bool:
        """Tell whether it is."""


@dataclass(frozen=True)
class Attribute:
    """An attribute matches a regular expression."""

    name: str
    pattern: re.Pattern[str]

    def holds(self, attributes: Mapping[str, str], groups: Sequence[str]) -> bool:
        value = attributes.get(self.name)
        return value is not None and matches(self.pattern, value)


@dataclass(frozen=True)
class Membership:
    """One of the groups matches a regular expression."""

    pattern: re.Pattern[str]

    def holds(self, attributes: Mapping[str, str], groups: Sequence[str]) -> bool:
        return any(matches(self.pattern, group) for group in groups)


@dataclass(frozen=True)
class From:
    """The address lies in one of these networks."""

    networks: tuple[Network, ...]

    def holds(self, attributes: Mapping[str, str], groups: Sequence[str]) -> bool:
        try:
            # Links have their name behind a %, which says nothing about the network.
            address = ip_address(attributes.get(ADDRESS, "").partition("%")[0])
        except ValueError:
            return False
        if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
            address = address.ipv4_mapped
        return any(address in network for network in self.networks)


@dataclass(frozen=True)
class Scope:
    """What must be true of a user, all of it."""

    text: str
    conditions: tuple[Condition, ...]

    def matches(self, attributes: Mapping[str, str], groups: Sequence[str]) -> bool:
        """Tell whether a user with these attributes and groups is meant."""
        return all(condition.holds(attributes, groups) for condition in self.conditions)


def parse_scope(text: str) -> Scope | None:
    """Read a scope; None stands for everybody.

    :raises ValueError: it has none of the forms above, or its regular expression is bad.
    """
    if text == EVERYBODY:
        return None
    if len(text) > MAX_EXPRESSION:
        raise ValueError(f"is longer than {MAX_EXPRESSION} characters; split it")
    parts = _AND.split(text)
    if len(parts) > MAX_CONDITIONS:
        raise ValueError(f"has more than {MAX_CONDITIONS} conditions; split it")
    return Scope(text, tuple(_condition(part) for part in parts))


def _condition(text: str) -> Condition:
    match = _FORM.fullmatch(text)
    if match is None or (match[1] != "user" and match[2]):
        raise ValueError(
            "is no scope; write * for everybody, user=<regex>, user.<attribute>=<regex>, "
            "group=<regex>, address=<network>,<network> or several of these with and"
        )
    kind, attribute, value = match.groups()
    if kind == "address" or (attribute == ADDRESS and "/" in value):
        return From(tuple(_network(item) for item in value.split(",")))
    pattern = compile_expression(value)
    return Membership(pattern) if kind == "group" else Attribute(attribute or NAME, pattern)


def _network(text: str) -> Network:
    try:
        return ip_network(text.strip())
    except ValueError as problem:
        raise ValueError(
            f"has an address that is none ({problem}); write networks such as "
            "10.0.0.0/8,2001:db8::/32"
        ) from None
