"""The way of signing in ``ssl``: the certificate by which TLS has let somebody in is enough."""

from __future__ import annotations

from twisted.logger import Logger

from gotwist.auth.certificates import user_of
from gotwist.auth.conversation import Proven
from gotwist.auth.credentials import CertificateCredentials, Credentials
from gotwist.errors import Denied, Malformed
from gotwist.tap.method import Method, Surroundings
from gotwist.web.notices import LimitNotices
from gotwist.web.request import Request

_log = Logger()


def make(surroundings: Surroundings) -> Method:
    """Take the name from the certificate, by the field that the settings name now."""
    notices = LimitNotices()

    async def check(credentials: Credentials, peer: str) -> Proven:
        assert isinstance(credentials, CertificateCredentials)
        certificate = credentials.certificate
        try:
            return Proven(user_of(certificate, surroundings.settings().text("ssl_name_field")))
        except Malformed as problem:
            if notices.hit(certificate.fingerprint, peer, surroundings.reactor.seconds()):
                _log.warn(
                    "certificate {fingerprint} from {peer} names no user: {reason}",
                    fingerprint=certificate.fingerprint,
                    peer=peer,
                    reason=problem.message,
                )
            raise Denied("Please sign in.") from None

    return Method(checkers={CertificateCredentials: check}, brings=_brings)


def _brings(request: Request) -> Credentials | None:
    # A foreign page can have the browser ask for this page as a picture or a frame, certificate
    # included and cookie not: each time would be another sign-in, and push older ones out.
    if request.getHeader("sec-fetch-dest") not in (None, "document"):
        return None
    certificate = request.client_certificate()
    return None if certificate is None else CertificateCredentials(certificate)
