"""The options of client certificates (application ``gotwist``)."""

from __future__ import annotations

from gotwist.settings.kinds import Choice, Path
from gotwist.settings.option import AUTHENTICATION, Option

_CERTIFICATES = "Client certificates"

CERTIFICATE_OPTIONS = (
    Option(
        "ssl_auth",
        Choice(("none", "optional", "required")),
        "none",
        "Whether browsers are asked for a certificate before anything else: not at all, with "
        "the right to have none, or so that nobody without one can connect. An additional "
        "factor in front of every way of signing in.",
        _CERTIFICATES,
        file=AUTHENTICATION,
        restart=True,
    ),
    Option(
        "ca_certs",
        Path(),
        None,
        "File of the CAs whose certificates count: their certificates in PEM form, one after the "
        "other. Noticed when it changes.",
        _CERTIFICATES,
        file=AUTHENTICATION,
        restart=True,
    ),
    Option(
        "ca_crl",
        Path(),
        None,
        "File of their revocation lists, in PEM form, one after the other: one of each CA. "
        "Noticed when it changes.",
        _CERTIFICATES,
        file=AUTHENTICATION,
        restart=True,
    ),
    Option(
        "ssl_name_field",
        Choice(("commonName", "emailAddress", "userId", "serialNumber")),
        "commonName",
        "The field of a certificate's subject that is the user's name for auth=ssl.",
        _CERTIFICATES,
        file=AUTHENTICATION,
    ),
)
