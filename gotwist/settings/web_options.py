"""The options of the web door (application ``gotwist``)."""

from __future__ import annotations

from gotwist.settings.kinds import (
    Boolean,
    Integer,
    OctalMode,
    Path,
    Text,
    UrlPrefix,
)
from gotwist.settings.lists import TextList, bind_address, network, origin
from gotwist.settings.option import SERVER, Option

_WEB = "Web door"

WEB = (
    Option(
        "address",
        TextList(bind_address, may_be_blank=True),
        "127.0.0.1",
        "Addresses to listen on, with ; between them. Empty: all addresses, IPv6 included.",
        _WEB,
        file=SERVER,
        restart=True,
    ),
    Option(
        "port",
        Integer(0, 65535),
        10443,
        "Port of the web door. 0: any free one, told at the start.",
        _WEB,
        file=SERVER,
        restart=True,
    ),
    Option(
        "certificate",
        Path(),
        "{ssl_dir}/certificate.pem",
        "TLS certificate with its chain (PEM). Made at the first start when missing; "
        "noticed when it changes.",
        _WEB,
        file=SERVER,
        restart=True,
    ),
    Option(
        "keyfile",
        Path(),
        "{ssl_dir}/keyfile.pem",
        "Private key of the certificate (PEM).",
        _WEB,
        file=SERVER,
        restart=True,
    ),
    Option(
        "disable_ssl",
        Boolean(),
        False,
        "Plain HTTP instead of HTTPS, for instance behind a proxy on the same machine.",
        _WEB,
        file=SERVER,
        restart=True,
    ),
    Option(
        "https_redirect",
        Boolean(),
        False,
        "Also listen on https_redirect_port and send browsers on to HTTPS.",
        _WEB,
        file=SERVER,
        restart=True,
    ),
    Option(
        "https_redirect_port",
        Integer(0, 65535),
        80,
        "Port of the listener that redirects.",
        _WEB,
        restart=True,
    ),
    Option(
        "url_prefix",
        UrlPrefix(),
        "/",
        "What stands before every URL; missing slashes are added.",
        _WEB,
        file=SERVER,
        restart=True,
    ),
    Option(
        "origins",
        TextList(origin),
        [],
        "Pages that may open a WebSocket: origins such as https://shell.example.org:8443, or "
        "host names, which mean this door's scheme and port. Empty: the addresses "
        "listened on, and localhost.",
        _WEB,
        file=SERVER,
    ),
    Option(
        "trusted_proxies",
        TextList(network),
        [],
        "Addresses or networks of proxies whose X-Forwarded-* headers are believed.",
        _WEB,
        file=SERVER,
    ),
    Option(
        "enable_unix_socket",
        Boolean(),
        False,
        "Also listen on a UNIX socket, for a proxy on the same machine.",
        _WEB,
        file=SERVER,
        restart=True,
    ),
    Option(
        "unix_socket_path",
        Path(),
        "{runtime_dir}/gotwist.sock",
        "Path of that socket.",
        _WEB,
        file=SERVER,
        restart=True,
    ),
    Option(
        "unix_socket_mode",
        OctalMode(),
        "0600",
        "Mode of that socket.",
        _WEB,
        file=SERVER,
        restart=True,
    ),
    Option(
        "server_header",
        Text(r"[A-Za-z0-9][A-Za-z0-9 ._/-]{0,63}|", "a short plain word"),
        "gotwist",
        "The Server header of every response. Empty: none.",
        _WEB,
        restart=True,
    ),
)
