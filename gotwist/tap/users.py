"""``gotwist passwd`` and ``gotwist totp``: who can sign in by password file and second factor."""

from __future__ import annotations

import argparse
import getpass
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from gotwist.auth.conversation import MAX_ANSWER
from gotwist.auth.credentials import PasswordCredentials
from gotwist.auth.password_file import (
    Entry,
    check_group,
    hash_password,
)
from gotwist.auth.passwords import is_plausible
from gotwist.auth.totp import new_secret, otpauth_uri, render_secret
from gotwist.auth.user import check_upn
from gotwist.errors import Denied, Malformed, NotFound, Unavailable
from gotwist.paths import make_private_directory
from gotwist.settings.snapshot import Snapshot
from gotwist.tap.acts import record_now
from gotwist.tap.methods import passwords_file
from gotwist.tap.passwords import pam_realm
from gotwist.tap.second_factor import secrets_file

ReadSettings = Callable[[Sequence[str]], Snapshot]
"""Given the daemon's options of the command line."""


def change_password(arguments: Sequence[str], read_settings: ReadSettings) -> int:
    """Set, lock, unlock or delete a user of the password file.

    The password is asked for on the terminal, or read from standard input when that is none;
    never from the command line, which everybody can see.
    """
    parser = _parser("passwd", "Edit the users of auth=file (option password_file).")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--delete", action="store_true", help="forget this user")
    what.add_argument("--lock", action="store_true", help="refuse this user, keep the password")
    what.add_argument("--unlock", action="store_true", help="take it back")
    parser.add_argument("--groups", help="the user's groups, with commas; alone: change only these")
    options, others = parser.parse_known_args(arguments)
    name = _check_name(options.name)
    groups = None if options.groups is None else _split_groups(options.groups)
    settings = read_settings(others)
    file = passwords_file(settings)
    path = file.path
    with _telling(path):
        known = name in file.read()
    keeps_password = options.delete or options.lock or options.unlock
    # A known user's groups can be changed without touching the password.
    keeps_password = keeps_password or (known and groups is not None)
    hash = None if keeps_password else hash_password(_new_password(name))
    _make_place(path)
    with _telling(path), file.edited() as edit:
        entries = dict(edit.value)
        entry = entries.pop(name, None)
        if hash is not None:
            entry = replace(entry, hash=hash) if entry is not None else Entry(hash)
        elif entry is None:
            raise NotFound(f"{path}: has no user {name}")
        if options.lock or options.unlock:
            entry = replace(entry, is_locked=options.lock)
        if groups is not None:
            entry = replace(entry, groups=groups)
        if not options.delete:
            entries[name] = entry
        edit.value = entries
    done = "deleted" if options.delete else "changed" if known else "added"
    locking = "locked" if options.lock else "unlocked" if options.unlock else done
    record_now(settings, "password_set", change=locking, user=name)
    print(f"{name} {done}.")
    return 0


def enrol(arguments: Sequence[str], read_settings: ReadSettings) -> int:
    """Give a user a second factor, and print what an authenticator app is to be told."""
    parser = _parser("totp", "Give a user a second factor, or take it away.")
    parser.add_argument("--delete", action="store_true", help="take it away")
    options, others = parser.parse_known_args(arguments)
    name = _check_name(options.name)
    settings = read_settings(others)
    file = secrets_file(settings)
    secret = new_secret()
    _make_place(file.path)
    with _telling(file.path), file.edited() as edit:
        names = _names_of(name, settings)
        found = {known: it for known, it in edit.value.items() if known not in names}
        if options.delete and len(found) == len(edit.value):
            raise NotFound(f"{file.path}: has no user {name}")
        if not options.delete:
            found |= dict.fromkeys(names, secret)
        edit.value = found
    change = "deleted" if options.delete else "set"
    record_now(settings, "second_factor_set", change=change, user=name)
    if options.delete:
        print(f"{name} has no second factor any more.")
    else:
        print(otpauth_uri(secret, name, "gotwist"))
        print(f"\nOr type this key into the app: {render_secret(secret)}", file=sys.stderr)
    return 0


def _parser(word: str, description: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=f"gotwist {word}",
        description=description,
        epilog="The daemon's own options, such as --settings_dir=, may follow.",
        allow_abbrev=False,
    )
    parser.add_argument("name", metavar="NAME")
    return parser


def _check_name(name: str) -> str:
    if not is_plausible(PasswordCredentials(name, "x")):
        raise Malformed("This cannot be a user's name: letters, digits, _ . @ - and at most 64.")
    return check_upn(name)


def _names_of(name: str, settings: Snapshot) -> tuple[str, ...]:
    # Whom PAM lets in is called by account and realm. A second factor for the account alone
    # would be asked of nobody, and nobody would notice.
    realm = pam_realm(settings) if "pam" in settings.texts("auth") and "@" not in name else ""
    return (name, f"{name}@{realm}") if realm else (name,)


def _split_groups(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(check_group(part.strip()) for part in text.split(",") if part))


def _new_password(name: str) -> str:
    if sys.stdin.isatty():
        password = getpass.getpass(f"New password of {name}: ")
        if getpass.getpass("Once more: ") != password:
            raise Denied("These were two different passwords; nothing is changed.")
    else:
        password = sys.stdin.readline(MAX_ANSWER + 2).removesuffix("\n")
    if not is_plausible(PasswordCredentials(name, password)):
        raise Malformed(f"A password has 1 to {MAX_ANSWER} bytes and no line breaks.")
    return password


def _make_place(path: Path) -> None:
    # Before the first start there is no settings directory yet; one that is there is the owner's.
    if not path.parent.exists():
        make_private_directory(str(path.parent))


@contextmanager
def _telling(path: Path) -> Iterator[None]:
    """Turn what the system says about a file into one sentence."""
    try:
        yield
    except OSError as error:
        raise Unavailable(f"{path}: {error.strerror}") from None
