"""A CA made by the tests: people's certificates good and bad, and lists of the revoked ones."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

CLIENTS = ExtendedKeyUsageOID.CLIENT_AUTH
SERVERS = ExtendedKeyUsageOID.SERVER_AUTH
DAY = timedelta(days=1)


@dataclass(frozen=True)
class Issued:
    """A certificate with its key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey = field(repr=False)

    @property
    def pem(self) -> bytes:
        """The certificate."""
        return self.certificate.public_bytes(Encoding.PEM)

    @property
    def key_pem(self) -> bytes:
        """The key."""
        return self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())

    def write(self, directory: Path, name: str, *above: Issued) -> tuple[str, str]:
        """Write both, with the CAs above it; gives their paths."""
        certificate, key = directory / f"{name}.pem", directory / f"{name}.key"
        certificate.write_bytes(self.pem + b"".join(ca.pem for ca in above))
        key.write_bytes(self.key_pem)
        return str(certificate), str(key)


def name_of(*parts: tuple[ObjectIdentifier, str]) -> x509.Name:
    """Make a distinguished name."""
    return x509.Name([x509.NameAttribute(oid, value) for oid, value in parts])


def person(common_name: str, *more: tuple[ObjectIdentifier, str]) -> x509.Name:
    """Make a person's name."""
    return name_of((NameOID.COMMON_NAME, common_name), *more)


def issue(
    subject: x509.Name,
    issuer: Issued | None = None,
    *,
    is_ca: bool | None = False,
    usage: Sequence[ObjectIdentifier] | None = (CLIENTS,),
    more: x509.ExtensionType | None = None,
    begins: timedelta = -DAY,
    ends: timedelta = DAY,
) -> Issued:
    """Make a certificate.

    :param issuer: who signs it; None: it signs itself.
    :param is_ca: None: it says nothing of that.
    :param usage: None: it says nothing of that.
    :param more: an extension of the caller's own.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject if issuer is None else issuer.certificate.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + begins)
        .not_valid_after(now + ends)
    )
    if is_ca is not None:
        constraints = x509.BasicConstraints(ca=is_ca, path_length=None)
        builder = builder.add_extension(constraints, critical=True)
    if usage is not None:
        builder = builder.add_extension(x509.ExtendedKeyUsage(usage), critical=False)
    if more is not None:
        builder = builder.add_extension(more, critical=False)
    signer = key if issuer is None else issuer.key
    return Issued(builder.sign(signer, hashes.SHA256()), key)


def authority(
    organization: str | None = "Example", *, name: str = "CA", issuer: Issued | None = None
) -> Issued:
    """Make a CA; below another one when that is its issuer."""
    parts = [(NameOID.COMMON_NAME, name)]
    if organization is not None:
        parts.append((NameOID.ORGANIZATION_NAME, organization))
    return issue(name_of(*parts), issuer, is_ca=True, usage=None)


def revocation_list(
    issuer: Issued, revoked: Iterable[Issued] = (), *, ends: timedelta = DAY
) -> bytes:
    """Make the list of a CA, as PEM."""
    now = datetime.now(UTC)
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(issuer.certificate.subject)
        .last_update(now - 2 * DAY)
        .next_update(now + ends)
    )
    for one in revoked:
        builder = builder.add_revoked_certificate(
            x509.RevokedCertificateBuilder()
            .serial_number(one.certificate.serial_number)
            .revocation_date(now - DAY)
            .build()
        )
    return builder.sign(issuer.key, hashes.SHA256()).public_bytes(Encoding.PEM)
