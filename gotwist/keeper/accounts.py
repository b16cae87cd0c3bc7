"""Accounts of the system, looked up by the small programs: a name service may take its time."""

from __future__ import annotations

import grp
import os
import pwd

MAX_NAMES = 16_384


class NoAccount(Exception):
    """There is no such account, or it may not be used here."""


class Account:
    """One account."""

    __slots__ = ("gid", "home", "name", "shell", "uid")

    def __init__(self, name: str, uid: int, gid: int, home: str, shell: str) -> None:
        self.name = name
        self.uid = uid
        self.gid = gid
        self.home = home
        self.shell = shell

    def group_names(self) -> list[str]:
        """The names of the account's groups, as many as fit into one message."""
        names: list[str] = []
        for gid in os.getgrouplist(self.name, self.gid):
            try:
                names.append(grp.getgrgid(gid).gr_name)
            except KeyError:
                names.append(str(gid))
            if sum(map(len, names)) > MAX_NAMES:
                break
        return names


def find_account(name: str, min_uid: int) -> Account:
    """Look an account up.

    :raises NoAccount: also for user id 0, always, and for those below ``min_uid``.
    """
    try:
        found = pwd.getpwnam(name)
    except (KeyError, ValueError) as error:
        raise NoAccount("there is no such account") from error
    if found.pw_uid == 0 or found.pw_uid < min_uid:
        raise NoAccount(f"user id {found.pw_uid} may not be used here")
    if found.pw_name != name:
        # Some directories answer for other spellings: one name for one account.
        raise NoAccount("the account has another name")
    shell = found.pw_shell if os.access(found.pw_shell, os.X_OK) else "/bin/sh"
    return Account(found.pw_name, found.pw_uid, found.pw_gid, found.pw_dir, shell)
