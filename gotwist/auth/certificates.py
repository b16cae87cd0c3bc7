"""Client certificates: which user a certificate that TLS has verified stands for.

The name is one field of the subject, and ``@`` with the issuer's organisation when it has one:
two CAs do not speak for each other's users.  The subject's fields become attributes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from gotwist.auth.user import User, check_upn
from gotwist.errors import Malformed

METHOD_SSL: Final = "ssl"
COMMON_NAME: Final = "commonName"
ORGANIZATION: Final = "organizationName"
MAX_VALUE: Final = 1_024

#: Attributes by which a certificate says who somebody is, or where somebody belongs.
IDENTIFYING: Final = frozenset(
    {COMMON_NAME, ORGANIZATION, "organizationalUnitName", "domainComponent", "emailAddress"}
    | {"userId", "serialNumber", "certificate"}
)

Name = tuple[tuple[str, str], ...]
"""A distinguished name: fields by their long names, in the certificate's order."""

# What paths, shells and lines of text would read as something else, and white space.
_REPLACED = re.compile(r"[/\\$;&`!*?|<>\s]")
_NO_NAME = re.compile(r"[^A-Za-z0-9_+-]+")
_FIELD = re.compile(r"[A-Za-z][A-Za-z0-9]{0,63}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


@dataclass(frozen=True)
class ClientCertificate:
    """What a certificate says; made only of those that TLS has verified."""

    subject: Name
    issuer: Name
    serial: str
    """In lower-case hexadecimal."""
    fingerprint: str
    """SHA-256 in lower-case hexadecimal."""


def user_of(certificate: ClientCertificate, name_field: str = COMMON_NAME) -> User:
    """Give the user that a certificate stands for.

    :param name_field: the field of the subject that is the user's name.
    :raises Malformed: when it has no name, two of them, or one that cannot be a user's.
    """
    names = [value for field, value in certificate.subject if field == name_field]
    if len(names) != 1:
        raise Malformed(f"the certificate has {len(names)} fields {name_field}")
    upn = _REPLACED.sub(".", names[0])
    organizations = [value for field, value in certificate.issuer if field == ORGANIZATION]
    if organizations:
        # Only the CA decides how it is called, so here whatever may not be in a name is one dot.
        organization = _NO_NAME.sub(".", organizations[0]).strip(".")
        if not organization:
            raise Malformed("the certificate's issuer has an unusable name")
        upn += "@" + organization
    return User(check_upn(upn), METHOD_SSL, _attributes(certificate))


def _attributes(certificate: ClientCertificate) -> Mapping[str, str]:
    values: dict[str, list[str]] = {}
    for field, value in certificate.subject:
        if _FIELD.fullmatch(field) and len(value) <= MAX_VALUE and not _CONTROL.search(value):
            values.setdefault(field, []).append(value)
    attributes = {field: ";".join(several) for field, several in values.items()}
    return {**attributes, "certificate": certificate.fingerprint}
