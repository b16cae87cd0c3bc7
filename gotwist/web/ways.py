"""The ways of signing in that the web door offers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from twisted.web.resource import IResource

from gotwist.auth.credentials import Credentials
from gotwist.web.arrivals import Arrivals
from gotwist.web.request import Request
from gotwist.web.signin import SignInLink

MakePage: TypeAlias = Callable[[Arrivals], IResource]
"""Given what ends a sign-in: what answers at an address of a method's own."""

Brings: TypeAlias = Callable[[Request], Credentials | None]
"""Given a request for the main page: the credentials that it brings along by itself."""


Detour: TypeAlias = Callable[[Request, Mapping[str, str]], str | None]
"""Given a GET of the sign-in address and its fields: the page that is to answer it instead."""


@dataclass(frozen=True)
class Ways:
    """What the sign-in page shows and what the sign-in address understands."""

    has_form: bool = False
    """Whether names and passwords are taken."""
    has_launch_links: bool = True
    """Whether the page tells of launch links."""
    links: tuple[SignInLink, ...] = ()
    pages: Mapping[str, MakePage] = field(default_factory=dict)
    """What answers below the sign-in address, by name."""
    detours: tuple[Detour, ...] = ()
    basic_realm: str | None = None
    """Names and passwords are taken by HTTP Basic as well, for what is called so."""
    brings: tuple[Brings, ...] = ()
