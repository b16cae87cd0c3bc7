"""Whose rights the processes have: found from the settings, prepared by root, given up."""

from __future__ import annotations

import ctypes
import grp
import os
import pwd
import stat
from collections.abc import Mapping
from dataclasses import dataclass

from gotwist.errors import Unavailable
from gotwist.paths import check_socket_path
from gotwist.settings.snapshot import Snapshot
from gotwist.settings.values import Value

KEEPER_SOCKET = "keeper.sock"
RULES = "rules.json"
LOG = "keeper.log"
_PR_SET_NO_NEW_PRIVS = 38


@dataclass(frozen=True)
class Rights:
    """The account of a daemon whose terminals belong to those who sign in.

    :ivar name: the account's name; empty for a number without one
    :ivar keeper_dir: where the privileged keeper has its socket and its rules
    """

    name: str
    uid: int
    gid: int
    keeper_dir: str

    @property
    def keeper_socket(self) -> str:
        """The path of the keeper's socket."""
        return os.path.join(self.keeper_dir, KEEPER_SOCKET)


def find_rights(snapshot: Snapshot) -> Rights | None:
    """Read the account of the daemon; None when terminals run as whoever starts it.

    Blocks on the name service.

    :raises Unavailable: the account does not exist, is root, or is not who starts this.
    """
    wanted, group = snapshot.text("uid"), snapshot.text("gid")
    if not wanted:
        if group:
            raise Unavailable("gid without uid: name the account too, with --uid")
        return None
    uid, gid, name = _find_account(wanted)
    if group:
        gid = _find_group(group)
    if uid == 0 or gid == 0:
        raise Unavailable("uid and gid: the daemon needs an account that is not root's")
    if os.geteuid() not in (0, uid):
        raise Unavailable(f"uid={wanted}: only root and {wanted} itself can start this daemon")
    if "none" in snapshot.texts("auth"):
        raise Unavailable("auth=none and uid: nobody signs in, so nobody can have terminals")
    if snapshot.optional_text("pam_service_dir") is not None:
        raise Unavailable("pam_service_dir and uid: terminals of accounts use the system's PAM")
    directory = snapshot.optional_text("keeper_dir") or snapshot.text("runtime_dir") + "-keeper"
    rights = Rights(name, uid, gid, directory)
    check_socket_path(rights.keeper_socket)
    return rights


def find_account(snapshot: Snapshot) -> int | None:
    """The number of the daemon's account; None when it runs as whoever starts it.

    Blocks on the name service.

    :raises Unavailable: the account does not exist.
    """
    wanted = snapshot.text("uid")
    return _find_account(wanted)[0] if wanted else None


def of_twistd(parent: object) -> dict[str, Value]:
    """The account named to twistd itself: ``twistd --uid=... gotwist`` means the same."""
    found: dict[str, Value] = {}
    for name in ("uid", "gid"):
        value = parent.get(name) if isinstance(parent, dict) else None
        if isinstance(value, int):
            found[name] = str(value)
    return found


def hand_over(path: str, rights: Rights) -> None:
    """Make a directory of the daemon's own, 0700; for root.

    Through descriptors: whoever owns a parent must not be able to have something else given.

    :raises Unavailable: it cannot be made, or belongs to somebody else.
    """
    make_parents(path)
    try:
        is_new = True
        try:
            os.mkdir(path, 0o700)
        except FileExistsError:
            is_new = False
        directory = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            found = os.fstat(directory)
            if found.st_uid not in (0, rights.uid):
                raise Unavailable(f"{path}: belongs to user {found.st_uid}; choose another place")
            if not is_new and found.st_mode & 0o077:
                raise Unavailable(
                    f"{path}: is open to other users; choose another place, or "
                    f"run: chown {rights.uid} {path} && chmod 700 {path}"
                )
            os.fchown(directory, rights.uid, rights.gid)
            os.fchmod(directory, stat.S_IMODE(found.st_mode) & 0o700)
        finally:
            os.close(directory)
    except OSError as problem:
        raise Unavailable(f"{path}: cannot be made: {problem.strerror}") from problem


def make_parents(path: str) -> None:
    """Make the directories above ``path``, root's, through which the daemon can go."""
    parent = os.path.dirname(path.rstrip("/"))
    if parent and not os.path.isdir(parent):
        make_parents(parent)
        try:
            os.mkdir(parent, 0o755)
        except OSError as problem:
            raise Unavailable(f"{parent}: cannot be made: {problem.strerror}") from problem
        # Whatever the umask; what lies below is closed by itself.
        os.chmod(parent, 0o755)  # noqa: S103


