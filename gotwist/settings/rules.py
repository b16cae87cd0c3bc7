"""Rules between options: combinations that contradict each other or endanger people.

What is dangerous is refused in one sentence that names the option which permits it.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterator
from dataclasses import dataclass

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


CORE_RULES: tuple[Callable[[Values], Iterator[Breach]], ...] = (
    _redirect,
    _some_door,
    _authentication,
    _encryption,
    _origins,
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
