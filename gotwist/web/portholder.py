"""Finds out who holds a TCP port, for the sentence an operator reads when it is taken."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

_LISTENING: Final = "0A"
_MAX_TABLE: Final = 8 * 1_048_576


def port_holder(port: int, proc: Path = Path("/proc")) -> str | None:
    """Give "name (pid n)" of a process that listens on this port, as far as /proc tells us.

    Other users' processes show their sockets to root only; then the answer is ``None``.
    """
    inodes = {
        inode
        for table in ("net/tcp", "net/tcp6")
        for inode in _listening_inodes(_read(proc / table), port)
    }
    if not inodes:
        return None
    wanted = {f"socket:[{inode}]" for inode in inodes}
    for process in sorted(_names(proc), key=len):
        if process.isdigit() and any(
            _link(proc / process / "fd" / number) in wanted
            for number in _names(proc / process / "fd")
        ):
            name = _read(proc / process / "comm").strip()
            printable = "".join(c for c in name if c.isprintable()) or "a process"
            return f"{printable} (pid {process})"
    return None


def _listening_inodes(table: str, port: int) -> list[str]:
    """Read the kernel's table: ``sl local_address rem_address st … inode``."""
    found = []
    for line in table.splitlines()[1:]:
        fields = line.split()
        if len(fields) > 9 and fields[3] == _LISTENING and fields[1].endswith(f":{port:04X}"):
            found.append(fields[9])
    return found


def _read(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file.read(_MAX_TABLE).decode("utf-8", "replace")
    except OSError:
        return ""


def _names(path: Path) -> list[str]:
    try:
        return os.listdir(path)
    except OSError:
        return []


def _link(path: Path) -> str:
    try:
        return os.readlink(path)
    except OSError:
        return ""
