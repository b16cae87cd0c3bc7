"""Rules between options: combinations that contradict each other or endanger people.

What is dangerous is refused in one sentence that names the option which permits it.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from gotwist.settings.values import Values


@dataclass(frozen=True)
class Breach:
    """A broken rule: the option to look at first, and a sentence about it."""

    application: str
    option: str
    message: str


def is_loopback_only(core: Values) -> bool:
    """Tell whether every address listened on is reachable from this machine only."""
    return all(
        address and ipaddress.ip_address(address).is_loopback for address in core.texts("address")
    )


def _shown(core: Values) -> str:
    return ", ".join(address or "all addresses" for address in core.texts("address"))


def _redirect(core: Values) -> Iterator[Breach]:
    if not core.boolean("https_redirect"):
        return
    if core.boolean("disable_ssl"):
        yield Breach(
            "gotwist",
            "https_redirect",
            "https_redirect sends browsers to HTTPS, which disable_ssl switches off; drop one",
        )
    if core.integer("https_redirect_port") == core.integer("port") != 0:
        yield Breach(
            "gotwist",
            "https_redirect_port",
            "https_redirect_port is the port of the web door itself; choose another",
        )


def _some_door(core: Values) -> Iterator[Breach]:
    if not core.texts("address") and not core.boolean("enable_unix_socket"):
        yield Breach(
            "gotwist",
            "address",
            "no address and no UNIX socket, so nobody could come in; set address or "
            "enable_unix_socket",
        )


def _authentication(core: Values) -> Iterator[Breach]:
    methods = core.texts("auth")
    if "none" not in methods:
        return
    if len(methods) > 1:
        yield Breach(
            "gotwist",
            "auth",
            "auth=none asks nobody who they are, so no other way of signing in would count; "
            "choose none alone or drop it",
        )
    if core.boolean("allow_auth_none_off_loopback"):
        return
    remedy = "choose auth=token, or permit it with allow_auth_none_off_loopback"
    if not is_loopback_only(core):
        yield Breach(
            "gotwist",
            "auth",
            f"auth=none lets everybody who reaches this machine ({_shown(core)}) run programs on "
            f"it; listen on 127.0.0.1 only, {remedy}",
        )
    elif core.texts("trusted_proxies"):
        yield Breach(
            "gotwist",
            "auth",
            "auth=none behind a proxy lets everybody who reaches the proxy run programs here; "
            + remedy,
        )


def _encryption(core: Values) -> Iterator[Breach]:
    if (
        core.boolean("disable_ssl")
        and not is_loopback_only(core)
        and not core.boolean("allow_plain_http_off_loopback")
    ):
        yield Breach(
            "gotwist",
            "disable_ssl",
            f"disable_ssl lets the network ({_shown(core)}) read and change what is typed; listen "
            "on 127.0.0.1 only, or permit it with allow_plain_http_off_loopback",
        )


def _origins(core: Values) -> Iterator[Breach]:
    if "*" in core.texts("origins") and not core.boolean("allow_any_origin"):
        yield Breach(
            "gotwist",
            "origins",
            "origins=* lets every web page act in the name of its visitors; name the origins, or "
            "permit it with allow_any_origin",
        )


def _client_certificates(core: Values) -> Iterator[Breach]:
    asked = core.text("ssl_auth")
    if asked == "none":
        if "ssl" in core.texts("auth"):
            yield Breach(
                "gotwist",
                "auth",
                "auth=ssl needs certificates; set ssl_auth to optional or required, and ca_certs",
            )
        for option in ("ca_certs", "ca_crl"):
            if core.optional_text(option) is not None:
                yield Breach(
                    "gotwist",
                    option,
                    f"{option} means nothing while ssl_auth is none; set ssl_auth to optional or "
                    "required, or drop it",
                )
        return
    if core.optional_text("ca_certs") is None:
        yield Breach(
            "gotwist",
            "ssl_auth",
            f"ssl_auth={asked} needs ca_certs, the file of the CAs whose certificates count",
        )
    if core.boolean("disable_ssl"):
        yield Breach(
            "gotwist",
            "ssl_auth",
            f"ssl_auth={asked} needs HTTPS, which disable_ssl switches off; drop one",
        )
    if asked == "required" and core.boolean("enable_unix_socket"):
        yield Breach(
            "gotwist",
            "ssl_auth",
            "enable_unix_socket lets in without a certificate, which ssl_auth=required forbids; "
            "drop one",
        )


def _providers(core: Values) -> Iterator[Breach]:
    methods = core.texts("auth")
    if "oidc" in methods:
        for option, what in (("oidc_issuer", "its issuer"), ("oidc_client_id", "a client id")):
            if core.optional_text(option) is None:
                yield Breach(
                    "gotwist",
                    option,
                    f"auth=oidc needs a provider and {what}; set {option}",
                )
        issuer = core.optional_text("oidc_issuer")
        if issuer is not None and not issuer.startswith("https:") and not _is_on_loopback(issuer):
            yield Breach(
                "gotwist",
                "oidc_issuer",
                "oidc_issuer is plain http, so the network could sign in as anybody; use https",
            )
    if "google" not in methods:
        return
    if core["google_oauth"] is None:
        yield Breach(
            "gotwist",
            "google_oauth",
            "auth=google needs what Google gave for this daemon; set google_oauth to "
            '{"key": "...", "secret": "..."}',
        )
    if not (core.texts("google_allowed_domains") or core.texts("google_allowed_emails")):
        yield Breach(
            "gotwist",
            "google_allowed_domains",
            "auth=google lets in everybody who has a Google account; name domains in "
            "google_allowed_domains or people in google_allowed_emails, or permit it with "
            "google_allowed_domains=*",
        )


def _is_on_loopback(url: str) -> bool:
    return urlsplit(url).hostname in ("localhost", "127.0.0.1", "::1")


def _metrics(core: Values) -> Iterator[Breach]:
    try:
        is_loopback = ipaddress.ip_address(core.text("metrics_address")).is_loopback
    except ValueError:
        is_loopback = False
    if not is_loopback:
        yield Breach(
            "gotwist",
            "metrics_address",
            "metrics_address must be a loopback address, such as 127.0.0.1: nobody is asked there "
            "who they are; let a proxy with a password of its own carry the metrics further",
        )


CORE_RULES: tuple[Callable[[Values], Iterator[Breach]], ...] = (
    _redirect,
    _some_door,
    _authentication,
    _encryption,
    _origins,
    _client_certificates,
    _providers,
    _metrics,
)


def core_breaches(core: Values) -> Iterator[Breach]:
    """Find the broken rules between the daemon's own options."""
    for rule in CORE_RULES:
        yield from rule(core)


def terminal_breaches(terminal: Values) -> Iterator[Breach]:
    """Find the broken rules between the options of the terminal application."""
    commands = terminal.mapping("commands")
    default = terminal.text("default_command")
    if commands and default not in commands:
        yield Breach(
            "terminal",
            "default_command",
            f'terminal.default_command is "{default}", which commands does not hold; choose one '
            f"of: {', '.join(commands)}",
        )
