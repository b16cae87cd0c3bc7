"""A user: who somebody is, once that has been established."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from gotwist.errors import Malformed

MAX_UPN = 128

# A name becomes part of paths, log lines and arguments: it begins with a letter, a digit or
# an underscore and holds nothing that any of those could read as something else.
_UPN = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.@+\-]{0,127}\Z")


@dataclass(frozen=True, slots=True)
class User:
    """Who somebody is (``upn``), how that was established, and what is known besides."""

    upn: str
    method: str
    attributes: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    groups: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "attributes", MappingProxyType(dict(self.attributes)))

    @property
    def facts(self) -> Mapping[str, str]:
        """What scopes of the settings ask for: the attributes and the name."""
        return {**self.attributes, "upn": self.upn}

    def seen_at(self, address: str) -> User:
        """This user as somebody who is at ``address`` now, whatever was known of it before."""
        return replace(self, attributes={**self.attributes, "ip_address": address})


def check_upn(name: str) -> str:
    """Give ``name`` back when it may be a user's name.

    :raises Malformed: when it is empty, too long, or could be read as a path or an option.
    """
    if not _UPN.match(name) or ".." in name:
        raise Malformed("This is not a user name.")
    return name
