"""Old files that nobody needs: users' logs, directories of past sessions.  Everything blocks.

Users write into these directories, so no link is ever followed and every removal is
relative to an open directory: nothing outside can be made to disappear.
"""

from __future__ import annotations

import os
import re
import shutil
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass

_SESSION = re.compile(r"[A-Za-z0-9+=_-]{45}")
# A directory open per level, and users choose the levels.
_MAX_DEPTH = 16
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


@dataclass(frozen=True)
class Removal:
    """What a round of cleaning came to."""

    removed: int
    failed: int


def remove_old_user_logs(user_dir: str, *, max_age_s: float, now: float) -> Removal:
    """Remove files whose names end in ``log`` below every user's ``logs`` directory.

    :param max_age_s: age by modification time from which on they go; 0 keeps them for ever.
    :param now: wall time.
    """
    removed = failed = 0
    if max_age_s <= 0:
        return Removal(0, 0)
    for user in _subdirectories(user_dir):
        try:
            logs = _open_directories(user_dir, user, "logs")
        except OSError:
            continue
        try:
            for name, directory in _old_logs(logs, now - max_age_s):
                try:
                    os.unlink(name, dir_fd=directory)
                    removed += 1
                except OSError:
                    failed += 1
        except OSError:
            failed += 1
        finally:
            os.close(logs)
    return Removal(removed, failed)


def remove_old_session_directories(
    session_dir: str, *, in_use: Callable[[str], bool], max_age_s: float, now: float
) -> Removal:
    """Remove directories named like a session that nobody uses and nobody has changed lately.

    :param in_use: tells whether a session lives; asked last, right before the removal.
    :param now: wall time.
    """
    removed = failed = 0
    for name in _subdirectories(session_dir):
        if not _SESSION.fullmatch(name):
            continue
        path = os.path.join(session_dir, name)
        try:
            old = os.lstat(path).st_mtime <= now - max_age_s
            if old and not in_use(name):
                shutil.rmtree(path)
                removed += 1
        except (OSError, RecursionError):
            # Users can nest directories deeper than they can be walked; the others go on.
            failed += 1
    return Removal(removed, failed)


def _subdirectories(path: str) -> list[str]:
    try:
        with os.scandir(path) as entries:
            return sorted(e.name for e in entries if e.is_dir(follow_symlinks=False))
    except FileNotFoundError:
        return []


def _open_directories(root: str, *names: str) -> int:
    """Open a directory step by step, refusing a link at each."""
    here = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    for name in names:
        try:
            below = os.open(name, _DIRECTORY, dir_fd=here)
        finally:
            os.close(here)
        here = below
    return here


def _old_logs(directory: int, before: float, depth: int = 1) -> Iterator[tuple[str, int]]:
    """Find old logs as (name, open directory); the directory is open until the next one."""
    with os.scandir(directory) as entries:
        found = [(entry.name, entry.is_dir(follow_symlinks=False)) for entry in entries]
    for name, is_directory in found:
        try:
            if not is_directory:
                if name.endswith("log") and _is_old(name, directory, before):
                    yield name, directory
            elif depth < _MAX_DEPTH:
                below = os.open(name, _DIRECTORY, dir_fd=directory)
                try:
                    yield from _old_logs(below, before, depth + 1)
                finally:
                    os.close(below)
        except OSError:
            # It has vanished, or is not ours to see.
            continue


def _is_old(name: str, directory: int, before: float) -> bool:
    found = os.stat(name, dir_fd=directory, follow_symlinks=False)
    return stat.S_ISREG(found.st_mode) and found.st_mtime <= before
