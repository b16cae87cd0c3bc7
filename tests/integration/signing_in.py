"""Signing in to a real daemon without a browser: the launch link's cookie."""

from __future__ import annotations

import http.client
from urllib.parse import urlsplit

from tests.integration.daemon import Daemon, trusting
from tests.integration.websocket import WebSocket


def request(
    daemon: Daemon, method: str, url: str, headers: dict[str, str] | None = None
) -> tuple[int, dict[str, str], bytes]:
    """One HTTP request without following anything; header names in lower case."""
    parts = urlsplit(url if "://" in url else daemon.base + url.lstrip("/"))
    if parts.scheme == "https":
        connection: http.client.HTTPConnection = http.client.HTTPSConnection(
            str(parts.hostname), parts.port, timeout=20, context=trusting(daemon.client)
        )
    else:
        connection = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=20)
    try:
        target = parts.path + ("?" + parts.query if parts.query else "")
        connection.request(method, target, headers=headers or {})
        answer = connection.getresponse()
        body = answer.read()
        return answer.status, {k.lower(): v for k, v in answer.getheaders()}, body
    finally:
        connection.close()


def cookie_of(daemon: Daemon, link: str) -> str:
    """Open a launch link; answers the cookie as a browser would send it back."""
    status, headers, body = request(daemon, "GET", link)
    assert status in (302, 303), (status, body)
    assert "token" not in headers["location"], headers
    return headers["set-cookie"].split(";")[0]


def connect(daemon: Daemon, cookie: str, location: str = "default") -> WebSocket:
    """A WebSocket that has authenticated."""
    websocket = WebSocket(daemon.base, cookie=cookie)
    websocket.send("go:authenticate", {"auth": None, "location": location})
    websocket.until_action("go:applications")
    return websocket
