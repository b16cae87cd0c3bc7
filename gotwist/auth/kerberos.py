"""Kerberos tickets (SPNEGO, RFC 4559): whose they are, judged with the keys of a keytab.

Judging waits for disks (keytab, replay cache), so it is done in a thread.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Protocol, TypeVar

import gssapi
from gssapi.raw.misc import GSSError
from twisted.internet.defer import Deferred
from twisted.logger import Logger

from gotwist.auth.attempts import network_of
from gotwist.auth.user import User, check_upn
from gotwist.errors import Denied, Malformed, Unavailable

METHOD: Final = "kerberos"
MAX_TOKEN: Final = 49_152
REFUSAL: Final = "This ticket does not sign you in here."
NTLM: Final = (
    "The browser has offered NTLM, which is not taken here; it needs a Kerberos ticket for this "
    "name."
)
_NTLM_MARK: Final = b"NTLMSSP\0"
_KERBEROS: Final = gssapi.MechType.kerberos

T = TypeVar("T")


class InTurn(Protocol):
    """Calls a blocking function in a thread when it is the turn of who asks.

    Fails with Unavailable when too much is waiting.
    """

    def __call__(self, who: str, function: Callable[[], T], /) -> Deferred[T]: ...


class Refused(Denied):
    """A token that is not believed; ``reason`` is for the operator's log."""

    def __init__(self, reason: str, message: str = REFUSAL) -> None:
        super().__init__(message)
        self.reason = reason


@dataclass(frozen=True)
class Accepted:
    """Whose ticket it was, and what proves to the client that this is the service it meant."""

    user: User
    reply: bytes = field(repr=False)


class Acceptor:
    """Judges tickets for one service; every call blocks.

    :param keytab: the service's keys.  Given to the library by name and not by the process's
        environment, which is everybody's.
    :param service: the service's name, as ``HTTP``; tickets for another one are refused, even
        when the keytab holds its key.
    :param realm: whose people are let in; ``None``: those of the service's own realm.
    :param replays: where the library remembers which tickets were shown.
    :raises Unavailable: when the keytab cannot be used.
    """

    def __init__(self, keytab: Path, service: str, realm: str | None, replays: Path) -> None:
        _check_keytab(keytab)
        self._realm = realm
        try:
            # Without a host: the service may be known under several.
            name = gssapi.Name(service, gssapi.NameType.hostbased_service)
            self._credentials = gssapi.Credentials(
                name=name,
                usage="accept",
                store={"keytab": f"FILE:{keytab}", "rcache": f"file2:{replays}"},
            )
        except GSSError as error:
            raise Unavailable(
                f"auth=kerberos needs a key of the service {service} in {keytab}: {_why(error)}"
            ) from None

    def judge(self, token: bytes) -> Accepted:
        """Judge what a client has sent.

        :raises Refused: when it does not prove who somebody is, or proves somebody who is not
            let in.
        """
        if not 0 < len(token) <= MAX_TOKEN:
            raise Refused("the token is empty or too long")
        if _NTLM_MARK in token:
            raise Refused("the client offers NTLM", NTLM)
        try:
            context = gssapi.SecurityContext(creds=self._credentials, usage="accept")
            reply = context.step(token)
            # An error may have been put off: there is a token to send, and asking raises.
            if not context.complete:
                raise Refused("the client would need a second step")
            if context.mech != _KERBEROS:
                raise Refused("the ticket is not one of Kerberos")
            principal, service = str(context.initiator_name), str(context.target_name)
        except GSSError as error:
            raise Refused(f"the ticket is not good ({_why(error)})") from None
        return Accepted(_user(principal, self._realm or _realm_of(service)), reply or b"")


def _user(principal: str, realm: str) -> User:
    """The user of a principal: its whole name, realm included.

    A realm is part of who somebody is: the same name elsewhere is another person.  Principals
    with a slash (``alice/admin``, services, machines, the anonymous one) have no place here.
    """
    try:
        upn = check_upn(principal)
    except Malformed:
        raise Refused("the principal cannot be a user's name") from None
    if _realm_of(upn) != realm:
        raise Refused("the principal is of another realm")
    return User(upn, METHOD, {"realm": realm})


def _realm_of(principal: str) -> str:
    return principal.rpartition("@")[2]


def _check_keytab(path: Path) -> None:
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
    except OSError as error:
        raise Unavailable(f"the keytab {path} cannot be read: {error.strerror}") from None
    if mode & stat.S_IROTH:
        raise Unavailable(f"the keytab {path} can be read by everybody; run: chmod o-r {path}")


def _why(error: GSSError) -> str:
    """The library's words; they name principals and services, and hold no key."""
    try:
        words = error.get_all_statuses(error.min_code, False) or []
    except GSSError:
        words = []
    text = "; ".join(words) or type(error).__name__
    return "".join(each if each.isprintable() else " " for each in text)[:200]


class Negotiator:
    """Judges tickets in threads, in turn of the networks they come from."""

    log = Logger()

    def __init__(self, acceptor: Acceptor, in_turn: InTurn) -> None:
        self._acceptor = acceptor
        self._in_turn = in_turn

    async def judge(self, token: bytes, peer: str) -> Accepted:
        """Judge what a client at ``peer`` has sent; raises as :meth:`Acceptor.judge`.

        :raises Unavailable: when too much is waiting.
        """
        try:
            return await self._in_turn(network_of(peer), lambda: self._acceptor.judge(token))
        except Refused as error:
            self.log.warn(
                "no sign-in by kerberos for {peer}: {reason}", peer=peer, reason=error.reason
            )
            raise
