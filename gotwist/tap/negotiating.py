"""Kerberos as a way of signing in, made from the settings when it is switched on."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final, cast

from twisted.internet.interfaces import IReactorFromThreads

from gotwist.auth.kerberos import METHOD, Acceptor, Negotiator
from gotwist.housekeeping.fairness.service import FairThreads
from gotwist.tap.method import Method, Surroundings
from gotwist.web.basic import wants_basic
from gotwist.web.negotiate import PAGE, NegotiatePage, negotiates
from gotwist.web.request import Request
from gotwist.web.signin import SignInLink

_THREADS: Final = 4
_PASSWORD_METHODS: Final = frozenset({"pam", "file"})
#: Beside these, Kerberos is the one way in, and the sign-in address asks browsers for a ticket.
_NOT_ASKED: Final = frozenset({METHOD, "token", "api", "ssl"})


def make_kerberos(surroundings: Surroundings) -> Method:
    """Tickets for the service of the ``sso_…`` options; blocks on the disk."""
    snapshot = surroundings.snapshot
    chosen = frozenset(snapshot.texts("auth"))
    realm = snapshot.optional_text("sso_realm")
    acceptor = Acceptor(
        Path(snapshot.text("sso_keytab")),
        snapshot.text("sso_service"),
        realm,
        Path(snapshot.text("runtime_dir")) / "kerberos-replays",
    )
    threads = FairThreads(
        cast(IReactorFromThreads, surroundings.reactor), "gotwist-kerberos", most=_THREADS
    )
    negotiator = Negotiator(acceptor, threads.run_for)
    basic_realm = (realm or "gotwist") if chosen & _PASSWORD_METHODS else None
    is_alone = chosen <= _NOT_ASKED

    def detour(request: Request, fields: Mapping[str, str]) -> str | None:
        if fields.keys() - {"next"}:
            return None
        asked = (is_alone or wants_basic(request)) and request.sign_in_cookie() is None
        return PAGE if asked or negotiates(request) else None

    return Method(
        links=(SignInLink("Sign in with Kerberos", f"auth/{PAGE}"),),
        pages={PAGE: lambda arrivals: NegotiatePage(arrivals, negotiator, basic_realm)},
        detour=detour,
        services=(threads,),
    )
