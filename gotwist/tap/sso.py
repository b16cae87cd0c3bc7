"""Single sign-on as ways of signing in: made from the settings when they are switched on."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from gotwist.auth.oidc.http import make_requests
from gotwist.auth.oidc.relying import RelyingParty
from gotwist.auth.openid.flows import Flows
from gotwist.auth.openid.registration import (
    METHOD_GOOGLE,
    METHOD_OIDC,
    Registration,
    google_registration,
)
from gotwist.settings.snapshot import Snapshot
from gotwist.tap.method import Method, Surroundings
from gotwist.web.openid import ProviderPage
from gotwist.web.request import Request
from gotwist.web.signin import SignInLink
from gotwist.web.ways import Detour


def make_oidc(surroundings: Surroundings) -> Method:
    """The provider that the ``oidc_…`` options describe."""
    snapshot = surroundings.snapshot
    ca_file = snapshot.optional_text("oidc_ca_certs")
    return _method(
        surroundings,
        oidc_registration(snapshot),
        back=f"auth/{METHOD_OIDC}",
        ca_file=None if ca_file is None else Path(ca_file),
    )


def make_google(surroundings: Surroundings) -> Method:
    """Google, with what ``google_oauth`` holds."""
    snapshot = surroundings.snapshot
    pair = snapshot.mapping("google_oauth")
    registration = google_registration(
        str(pair["key"]),
        str(pair["secret"]),
        domains=snapshot.texts("google_allowed_domains"),
        emails=snapshot.texts("google_allowed_emails"),
    )

    def detour(request: Request, fields: Mapping[str, str]) -> str | None:
        comes_back = "state" in fields and ("code" in fields or "error" in fields)
        return METHOD_GOOGLE if comes_back else None

    # Where the predecessor had people sent: registrations made for it stay good.
    return _method(surroundings, registration, back="auth", detour=detour)


def oidc_registration(snapshot: Snapshot) -> Registration:
    """What the ``oidc_…`` options agree on with the provider."""
    return Registration(
        method=METHOD_OIDC,
        title=snapshot.text("oidc_name"),
        issuer=snapshot.text("oidc_issuer"),
        client_id=snapshot.text("oidc_client_id"),
        client_secret=snapshot.optional_text("oidc_client_secret") or "",
        scopes=tuple(dict.fromkeys(("openid", *snapshot.texts("oidc_scopes")))),
        upn_claim=snapshot.text("oidc_upn_claim"),
        groups_claim=snapshot.optional_text("oidc_groups_claim") or "",
        attributes=snapshot.texts("oidc_attributes"),
        asks_userinfo=snapshot.boolean("oidc_userinfo"),
        domains=snapshot.texts("oidc_allowed_domains"),
        emails=snapshot.texts("oidc_allowed_emails"),
    )


def _method(
    surroundings: Surroundings,
    registration: Registration,
    *,
    back: str,
    ca_file: Path | None = None,
    detour: Detour | None = None,
) -> Method:
    reactor, method = surroundings.reactor, registration.method
    party = RelyingParty(
        registration,
        Flows(reactor.seconds),
        make_requests(reactor, ca_file),
        reactor.seconds,
        surroundings.wall_now,
    )
    return Method(
        links=(SignInLink(f"Sign in with {registration.title}", f"auth/{method}"),),
        pages={method: lambda arrivals: ProviderPage(arrivals, party, method, back)},
        detour=detour,
    )
