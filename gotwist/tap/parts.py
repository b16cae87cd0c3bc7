"""What each room is told of the settings: frozen values made from one snapshot."""

from __future__ import annotations

import socket
from collections.abc import Callable
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import Generic, TypeVar

from gotwist.auth.apikey import METHOD_API, ApiRules
from gotwist.gateway.limits import Limits
from gotwist.gateway.origin import OriginRule
from gotwist.settings.snapshot import Snapshot
from gotwist.web.headers import security_headers
from gotwist.web.hosts import allowed_hosts
from gotwist.web.options import ClientPolicy, WebSettings
from gotwist.web.options import Limits as WebLimits

T = TypeVar("T")


def static_directory() -> Path:
    """Where the browser's files are: in the package, or beside it in a checkout."""
    package = Path(str(files("gotwist")))
    inside = package / "static"
    return inside if inside.is_dir() else package.parent / "static"


def web_settings(snapshot: Snapshot) -> WebSettings:
    """The web door's part."""
    addresses = snapshot.texts("address") or ("",)
    unix = Path(snapshot.text("unix_socket_path"))
    return WebSettings(
        static_directory=static_directory(),
        session_directory=Path(snapshot.text("session_dir")),
        addresses=addresses,
        port=snapshot.integer("port"),
        certificate=Path(snapshot.text("certificate")),
        keyfile=Path(snapshot.text("keyfile")),
        disable_ssl=snapshot.boolean("disable_ssl"),
        https_redirect=snapshot.boolean("https_redirect"),
        https_redirect_port=snapshot.integer("https_redirect_port"),
        unix_socket=unix if snapshot.boolean("enable_unix_socket") else None,
        unix_socket_mode=snapshot.integer("unix_socket_mode"),
        url_prefix=snapshot.text("url_prefix"),
        public_host=public_host(snapshot),
        origins=snapshot.texts("origins"),
        trusted_proxies=snapshot.texts("trusted_proxies"),
        server_header=snapshot.text("server_header"),
        limits=_web_limits(snapshot),
    )


def client_policy(snapshot: Snapshot) -> ClientPolicy | None:
    """Whose certificates the web door asks for; None: nobody's."""
    asked = snapshot.text("ssl_auth")
    authorities = snapshot.optional_text("ca_certs")
    if asked == "none" or authorities is None:
        return None
    revoked = snapshot.optional_text("ca_crl")
    return ClientPolicy(
        Path(authorities), Path(revoked) if revoked else None, required=asked == "required"
    )


def api_rules(snapshot: Snapshot) -> ApiRules:
    """Which sites are believed when they vouch for a user."""
    keys = snapshot.mapping("api_keys")
    return ApiRules(
        {key: secret for key, secret in keys.items() if isinstance(secret, str)},
        snapshot.seconds("api_timestamp_window"),
        snapshot.boolean("api_allow_sha1"),
    )


def api_methods(snapshot: Snapshot) -> tuple[str, ...]:
    """The signature methods of API objects; none when no site is believed."""
    return api_rules(snapshot).methods if METHOD_API in snapshot.texts("auth") else ()


def _web_limits(snapshot: Snapshot) -> WebLimits:
    limits = WebLimits(
        connections=snapshot.integer("max_connections"),
        per_address=snapshot.integer("max_connections_per_address"),
    )
    if "kerberos" in snapshot.texts("auth"):
        # The ticket of somebody in many groups of an Active Directory is 48 KiB long.
        return replace(limits, head_bytes=81_920, field_bytes=66_560)
    return limits


def refusal_headers(settings: WebSettings) -> tuple[tuple[str, str], ...]:
    """What a refused WebSocket handshake carries: the same as every other answer."""
    headers = [
        (name.decode("ascii"), value.decode("ascii"))
        for name, value in security_headers(secure=not settings.disable_ssl, host=None)
    ]
    if settings.server_header:
        headers.append(("Server", settings.server_header))
    return tuple(headers)


def public_host(snapshot: Snapshot) -> str:
    """The name by which this door is shown in links: the address it listens on, if it is one."""
    for address in snapshot.texts("address"):
        if address and address not in ("0.0.0.0", "::"):
            return address
    return socket.gethostname() if snapshot.texts("address") else "127.0.0.1"


def certificate_names(snapshot: Snapshot) -> list[str]:
    """What a certificate of the daemon's own making is for."""
    return [public_host(snapshot), *(snapshot.texts("address") or ("",))]


def base_url(snapshot: Snapshot, port: int) -> str:
    """The address of the main page, as a person on this machine would open it."""
    host = public_host(snapshot)
    shown = f"[{host}]" if ":" in host else host
    scheme, usual = ("http", 80) if snapshot.boolean("disable_ssl") else ("https", 443)
    where = shown if port == usual else f"{shown}:{port}"
    return f"{scheme}://{where}{snapshot.text('url_prefix')}"


def gateway_limits(snapshot: Snapshot) -> Limits:
    """The limits of WebSockets."""
    return Limits(
        messages_per_s=float(snapshot.integer("message_rate")),
        bytes_per_s=float(snapshot.integer("byte_rate")),
        clients_per_user=snapshot.integer("max_websockets_per_user"),
        clients_per_address=snapshot.integer("max_websockets_per_address"),
        unauthenticated_per_address=snapshot.integer("max_unauthenticated_per_address"),
        authentication_s=snapshot.seconds("authentication_timeout"),
    )


def origin_rule(snapshot: Snapshot) -> OriginRule:
    """Which pages may open a WebSocket."""
    settings = web_settings(snapshot)
    return OriginRule(settings.origins, allowed_hosts(settings))


def applications_of_anybody(snapshot: Snapshot) -> tuple[str, ...] | None:
    """The applications to load: those that somebody may have; None: all that are installed."""
    found: dict[str, None] = {}
    for names in snapshot.anywhere("gotwist", "enabled_applications"):
        if not isinstance(names, tuple) or not names:
            return None
        found |= dict.fromkeys(str(name) for name in names)
    return tuple(found)


def keeper_options(snapshot: Snapshot) -> tuple[str, ...]:
    """The command line of a keeper started for these settings."""
    terminal = snapshot.application("terminal")
    return (
        "--slots",
        str(terminal.integer("max_terminals")),
        "--ring",
        str(terminal.integer("ring_size")),
    )


class Kept(Generic[T]):
    """A value made from a snapshot, and made anew only when there is another one.

    For what is asked for with every connection.
    """

    def __init__(self, make: Callable[[Snapshot], T], settings: Callable[[], Snapshot]) -> None:
        self._make = make
        self._settings = settings
        self._snapshot = settings()
        self._value = make(self._snapshot)

    def __call__(self) -> T:
        """The value for the settings in force."""
        snapshot = self._settings()
        if snapshot is not self._snapshot:
            self._value = self._make(snapshot)
            self._snapshot = snapshot
        return self._value
