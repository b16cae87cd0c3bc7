"""The options of signing in (application ``gotwist``)."""

from __future__ import annotations

from gotwist.settings.kinds import Choice, Duration, Integer, Path, Text
from gotwist.settings.lists import MethodList
from gotwist.settings.option import AUTHENTICATION, Option

METHODS = ("token", "none", "pam", "file", "api", "ssl", "kerberos", "oidc", "google")
"""The ways of signing in that the option ``auth`` can name; the roof has a maker for each."""

_SIGN_IN = "Signing in"

_SECRET = Text(r"[A-Za-z0-9+/=_-]{32,512}", "32 or more letters, digits and + / = _ -")

SIGN_IN = (
    Option(
        "auth",
        MethodList(METHODS),
        "token",
        "How users prove who they are, with ; between several ways. token: by a one-time link "
        "(always possible); pam: by the password of an account of this machine; file: by a "
        "password in password_file; api: another site vouches for them with an object it has "
        "signed; ssl: by a certificate of theirs; kerberos: by a ticket; oidc: by an OpenID "
        "Connect provider; google: by a Google account; none: not at all (alone only).",
        _SIGN_IN,
        file=AUTHENTICATION,
        restart=True,
    ),
    Option(
        "auth_timeout",
        Duration(60),
        "12h",
        "Greatest age of a sign-in, however busy.",
        _SIGN_IN,
        file=AUTHENTICATION,
    ),
    Option(
        "auth_idle_timeout",
        Duration(60),
        "60m",
        "A sign-in without any open tab ends after this time.",
        _SIGN_IN,
        file=AUTHENTICATION,
    ),
    Option(
        "launch_link_ttl",
        Duration(10),
        "15m",
        "How long a launch link can be used.",
        _SIGN_IN,
        file=AUTHENTICATION,
    ),
    Option(
        "password_file",
        Path(),
        "{settings_dir}/passwords.json",
        "Names, hashed passwords and groups for auth=file. Edited by `gotwist passwd`; noticed "
        "when it changes.",
        _SIGN_IN,
        restart=True,
    ),
    Option(
        "totp",
        Choice(("off", "optional", "required")),
        "optional",
        "Second factor, the codes of an authenticator app. optional: asked of everybody who has "
        "one; required: without one nobody comes in; off: never asked.",
        _SIGN_IN,
        file=AUTHENTICATION,
        per_user=True,
    ),
    Option(
        "totp_file",
        Path(),
        "{settings_dir}/totp.json",
        "The secrets of second factors. Edited by `gotwist totp`; noticed when it changes.",
        _SIGN_IN,
        restart=True,
    ),
    Option(
        "auth_max_failures",
        Integer(1, 1000),
        5,
        "Failed sign-ins of one user from one address after which each further refusal takes "
        "twice as long, up to 30 s.",
        _SIGN_IN,
    ),
    Option(
        "auth_max_failures_per_address",
        Integer(1, 100_000),
        20,
        "Failed sign-ins from one address (IPv6: from one /64) after which no password from "
        "there is looked at.",
        _SIGN_IN,
    ),
    Option(
        "auth_failure_window",
        Duration(1),
        "10m",
        "How long a failed sign-in counts.",
        _SIGN_IN,
    ),
    Option(
        "authentication_timeout",
        Duration(1),
        "15s",
        "A WebSocket that has not authenticated within this time is closed.",
        _SIGN_IN,
    ),
    Option(
        "cookie_secret",
        _SECRET,
        None,
        "Signs the cookies. Made at the first start; a new one signs everybody out.",
        _SIGN_IN,
        command_line=False,
        restart=True,
        secret=True,
    ),
)