def prepare_settings(overrides: Mapping[str, Value], default: str) -> None:
    """Make what is above the settings directory such that another account can go there.

    Only for a first start by root for another account, which names it on the command line.
    """
    if os.geteuid() == 0 and overrides.get("uid"):
        chosen = overrides.get("settings_dir")
        make_parents(chosen if isinstance(chosen, str) else default)


def check_way(path: str, rights: Rights) -> None:
    """Look whether the daemon's account can reach a directory.

    :raises Unavailable: with the directory that it cannot pass.
    """
    above = os.path.dirname(os.path.abspath(path))
    while True:
        if not _may(stat.S_IXUSR, os.stat(above), rights):
            raise Unavailable(
                f"{above}: the daemon's account cannot go through it; run: chmod a+x {above}"
            )
        if above == "/":
            return
        above = os.path.dirname(above)


def check_out_of_reach(path: str, rights: Rights) -> None:
    """Look whether the daemon's account could change what the keeper runs or obeys.

    :raises Unavailable: it could, here or by renaming something above.
    """
    path = os.path.realpath(path)
    while True:
        found = os.stat(path)
        is_sticky = found.st_mode & stat.S_ISVTX and found.st_uid == 0
        if found.st_uid == rights.uid or (_may(stat.S_IWUSR, found, rights) and not is_sticky):
            raise Unavailable(
                f"{path}: the daemon's account could write it, and so decide what root runs; "
                f"run: chown root {path} && chmod go-w {path}"
            )
        if path == "/":
            return
        path = os.path.dirname(path)


def let_read(directory: str, written: tuple[str, ...], rights: Rights) -> None:
    """Let the daemon read, not write, the settings files that root has just made.

    :raises Unavailable: it cannot read those that were there before.
    """
    if written:
        for path in (directory, *written):
            mode = 0o750 if path == directory else 0o640
            os.chown(path, 0, rights.gid)
            os.chmod(path, mode)
    for path in (directory, *_files(directory)):
        if not _may(stat.S_IRUSR, os.stat(path), rights):
            raise Unavailable(
                f"{path}: the daemon's account cannot read it; "
                f"run: chgrp {rights.gid} {path} && chmod g+rX {path}"
            )


def _files(directory: str) -> list[str]:
    return [
        os.path.join(directory, name)
        for name in sorted(os.listdir(directory))
        if name.endswith(".conf") and not name.startswith(".")
    ]


def _may(right: int, found: os.stat_result, rights: Rights) -> bool:
    """Tell whether the daemon's account has a right that its bit names for an owner."""
    groups = os.getgrouplist(rights.name, rights.gid) if rights.name else [rights.gid]
    if found.st_uid == rights.uid:
        bit = right
    elif found.st_gid in groups:
        bit = right >> 3
    else:
        bit = right >> 6
    return bool(found.st_mode & bit)


def give_up(rights: Rights) -> None:
    """Become the daemon's account, for good; in the order in which each step is still allowed.

    :raises RuntimeError: when there would be a way back.
    """
    groups = os.getgrouplist(rights.name, rights.gid) if rights.name else [rights.gid]
    os.setgroups([group for group in groups if group])
    os.setresgid(rights.gid, rights.gid, rights.gid)
    os.setresuid(rights.uid, rights.uid, rights.uid)
    # No program started from here on gains anything by being set-user-id.
    ctypes.CDLL(None).prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    try:
        os.setuid(0)
    except PermissionError:
        return
    raise RuntimeError("the rights of root are still there")


def _find_account(text: str) -> tuple[int, int, str]:
    try:
        found = pwd.getpwuid(int(text)) if text.isdecimal() else pwd.getpwnam(text)
    except (KeyError, OverflowError):
        if text.isdecimal() and len(text) < 10:
            return int(text), int(text), ""
        raise Unavailable(
            f"uid={text}: there is no such account; "
            f"run: useradd --system --shell /usr/sbin/nologin {text}"
        ) from None
    return found.pw_uid, found.pw_gid, found.pw_name


def _find_group(text: str) -> int:
    if text.isdecimal() and len(text) < 10:
        return int(text)
    try:
        return grp.getgrnam(text).gr_gid
    except KeyError:
        raise Unavailable(f"gid={text}: there is no such group") from None
