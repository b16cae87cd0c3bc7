"""The response headers that every answer carries, whatever it answers."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

_FIXED: Final = (
    (b"X-Content-Type-Options", b"nosniff"),
    (b"Referrer-Policy", b"no-referrer"),
    (b"Cross-Origin-Opener-Policy", b"same-origin"),
    (b"Cross-Origin-Resource-Policy", b"same-origin"),
    (
        b"Permissions-Policy",
        b"camera=(), microphone=(), geolocation=(), clipboard-read=(self), clipboard-write=(self)",
    ),
    (b"Cache-Control", b"no-store"),
)
_HSTS: Final = (b"Strict-Transport-Security", b"max-age=63072000; includeSubDomains")


@lru_cache(maxsize=64)
def security_headers(*, secure: bool, host: str | None) -> tuple[tuple[bytes, bytes], ...]:
    """Give the headers for an answer under ``host`` (checked before; ``None``: not known).

    ``style-src`` has ``'unsafe-inline'`` because xterm.js writes style elements; scripts never
    have it.  The WebSocket's URL is named beside ``'self'`` for browsers in which ``'self'``
    means http and https only.
    """
    socket = f" {'wss' if secure else 'ws'}://{host}" if host else ""
    policy = (
        "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
        "img-src 'self' data: blob:; font-src 'self'; manifest-src 'self'; "
        f"connect-src 'self'{socket}; worker-src 'self'; object-src 'none'; base-uri 'none'; "
        "form-action 'self'; frame-ancestors 'none'"
    )
    named = ((b"Content-Security-Policy", policy.encode("ascii")), *_FIXED)
    return (*named, _HSTS) if secure else named
