"""The rule of origins: which web pages may open a WebSocket here.

A page elsewhere that the user happens to have open can try to connect, and the browser sends
the cookie along.  So the ``Origin`` must be ours or listed, exactly: scheme, host and port.
"Ours" is what the ``Host`` header says only when that host is known to be ours; otherwise a
name that an attacker points at this machine would count.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from urllib.parse import urlsplit

_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True)
class OriginRule:
    """Who may connect.

    :param listed: origins such as ``https://example.org:8443``; one without a scheme means the
        scheme of the door.  ``*`` lets everybody in, and is the operator's own dangerous wish.
    :param hosts: the names and addresses under which this daemon may be called, without port.
    :param allow_missing: whether native programs, which send no ``Origin``, may connect (and
        then only without cookies).
    """

    listed: tuple[str, ...] = ()
    hosts: Collection[str] = ("localhost", "127.0.0.1", "::1")
    allow_missing: bool = True

    def allows(self, origin: str | None, host: str | None, secure: bool, has_cookie: bool) -> bool:
        """Whether a handshake with these headers may go on.

        :param secure: whether the door, as the browser sees it, is HTTPS.
        """
        if "*" in self.listed:
            return True
        if origin is None:
            return self.allow_missing and not has_cookie
        asked = parse_origin(origin)
        if asked is None:
            return False
        scheme = "https" if secure else "http"
        if host is not None:
            own = parse_origin(f"{scheme}://{host}")
            if own is not None and own[1] in self.hosts and asked == own:
                return True
        return any(
            asked == parse_origin(entry if "://" in entry else f"{scheme}://{entry}")
            for entry in self.listed
        )


def parse_origin(text: str) -> tuple[str, str, int] | None:
    """Scheme, host in lower case and port; None when ``text`` is not a web page's origin."""
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        return None
    host = parts.hostname
    if parts.scheme not in _PORTS or not host:
        return None
    if parts.path or parts.query or parts.fragment or "@" in parts.netloc or "?" in text:
        return None
    if any(character <= " " or character in "#\\\x7f" for character in text):
        return None
    return parts.scheme, host, port if port is not None else _PORTS[parts.scheme]
