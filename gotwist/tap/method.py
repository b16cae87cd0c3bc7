"""What a way of signing in is made from, and what it brings along: the seam of ``methods``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from twisted.application.service import IService
from twisted.internet.interfaces import IReactorTime

from gotwist.auth.authenticator import Checker
from gotwist.auth.conversation import PasswordMethod
from gotwist.auth.pam.checks import Checks
from gotwist.housekeeping.service import InThread
from gotwist.settings.snapshot import Snapshot
from gotwist.web.signin import SignInLink
from gotwist.web.ways import Brings, Detour, MakePage


@dataclass(frozen=True)
class Surroundings:
    """What a method may use.

    ``reactor`` is typed as a clock; a method that needs more of it narrows the type.
    ``snapshot`` holds what needs a restart, ``settings`` gives what is in force when it is
    asked.  ``in_thread`` is for what waits for a disk, and not for what takes long.
    """

    snapshot: Snapshot
    settings: Callable[[], Snapshot]
    reactor: IReactorTime
    wall_now: Callable[[], float]
    in_thread: InThread
    #: Checks passwords by PAM; None where nothing does.
    checks: Checks | None = None
    #: Terminals run as the account that signed in, not as the daemon's.
    opens_accounts: bool = False


@dataclass(frozen=True)
class Method:
    """What a method that is switched on brings along; most bring one or two of these.

    ``checkers``  judge credentials that it alone understands, and give :class:`Proven`
    ``password``  joins the sign-in form, Basic and every other door that takes passwords
    ``links``     stand on the sign-in page
    ``pages``     answer below ``<url_prefix>auth/``, by name; made with what ends a sign-in
    ``detour``    sends some requests for the sign-in address itself to one of the pages
    ``brings``    finds credentials in a request for the main page
    ``services``  run while the daemon does
    ``names``     the ``User.method`` of its users, when that is not its own name
    """

    checkers: Mapping[type, Checker] = field(default_factory=dict)
    password: PasswordMethod | None = None
    links: tuple[SignInLink, ...] = ()
    pages: Mapping[str, MakePage] = field(default_factory=dict)
    detour: Detour | None = None
    brings: Brings | None = None
    services: tuple[IService, ...] = ()
    names: tuple[str, ...] = ()


MakeMethod: TypeAlias = Callable[[Surroundings], Method]
"""Makes a method when the daemon starts; may block; raises GotwistError when it cannot."""
