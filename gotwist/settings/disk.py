"""The settings directory on disk.  Everything here blocks: call it at the start, or in a thread."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import stat
from collections.abc import Callable, Mapping

from gotwist.errors import Unavailable
from gotwist.settings.error import SettingsError, error_at
from gotwist.settings.jsonc import MAX_LENGTH
from gotwist.settings.load import SettingsFile

MAX_FILES = 256

#: Tells one state of the directory from another, files edited in place included.
Fingerprint = tuple[tuple[str, int, int, int, int], ...]


def read_settings_files(directory: str) -> tuple[SettingsFile, ...]:
    """Read all ``*.conf`` of a directory, sorted by name; a missing directory holds none.

    :raises SettingsError: a file is no text.
    :raises Unavailable: a file cannot be read, or others may write it or the directory.
    """
    names = _names(directory)
    if names:
        check_writers(directory, os.stat(directory), uid=os.geteuid(), gid=os.getegid())
    return tuple(_read(os.path.join(directory, name)) for name in names)


def fingerprint_of(directory: str) -> Fingerprint:
    """Take the fingerprint of the settings files of a directory.

    A file may vanish while this looks; it is then taken as not there.

    :raises Unavailable: the directory cannot be read.
    """
    marks = []
    for name in _names(directory):
        with contextlib.suppress(FileNotFoundError):
            found = os.stat(os.path.join(directory, name))
            # The change time sees what the modification time hides: chmod, and tools that
            # set the old time again.
            marks.append((name, found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_ino))
    return tuple(marks)


def changed_names(before: Fingerprint | None, after: Fingerprint) -> tuple[str, ...]:
    """The names of files that are new, gone or different; of all, when nothing was before."""
    return tuple(sorted({mark[0] for mark in {*(before or ())} ^ {*after}}))


def write_new_file(path: str, text: str) -> None:
    """Write a file that is not there yet, 0600, complete or not at all.

    :raises OSError: it cannot be written, or is there.
    """
    directory, name = os.path.split(path)
    temporary = os.path.join(directory, f".{name}.{secrets.token_hex(8)}")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(temporary, flags, 0o600)
    try:
        with open(descriptor, "wb") as file:
            file.write(text.encode("utf-8"))
            file.flush()
            os.fsync(file.fileno())
        # A link fails where a rename would overwrite what another start has written.
        os.link(temporary, path)
    finally:
        with contextlib.suppress(OSError):
            os.unlink(temporary)


def write_new_files(
    directory: str,
    files: Mapping[str, str],
    write: Callable[[str, str], None] = write_new_file,
) -> tuple[str, ...]:
    """Write files that are not there yet, all or none, each 0600 and never half.

    :returns: their paths.
    :raises Unavailable: they cannot be written; none of them is left behind.
    """
    written: list[str] = []
    try:
        for name, text in files.items():
            path = os.path.join(directory, name)
            write(path, text)
            written.append(path)
        _sync_directory(directory)
    except OSError as problem:
        for path in written:
            with contextlib.suppress(OSError):
                os.unlink(path)
        remedy = {
            errno.ENOSPC: "free some space and start again",
            errno.EDQUOT: "free some space and start again",
            errno.EROFS: "choose another directory with --settings_dir",
            errno.EACCES: "choose another directory with --settings_dir",
        }.get(problem.errno or 0, "nothing has been changed")
        raise Unavailable(
            f"{directory}: settings files cannot be written: {_reason(problem)}; {remedy}"
        ) from problem
    return tuple(written)


def check_writers(path: str, found: os.stat_result, *, uid: int, gid: int) -> None:
    """Refuse what somebody else than root and the daemon's user ``uid`` may write.

    :raises Unavailable: they may, and so would decide what the daemon runs.
    """
    if found.st_uid not in (0, uid):
        raise Unavailable(
            f"{path}: belongs to user {found.st_uid}; settings must belong to root or to the "
            "daemon's own user"
        )
    # Where every user has a group of their own, files writable by it are usual and harmless.
    others = stat.S_IWOTH if found.st_gid == gid else stat.S_IWOTH | stat.S_IWGRP
    if found.st_mode & others:
        raise Unavailable(
            f"{path}: other users may write it, and so decide what runs here; "
            f"run: chmod go-w {path}"
        )


def _names(directory: str) -> list[str]:
    try:
        found = os.listdir(directory)
    except FileNotFoundError:
        return []
    except OSError as problem:
        raise Unavailable(
            f"{directory}: the settings directory cannot be read: {_reason(problem)}"
        ) from problem
    names = sorted(name for name in found if name.endswith(".conf") and not name.startswith("."))
    if len(names) > MAX_FILES:
        raise Unavailable(f"{directory}: more than {MAX_FILES} settings files; join some")
    return names


def _read(path: str) -> SettingsFile:
    try:
        # O_NONBLOCK: a FIFO of that name must not hold the daemon.
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        with open(descriptor, "rb") as file:
            found = os.fstat(descriptor)
            if not stat.S_ISREG(found.st_mode):
                raise Unavailable(f"{path}: is not a regular file; move it away")
            check_writers(path, found, uid=os.geteuid(), gid=os.getegid())
            content = file.read(4 * MAX_LENGTH + 1)
    except OSError as problem:
        raise Unavailable(f"{path}: cannot be read: {_reason(problem)}") from problem
    if len(content) > 4 * MAX_LENGTH:
        raise SettingsError(path, 0, 0, "is too long; split it into several files")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        before = content[: problem.start].decode("utf-8", "replace")
        raise error_at(path, before, len(before), "not UTF-8 text; save it as UTF-8") from None
    return SettingsFile(path, text, is_public=bool(found.st_mode & stat.S_IROTH))


def _sync_directory(directory: str) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _reason(problem: OSError) -> str:
    return (problem.strerror or "input/output error").lower()
