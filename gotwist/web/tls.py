"""TLS for the web door, with certificates that can be replaced while it runs."""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key
from OpenSSL import SSL
from twisted.internet.interfaces import IOpenSSLServerConnectionCreator
from twisted.internet.ssl import (
    AcceptableCiphers,
    CertificateOptions,
    TLSVersion,
)
from twisted.logger import Logger
from twisted.protocols.tls import TLSMemoryBIOProtocol
from zope.interface import implementer

from gotwist.errors import Unavailable
from gotwist.web.client_certificates import Refused, load_policy
from gotwist.web.notices import LimitNotices
from gotwist.web.options import ClientPolicy
from gotwist.web.peers import peer_name

CIPHERS: Final = ":".join(
    [
        "TLS_AES_256_GCM_SHA384",
        "TLS_CHACHA20_POLY1305_SHA256",
        "TLS_AES_128_GCM_SHA256",
        "ECDHE-ECDSA-AES256-GCM-SHA384",
        "ECDHE-ECDSA-CHACHA20-POLY1305",
        "ECDHE-ECDSA-AES128-GCM-SHA256",
        "ECDHE-RSA-AES256-GCM-SHA384",
        "ECDHE-RSA-CHACHA20-POLY1305",
        "ECDHE-RSA-AES128-GCM-SHA256",
    ]
)


@dataclass(frozen=True)
class LoadedCertificate:
    """A certificate in use."""

    context: SSL.Context
    fingerprint: str
    """SHA-256 of the certificate, in hexadecimal with colons."""
    not_after: datetime
    is_self_signed: bool


def load_certificate(
    certificate: Path,
    keyfile: Path,
    clients: ClientPolicy | None = None,
    refused: Refused = lambda connection, reason: None,
) -> LoadedCertificate:
    """Load everything and try it; blocking, for start-up or a thread.

    :param clients: whose certificates clients are asked for; None: nobody is asked.
    :param refused: hears of certificates that do not count.
    :raises Unavailable: in one sentence that names the file that is at fault.
    """
    chain = _read(certificate, "certificate")
    key_text = _read(keyfile, "key")
    try:
        parsed = x509.load_pem_x509_certificates(chain)
    except ValueError:
        raise Unavailable(f"{certificate} holds no certificate in PEM form.") from None
    try:
        key = load_pem_private_key(key_text, password=None)
    except TypeError:
        raise Unavailable(f"The key {keyfile} needs a password, which nobody could type.") from None
    except ValueError:
        raise Unavailable(f"{keyfile} holds no private key in PEM form.") from None
    if key.public_key() != parsed[0].public_key():
        raise Unavailable(f"The key {keyfile} does not belong to the certificate {certificate}.")
    # The annotations still name pyOpenSSL's own classes, whose use is deprecated.
    options = CertificateOptions(
        privateKey=key,  # type: ignore[arg-type]
        certificate=parsed[0],  # type: ignore[arg-type]
        extraCertChain=parsed[1:],  # type: ignore[arg-type]
        raiseMinimumTo=TLSVersion.TLSv1_2,
        acceptableCiphers=AcceptableCiphers.fromOpenSSLCipherString(CIPHERS),
        acceptableProtocols=[b"http/1.1"],
    )
    try:
        context = options.getContext()
        # Tickets would be encrypted with a key that lives as long as the daemon.
        context.set_options(SSL.OP_NO_TICKET | SSL.OP_NO_RENEGOTIATION)
        if clients is not None:
            load_policy(clients).install(context, refused)
    except SSL.Error:
        raise Unavailable(f"OpenSSL does not take {certificate} with {keyfile}.") from None
    digest = hashlib.sha256(parsed[0].public_bytes(Encoding.DER)).hexdigest().upper()
    return LoadedCertificate(
        context,
        ":".join(digest[at : at + 2] for at in range(0, len(digest), 2)),
        parsed[0].not_valid_after_utc,
        parsed[0].issuer == parsed[0].subject,
    )


def _read(path: Path, what: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise Unavailable(f"Cannot read the {what} {path}: {error.strerror}.") from None


@implementer(IOpenSSLServerConnectionCreator)
class ReloadingTls:
    """Gives each new connection the newest certificate; open ones keep theirs."""

    _log = Logger()

    def __init__(
        self, certificate: Path, keyfile: Path, clients: ClientPolicy | None = None
    ) -> None:
        """:raises Unavailable: as :func:`load_certificate` does."""
        self._paths = certificate, keyfile
        self._clients = clients
        self._notices = LimitNotices()
        self._seen = self._look()
        self.current = self._load()

    @property
    def asks_clients(self) -> str:
        """What the door says of client certificates; empty when it does not ask for any."""
        if self._clients is None:
            return ""
        return f"client certificates {'required' if self._clients.required else 'optional'}"

    def serverConnectionForTLS(self, tlsProtocol: TLSMemoryBIOProtocol) -> SSL.Connection:
        connection = SSL.Connection(self.current.context, None)
        connection.set_app_data(tlsProtocol)
        return connection

    def reload_if_changed(self) -> bool:
        """Load the files anew if they are others than at the last look; blocking.

        A pair that cannot be used leaves the old one in use.

        :returns: whether a new certificate is in use now.
        :raises Unavailable: when the changed files cannot be used; once per change.
        """
        seen = self._look()
        if seen == self._seen:
            return False
        self._seen = seen
        self.current = self._load()
        return True

    def describe(self) -> str:
        """Tell in a few words what the log should say about the certificate in use."""
        return _describe(self.current)

    def _load(self) -> LoadedCertificate:
        return load_certificate(*self._paths, self._clients, self._refused)

    def _refused(self, protocol: object, reason: str) -> None:
        peer = peer_name(protocol.getPeer() if isinstance(protocol, TLSMemoryBIOProtocol) else None)
        if self._notices.hit(reason, peer, time.monotonic()):
            self._log.warn(
                "client certificate from {peer} refused: {reason}", peer=peer, reason=reason
            )

    def _look(self) -> tuple[tuple[int, int, int] | None, ...]:
        others = () if self._clients is None else self._clients.paths
        return tuple(map(_identity, (*self._paths, *others)))


def _identity(path: Path) -> tuple[int, int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_ino, status.st_size, status.st_mtime_ns


def _describe(loaded: LoadedCertificate) -> str:
    left = (loaded.not_after - datetime.now(UTC)).days
    kind = "self-signed, " if loaded.is_self_signed else ""
    return f"certificate SHA-256 {loaded.fingerprint}, {kind}{left} days left"
