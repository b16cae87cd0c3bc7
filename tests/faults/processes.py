"""What the kernel knows of a process: memory, descriptors, children, whether it lives."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from pathlib import Path


def memory_kib(pid: int) -> int:
    """Resident memory of its own: shared memory, such as the rings', is left out."""
    found = re.search(r"RssAnon:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    assert found, pid
    return int(found[1])


def descriptors(pid: int) -> dict[int, str]:
    """Open descriptors and what they are."""
    found: dict[int, str] = {}
    for name in os.listdir(f"/proc/{pid}/fd"):
        with suppress(OSError):
            found[int(name)] = os.readlink(f"/proc/{pid}/fd/{name}")
    return found


def is_alive(pid: int) -> bool:
    """Tell whether a process runs (a zombie does not)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (ProcessLookupError, FileNotFoundError):
        return False


def children(pid: int) -> list[int]:
    """Its children, zombies included."""
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
