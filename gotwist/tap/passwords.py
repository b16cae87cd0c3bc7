"""Signing in with the password of an account of this machine, by PAM."""

from __future__ import annotations

import os
import socket

from twisted.logger import Logger

from gotwist.auth.pam.checks import Account
from gotwist.auth.pam.method import PamMethod
from gotwist.errors import Unavailable
from gotwist.settings.snapshot import Snapshot
from gotwist.tap.method import Method, Surroundings

log = Logger()


def make_pam(surroundings: Surroundings) -> Method:
    """Make the method ``pam``.

    :raises Unavailable: when nothing here checks passwords
    """
    if surroundings.checks is None:
        raise Unavailable("auth=pam: nothing here can check passwords")
    snapshot = surroundings.snapshot
    return Method(
        password=PamMethod(
            surroundings.checks,
            service=snapshot.text("pam_service"),
            realm=pam_realm(snapshot),
            user_pattern=snapshot.text("pam_user_pattern"),
            may_use=anybody if surroundings.opens_accounts else runs_programs_as,
            told=lambda code: log.info("PAM refuses somebody, with code {code}", code=code),
        )
    )


def pam_realm(snapshot: Snapshot) -> str:
    """What stands behind the names of PAM's users; this machine's name unless it is chosen."""
    realm = snapshot.optional_text("pam_realm")
    return socket.gethostname() if realm is None else realm


def anybody(account: Account) -> bool:
    """Let in whom PAM lets in: terminals will run as them."""
    return True


def runs_programs_as(account: Account) -> bool:
    """Tell whether terminals would run as this account: as the daemon's own, and no other.

    Whoever signs in would get the daemon's rights in the place of their own.
    """
    if account.uid == os.geteuid():
        return True
    log.warn(
        "{account} has proven who they are, but terminals run as uid {uid} here",
        account=account.name,
        uid=os.geteuid(),
    )
    return False
