"""The daemon as the part without rights: what root prepares, and what the keeper is asked."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

from twisted.application.service import IService, MultiService
from twisted.logger import Logger

from gotwist.applications.terminal.accounts import Accounts
from gotwist.applications.terminal.hub import Hub
from gotwist.applications.terminal.programs import Programs
from gotwist.applications.terminal.unix import KeeperLink
from gotwist.auth.signins import SignIn, SignIns
from gotwist.errors import Unavailable
from gotwist.keeper import wire
from gotwist.paths import make_private_directory
from gotwist.settings.commandline import CommandLine
from gotwist.settings.snapshot import Snapshot
from gotwist.settings.start import open_settings
from gotwist.tap import keeper, parts
from gotwist.tap.actions import places
from gotwist.tap.auditing import log_directory
from gotwist.tap.passwords import pam_realm
from gotwist.tap.rights import (
    Rights,
    check_out_of_reach,
    check_way,
    find_rights,
    give_up,
    hand_over,
    let_read,
    make_parents,
    prepare_settings,
)
from gotwist.tap.signing_in import SigningIn
from gotwist.tap.terminals import run_in_background

DIRECTORIES = ("runtime_dir", "session_dir", "user_dir")

log = Logger()


class Late(MultiService):
    """Services that open nothing before rights are given up."""

    def privilegedStartService(self) -> None:
        """Wait for :meth:`startService`."""


def late(door: IService, is_late: bool) -> IService:
    """Let a door be opened by the daemon's own account, where root starts it."""
    if not is_late:
        return door
    later = Late()
    door.setServiceParent(later)
    return later


def set_up(
    rights: Rights | None, snapshot: Snapshot, settings_dir: str, written: tuple[str, ...]
) -> bool:
    """Make the daemon's directories, and do what only root can: the keeper, and access.

    :returns: whether there are rights to give up
    :raises GotwistError: with the sentence to show
    """
    if rights is None or os.geteuid() != 0:
        for name in DIRECTORIES:
            make_private_directory(snapshot.text(name))
        return False
    prepare(rights, snapshot, settings_dir, written)
    keeper.start(rights, snapshot)
    try:
        for module in (os, wire):
            check_way(str(module.__file__), rights)
    except Unavailable as problem:
        log.warn("Python will miss what it loads late: {problem}", problem=problem.message)
    return True


def prepare(
    rights: Rights, snapshot: Snapshot, settings_dir: str, written: tuple[str, ...]
) -> None:
    """Make what the daemon needs and cannot make: directories, access, a certificate; for root.

    :raises GotwistError: with the sentence to show
    """
    let_read(settings_dir, written, rights)
    for name in DIRECTORIES:
        hand_over(snapshot.text(name), rights)
    if (logs := log_directory(snapshot)) is not None:
        hand_over(logs, rights)
    _share_own_certificate(snapshot, rights)
    keeper.prepare(rights, snapshot)
    for path in (settings_dir, rights.keeper_dir, *map(snapshot.text, DIRECTORIES)):
        check_way(path, rights)
    for path in (settings_dir, rights.keeper_dir, os.path.dirname(str(wire.__file__))):
        check_out_of_reach(path, rights)
    check_out_of_reach(os.path.realpath(sys.executable), rights)


def run_keeper(command_line: CommandLine) -> None:
    """Prepare everything that needs root, and become the keeper; never returns.

    :raises GotwistError: with the sentence to show
    """
    if os.geteuid() != 0:
        raise Unavailable("Only root can start the keeper of this machine's users.")
    prepare_settings(command_line.overrides, places().settings_dir)
    opened = open_settings(command_line.overrides, places())
    snapshot = opened.source.current
    rights = find_rights(snapshot)
    if rights is None:
        raise Unavailable("Name the daemon's account with --uid, or in the settings.")
    prepare(rights, snapshot, opened.directory, opened.written)
    keeper.run(rights, snapshot)


def _share_own_certificate(snapshot: Snapshot, rights: Rights) -> None:
    """Make the certificate of a first start such that the daemon can read it later, too."""
    if snapshot.boolean("disable_ssl"):
        return
    # Not for plain HTTP.
    from gotwist.web.certificate import ensure_certificate

    certificate, key = (Path(snapshot.text(name)) for name in ("certificate", "keyfile"))
    # Directories that are there belong to somebody, and others may need what is in them.
    ours = {path.parent for path in (certificate, key) if not path.parent.exists()}
    for directory in ours:
        make_parents(str(directory))
    if not ensure_certificate(certificate, key, parts.certificate_names(snapshot)):
        return
    log.info("certificate made: {path}", path=str(certificate))
    for path in (*ours, certificate, key):
        os.chown(path, 0, rights.gid)
        path.chmod(0o750 if path in ours else 0o640)


def ready(
    rights: Rights, snapshot: Snapshot, signing_in: SigningIn, then: Callable[[], None]
) -> Callable[[], None]:
    """What is left to do once the doors are open: become the daemon's account.

    :param then: called as that account; may refuse
    """

    def become() -> None:
        give_up(rights)
        log.info(
            "rights given up: this process runs as {name} (uid {uid}, gid {gid})",
            name=rights.name or "nobody in particular",
            uid=rights.uid,
            gid=rights.gid,
        )
        if not snapshot.boolean("disable_ssl") and not os.access(snapshot.text("keyfile"), os.R_OK):
            log.warn(
                "a changed certificate is taken into use at the next start only: "
                "this account cannot read the key {path}",
                path=snapshot.text("keyfile"),
            )
        then()
        signing_in.load()

    return become


def join_accounts(
    link: KeeperLink, hub: Hub, programs: Programs, signins: SignIns, snapshot: Snapshot
) -> None:
    """Let terminals be opened as the accounts of those who sign in."""
    accounts = Accounts(link.prove, pam_realm(snapshot), snapshot.texts("trusted_methods"))
    programs.find_proof = accounts.find

    def ended(sign_in: SignIn, reason: str) -> None:
        run_in_background("end a ticket", accounts.sign_out(sign_in))

    signins.on_ended.append(ended)

    def lost() -> None:
        accounts.forget_all()
        hub.on_lost()

    link.on_lost = lost
