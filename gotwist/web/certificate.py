"""Makes the certificate of the first start: self-signed, for use until there is a real one."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from gotwist.errors import Unavailable

LIFETIME: Final = timedelta(days=397)
LOOPBACK: Final = ("localhost", "127.0.0.1", "::1")


def make_certificate(names: Iterable[str], now: datetime) -> tuple[bytes, bytes]:
    """Make an EC P-256 certificate for these names and addresses, and loopback.

    :returns: certificate and key, both PEM.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "gotwist")])
    usage = x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + LIFETIME - timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName(_alternatives(names)), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(key, hashes.SHA256())
    )
    return (
        certificate.public_bytes(Encoding.PEM),
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
    )


def _alternatives(names: Iterable[str]) -> list[x509.GeneralName]:
    alternatives: dict[x509.GeneralName, None] = {}
    for name in (*LOOPBACK, *names):
        try:
            alternatives[x509.IPAddress(ip_address(name))] = None
        except ValueError:
            if name and name.isascii() and len(name) <= 253:
                alternatives[x509.DNSName(name.lower())] = None
    return list(alternatives)


def ensure_certificate(
    certificate: Path, keyfile: Path, names: Iterable[str], now: datetime | None = None
) -> bool:
    """Make both files when both are missing; blocking, for start-up.

    The key is there before the certificate, so that a crash between the two leaves no
    certificate without its key; a lone key is left over from that and replaced.

    :returns: whether they were made.
    :raises Unavailable: when the certificate is there without its key, or they cannot be
        written.
    """
    if certificate.exists():
        if not keyfile.exists():
            raise Unavailable(f"There is a certificate, {certificate}, but no key {keyfile}.")
        return False
    made, key = make_certificate(names, now or datetime.now(UTC))
    for path, data, mode in ((keyfile, key, 0o600), (certificate, made, 0o644)):
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            _write_new(path, data, mode)
        except OSError as error:
            raise Unavailable(f"Cannot write {path}: {error.strerror}.") from error
    return True


def _write_new(path: Path, data: bytes, mode: int) -> None:
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(temporary, flags, mode)
    try:
        with open(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(descriptor)
        os.rename(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
