"""The options of signing in (application ``gotwist``)."""

from __future__ import annotations

from gotwist.settings.kinds import Duration, Text
from gotwist.settings.lists import MethodList
from gotwist.settings.option import AUTHENTICATION, Option

METHODS = ("token", "none", "pam")
"""The ways of signing in that the option ``auth`` can name; the roof has a maker for each."""

_SIGN_IN = "Signing in"

_SECRET = Text(r"[A-Za-z0-9+/=_-]{32,512}", "32 or more letters, digits and + / = _ -")

SIGN_IN = (
    Option(
        "auth",
        MethodList(METHODS),
        "token",
        "How users prove who they are, with ; between several ways. token: by a one-time link "
        "(always possible); none: not at all (alone only); pam: by the password of an account of "
        "this machine.",
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
