"""The sign-in cookie: its name, how it is set, how it is found.

On TLS it is ``__Host-gotwist``: the browser itself then insists on Secure, ``Path=/`` and no
Domain, so that no sister host can plant one.  Plain HTTP (loopback only) cannot have that
prefix and gets a name of its own, so that neither is ever taken for the other.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

SECURE_COOKIE: Final = "__Host-gotwist"
PLAIN_COOKIE: Final = "gotwist"
_STEP: Final = "-step"
"""What is added for the cookie of somebody who has been asked a question meanwhile."""
_FLOW: Final = "-flow-"
"""And for the cookie of somebody who has gone to sign in elsewhere, with the method's name."""
_VALUE = re.compile(r"[A-Za-z0-9._~=+/|:-]{1,2048}")


def cookie_name(*, secure: bool) -> str:
    """Give the name of the sign-in cookie on this kind of connection."""
    return SECURE_COOKIE if secure else PLAIN_COOKIE


def find_cookie(lines: Iterable[str], *, secure: bool) -> str | None:
    """Find the sign-in cookie's value in ``Cookie`` header lines; two of them are none."""
    return _find(lines, cookie_name(secure=secure))


def find_step_cookie(lines: Iterable[str], *, secure: bool) -> str | None:
    """Find the name of the question that this browser has been asked."""
    return _find(lines, cookie_name(secure=secure) + _STEP)


def find_flow_cookie(lines: Iterable[str], method: str, *, secure: bool) -> str | None:
    """Find what binds a sign-in at a provider to this browser."""
    return _find(lines, cookie_name(secure=secure) + _FLOW + method)


def _find(lines: Iterable[str], name: str) -> str | None:
    values = {
        value.strip()
        for line in lines
        for key, equals, value in (part.partition("=") for part in line.split(";"))
        if equals and key.strip() == name
    }
    value = values.pop() if len(values) == 1 else ""
    return value if _VALUE.fullmatch(value) else None


def set_cookie(value: str, *, secure: bool, max_age_s: int | None) -> bytes:
    """Render the ``Set-Cookie`` line.

    ``SameSite=Strict``: the cookie never travels with a request that another site caused, and
    a launch link opened from a terminal or the address bar has no causing site.  A link on
    another page gets a confirmation first (see ``login``), whose form is a request of ours.

    :raises ValueError: when the value could not be read back.
    """
    return _render(cookie_name(secure=secure), value, secure, max_age_s)


def set_step_cookie(value: str, *, secure: bool, max_age_s: int) -> bytes:
    """Render the line that binds a question to the browser that is asked it."""
    return _render(cookie_name(secure=secure) + _STEP, value, secure, max_age_s)


def set_flow_cookie(value: str, method: str, *, secure: bool, max_age_s: int) -> bytes:
    """Render the line that binds a sign-in at a provider to this browser.

    ``SameSite=Lax``: it has to travel with the request by which the provider sends it back.
    """
    name = cookie_name(secure=secure) + _FLOW + method
    return _render(name, value, secure, max_age_s, same_site="Lax")


def _render(
    name: str, value: str, secure: bool, max_age_s: int | None, same_site: str = "Strict"
) -> bytes:
    if not _VALUE.fullmatch(value):
        raise ValueError("not a cookie value")
    parts = [f"{name}={value}", "Path=/", "HttpOnly", f"SameSite={same_site}"]
    if secure:
        parts.insert(2, "Secure")
    if max_age_s is not None:
        parts.append(f"Max-Age={max_age_s}")
    return "; ".join(parts).encode("ascii")


def clear_cookie(*, secure: bool) -> bytes:
    """Render the ``Set-Cookie`` line that removes the cookie."""
    return set_cookie("gone", secure=secure, max_age_s=0)


def clear_step_cookie(*, secure: bool) -> bytes:
    """Render the line that removes it."""
    return set_step_cookie("gone", secure=secure, max_age_s=0)
