"""What the web door is told by the settings: frozen values, no reading of files."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Limits:
    """Bounds of one HTTP connection and of all of them together."""

    head_bytes: int = 16_384
    line_bytes: int = 8_192
    """The longest request line."""
    field_bytes: int = 8_192
    """The longest line of a header."""
    headers: int = 100
    body_bytes: int = 65_536
    head_s: float = 15.0
    body_s: float = 30.0
    idle_s: float = 15.0
    stall_s: float = 60.0
    """How long a client may leave an answer unread."""
    connections: int = 4_096
    per_address: int = 256


@dataclass(frozen=True)
class WebSettings:
    """The web door's part of a settings snapshot."""

    static_directory: Path
    session_directory: Path
    addresses: tuple[str, ...] = ("127.0.0.1",)
    """Where to listen; ``""`` means every address of both families."""
    port: int = 10443
    certificate: Path | None = None
    keyfile: Path | None = None
    disable_ssl: bool = False
    https_redirect: bool = False
    https_redirect_port: int = 80
    unix_socket: Path | None = None
    unix_socket_mode: int = 0o660
    url_prefix: str = "/"
    public_host: str = "localhost"
    """The name that redirects send a browser to."""
    origins: tuple[str, ...] = ()
    trusted_proxies: tuple[str, ...] = ()
    server_header: str = "gotwist"
    access_log: bool = False
    limits: Limits = field(default_factory=Limits)

    @property
    def prefix(self) -> str:
        """``url_prefix`` with exactly one slash at both ends."""
        inner = self.url_prefix.strip("/")
        return f"/{inner}/" if inner else "/"


@dataclass(frozen=True)
class ClientPolicy:
    """Whom the door asks for a certificate, and whose certificates count."""

    ca_certs: Path
    ca_crl: Path | None = None
    required: bool = False

    @property
    def paths(self) -> tuple[Path, ...]:
        """The files this is made of."""
        return (self.ca_certs,) if self.ca_crl is None else (self.ca_certs, self.ca_crl)
