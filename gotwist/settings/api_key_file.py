"""Making an API key: the file ``30api_keys.conf`` with one more key in it.  Blocks."""

from __future__ import annotations

import fcntl
import json
import os
import secrets
from contextlib import suppress
from pathlib import Path

from gotwist.errors import Unavailable
from gotwist.settings.disk import read_settings_files
from gotwist.settings.jsonc import parse_document
from gotwist.settings.table import ALIASES, CORE_APPLICATION
from gotwist.settings.values import JSON

API_KEYS = "30api_keys.conf"

_HEADER = (
    "// API keys and their secrets: whoever knows a secret can sign in as anybody.\n"
    "// Rewritten by --new_api_key. A key that is taken out, or set to null, ends at once.\n"
)
_OPTION = "api_keys"


def add_api_key(directory: str) -> str:
    """Make a key and a secret, keep both beside those that are there, and give the key.

    Two that do this at once wait for each other.  The file is replaced whole.

    :raises SettingsError: the file that is there cannot be read; it stays as it is.
    :raises Unavailable: it cannot be written.
    """
    try:
        descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as problem:
        raise Unavailable(f"{directory}: cannot be opened: {_reason(problem)}") from None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        path = Path(directory) / API_KEYS
        files = {Path(file.path).name: file.text for file in read_settings_files(directory)}
        key, secret = secrets.token_urlsafe(32), secrets.token_urlsafe(48)
        _replace(path, with_key(str(path), files.get(API_KEYS, ""), key, secret))
        os.fsync(descriptor)
    except OSError as problem:
        raise Unavailable(f"{directory}: cannot be written: {_reason(problem)}") from None
    finally:
        os.close(descriptor)
    return key


def with_key(path: str, text: str, key: str, secret: str) -> str:
    """Give the text of a settings file with one more API key in it; comments are lost.

    :param text: what the file holds; empty when there is none.
    :raises SettingsError: it cannot be read.
    """
    root = dict(parse_document(path, text).root) if text.strip() else {}
    everybody = _object(root, "*")
    names = [name for name in (*ALIASES, CORE_APPLICATION) if _OPTION in _object(everybody, name)]
    # The last one counts, where the file uses both names of the daemon.
    name = names[-1] if names else CORE_APPLICATION
    options = _object(everybody, name)
    options[_OPTION] = {**_object(options, _OPTION), key: secret}
    return f"{_HEADER}{json.dumps({**root, '*': {**everybody, name: options}}, indent=4)}\n"


def _object(parent: dict[str, JSON], name: str) -> dict[str, JSON]:
    found = parent.get(name)
    return dict(found) if isinstance(found, dict) else {}


def _replace(path: Path, text: str) -> None:
    fresh = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(fresh, flags, 0o600)
    try:
        with open(descriptor, "wb") as file:
            if os.geteuid() == 0:
                # Made by root for a daemon that runs as somebody else: whose the directory is.
                owner = path.parent.stat()
                os.fchown(descriptor, owner.st_uid, owner.st_gid)
            file.write(text.encode("utf-8"))
            file.flush()
            os.fsync(descriptor)
        os.replace(fresh, path)
    except BaseException:
        with suppress(OSError):
            fresh.unlink()
        raise


def _reason(problem: OSError) -> str:
    return (problem.strerror or "input/output error").lower()
