"""Client certificates in TLS: whose count, which are refused, and what the accepted ones say.

One policy for the one context there is.  OpenSSL verifies chain, dates, signatures, purpose and
revocation; beyond that a CA's own certificate is nobody's, since it would be enough to have
been trusted once to become any user.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509.oid import ExtendedKeyUsageOID
from OpenSSL import SSL, crypto

from gotwist.auth.certificates import ClientCertificate, Name
from gotwist.errors import Unavailable
from gotwist.web.options import ClientPolicy

Refused = Callable[[object, str], None]
"""Hears of a refused certificate: the connection's application data, and why."""

_FIELDS: Final = {
    "2.5.4.3": "commonName",
    "2.5.4.4": "surname",
    "2.5.4.5": "serialNumber",
    "2.5.4.6": "countryName",
    "2.5.4.7": "localityName",
    "2.5.4.8": "stateOrProvinceName",
    "2.5.4.10": "organizationName",
    "2.5.4.11": "organizationalUnitName",
    "2.5.4.12": "title",
    "2.5.4.42": "givenName",
    "0.9.2342.19200300.100.1.1": "userId",
    "0.9.2342.19200300.100.1.25": "domainComponent",
    "1.2.840.113549.1.9.1": "emailAddress",
}
#: The commonest of OpenSSL's numbers; the others are told as numbers.
_REASONS: Final = {
    2: "its issuer is unknown",
    3: "there is no revocation list of its issuer",
    7: "its signature is wrong",
    8: "the signature of the revocation list is wrong",
    9: "it is not valid yet",
    10: "it has expired",
    12: "the revocation list has expired",
    18: "it is self-signed",
    19: "its chain ends in an unknown CA",
    20: "its issuer is unknown",
    23: "it is revoked",
    24: "its issuer is no CA",
    26: "it is not for clients",
    33: "there is no revocation list of its issuer",
    79: "its issuer is no CA",
}
#: What reading a certificate may raise that OpenSSL has taken.
_UNREADABLE: Final = (
    ValueError,
    TypeError,
    x509.DuplicateExtension,
    x509.InvalidVersion,
    x509.UnsupportedGeneralNameType,
)
_UNLISTED: Final = (3, 8, 33)
_CRL = re.compile(rb"-----BEGIN X509 CRL-----.+?-----END X509 CRL-----", re.DOTALL)


@dataclass(frozen=True)
class LoadedPolicy:
    """A policy with its files read and judged."""

    authorities: tuple[x509.Certificate, ...]
    revoked: tuple[x509.CertificateRevocationList, ...]
    required: bool

    def install(self, context: SSL.Context, refused: Refused) -> None:
        """Make a server's context ask for certificates and verify them."""
        store = context.get_cert_store()
        assert store is not None
        # A CA of the file counts by itself, even where somebody else has signed it: who trusts
        # one department's CA need not trust those of its neighbours.
        flags = crypto.X509StoreFlags.PARTIAL_CHAIN
        if self.revoked:
            flags |= crypto.X509StoreFlags.CRL_CHECK | crypto.X509StoreFlags.CRL_CHECK_ALL
        for authority in self.authorities:
            store.add_cert(crypto.X509.from_cryptography(authority))
            # Browsers offer what these have issued.
            context.add_client_ca(authority)
        for crl in self.revoked:
            store.add_crl(crl)
        store.set_flags(flags)

        # CAs with another above them that is not in the file: no list of that one can be
        # verified, and none is needed, since whoever wrote the file can take them out of it.
        subjects = {authority.subject for authority in self.authorities}
        tops = [known for known in self.authorities if known.issuer not in subjects]

        def judge(
            connection: SSL.Connection, certificate: crypto.X509, number: int, depth: int, ok: int
        ) -> bool:
            reason = None
            try:
                if not ok and number in _UNLISTED and depth > 0:
                    ok = int(certificate.to_cryptography() in tops)
                if not ok:
                    reason = _REASONS.get(number, f"OpenSSL's verification error {number}")
                elif depth == 0:
                    reason = leaf_fault(certificate.to_cryptography())
            except _UNREADABLE:
                reason = "it cannot be read"
            if reason is not None:
                refused(connection.get_app_data(), reason)
            return reason is None

        mode = SSL.VERIFY_PEER
        if self.required:
            mode |= SSL.VERIFY_FAIL_IF_NO_PEER_CERT
        context.set_verify(mode, judge)


def load_policy(policy: ClientPolicy, now: datetime | None = None) -> LoadedPolicy:
    """Read and judge the files; blocking, for start-up or a thread.

    :raises Unavailable: in one sentence that names the file that is at fault.
    """
    path = policy.ca_certs
    try:
        authorities = tuple(x509.load_pem_x509_certificates(_read(path, "CA certificates")))
    except ValueError:
        raise Unavailable(f"{path} holds no CA certificates in PEM form.") from None
    for authority in authorities:
        if not is_authority(authority):
            subject = authority.subject.rfc4514_string()
            raise Unavailable(f"{path} holds a certificate that is no CA's: {subject}.")
    revoked: tuple[x509.CertificateRevocationList, ...] = ()
    if policy.ca_crl is not None:
        revoked = _load_lists(policy.ca_crl, authorities, now or datetime.now(UTC))
    return LoadedPolicy(authorities, revoked, policy.required)


def _load_lists(
    path: Path, authorities: tuple[x509.Certificate, ...], now: datetime
) -> tuple[x509.CertificateRevocationList, ...]:
    try:
        texts = _CRL.findall(_read(path, "revocation lists"))
        lists = tuple(x509.load_pem_x509_crl(text) for text in texts)
    except ValueError:
        lists = ()
    if not lists:
        raise Unavailable(f"{path} holds no revocation list in PEM form.")
    for crl in lists:
        if crl.next_update_utc is not None and crl.next_update_utc < now:
            issuer = crl.issuer.rfc4514_string()
            raise Unavailable(f"{path} holds a revocation list that has expired, of {issuer}.")
    # Without a list OpenSSL would refuse everybody, and nobody would know why.
    issuers = {crl.issuer for crl in lists}
    for authority in authorities:
        if authority.subject not in issuers:
            subject = authority.subject.rfc4514_string()
            raise Unavailable(f"{path} lacks the revocation list of {subject}.")
    return lists


def is_authority(certificate: x509.Certificate) -> bool:
    """Tell whether this certificate may issue others."""
    try:
        constraints = certificate.extensions.get_extension_for_class(x509.BasicConstraints)
    except (x509.ExtensionNotFound, *_UNREADABLE):
        return False
    return constraints.value.ca


def leaf_fault(certificate: x509.Certificate) -> str | None:
    """Tell why a certificate that OpenSSL has verified is still not one of a person."""
    # Read now what will be asked for later, when it would be too late to refuse.
    read_certificate(certificate)
    for extension in certificate.extensions:
        value = extension.value
        if isinstance(value, x509.BasicConstraints) and value.ca:
            return "it is a CA's own"
        if (
            isinstance(value, x509.ExtendedKeyUsage)
            and ExtendedKeyUsageOID.CLIENT_AUTH not in value
        ):
            return "it is not for clients"
    return None


def read_certificate(certificate: x509.Certificate) -> ClientCertificate:
    """Put what a verified certificate says into words of the house."""
    return ClientCertificate(
        _name(certificate.subject),
        _name(certificate.issuer),
        f"{certificate.serial_number:x}",
        certificate.fingerprint(SHA256()).hex(),
    )


def _name(name: x509.Name) -> Name:
    return tuple(
        (_FIELDS.get(field.oid.dotted_string, field.oid.dotted_string), field.value)
        for field in name
        if isinstance(field.value, str)
    )


def _read(path: Path, what: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise Unavailable(f"Cannot read the {what} {path}: {error.strerror}.") from None
