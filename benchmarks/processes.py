"""What the kernel knows about a server's processes: which they are, memory, processor time."""

import os
import signal
import socket
import struct
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")


@dataclass(frozen=True)
class Stat:
    """The part of ``/proc/PID/stat`` that matters here."""

    pid: int
    state: str
    parent: int
    terminal: int
    ticks: int


@dataclass(frozen=True)
class Memory:
    """Resident and proportional size, in bytes."""

    rss: int
    pss: int


def parse_stat(text: str) -> Stat:
    """Parse ``/proc/PID/stat``; the name may hold blanks and brackets."""
    head, _, rest = text.rpartition(")")
    words = rest.split()
    return Stat(
        pid=int(head.split(" ", 1)[0]),
        state=words[0],
        parent=int(words[1]),
        terminal=int(words[4]),
        ticks=int(words[11]) + int(words[12]),
    )


def all_stats() -> list[Stat]:
    """Look at every process there is."""
    found = []
    for entry in os.listdir(PROC):
        if entry.isdecimal():
            try:
                found.append(parse_stat((PROC / entry / "stat").read_text()))
            except OSError:
                continue
    return found


def descendants(root: int, stats: Iterable[Stat]) -> list[Stat]:
    """Everything below ``root``, itself included."""
    children: dict[int, list[Stat]] = {}
    found = []
    for stat in stats:
        children.setdefault(stat.parent, []).append(stat)
        if stat.pid == root:
            found.append(stat)
    for stat in found:
        found.extend(children.get(stat.pid, ()))
    return found


def socket_owner(path: Path) -> int | None:
    """Who listens on this UNIX socket, if anybody."""
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as peer:
            peer.connect(str(path))
            raw = peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
    except OSError:
        return None
    return int(struct.unpack("3i", raw)[0])


def server_pids(roots: Iterable[int], without_terminal: bool = True) -> list[int]:
    """The processes below ``roots`` that serve.

    The programs in the terminals have a controlling terminal, the servers (started in a
    session of their own) have none: that tells them apart for every server alike.
    """
    stats = all_stats()
    found: set[int] = set()
    for root in roots:
        for stat in descendants(root, stats):
            is_program = stat.terminal != 0 and stat.pid != root
            if stat.state != "Z" and not (without_terminal and is_program):
                found.add(stat.pid)
    return sorted(found)


def cpu_seconds(pids: Iterable[int]) -> float:
    """Processor time used so far, from the scheduler's own clock where it is kept."""
    total = 0.0
    for pid in pids:
        try:
            tasks = list((PROC / str(pid) / "task").iterdir())
            spent = [int((task / "schedstat").read_text().split()[0]) for task in tasks]
            total += sum(spent) / 1e9
        except FileNotFoundError:
            try:
                stat = parse_stat((PROC / str(pid) / "stat").read_text())
            except OSError:
                continue
            total += stat.ticks / os.sysconf("SC_CLK_TCK")
        except ProcessLookupError:
            continue
    return total


def memory(pids: Iterable[int]) -> Memory:
    """Sum the memory of some processes."""
    sums = {"Rss:": 0, "Pss:": 0}
    for pid in pids:
        try:
            text = (PROC / str(pid) / "smaps_rollup").read_text()
        except OSError:
            continue
        for line in text.splitlines():
            words = line.split()
            if words[0] in sums:
                sums[words[0]] += int(words[1]) * 1024
    return Memory(rss=sums["Rss:"], pss=sums["Pss:"])


def running_with(text: str) -> list[int]:
    """Processes with ``text`` on their command line, this one excepted."""
    found = []
    wanted = text.encode()
    for entry in os.listdir(PROC):
        if entry.isdecimal() and int(entry) != os.getpid():
            try:
                if wanted in (PROC / entry / "cmdline").read_bytes():
                    found.append(int(entry))
            except OSError:
                continue
    return found


def end(pids: Iterable[int], timeout_s: float = 5.0) -> None:
    """Ask processes of ours to end, then make them."""
    left = list(pids)
    for number in (signal.SIGTERM, signal.SIGKILL):
        for pid in left:
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                continue
        deadline = time.monotonic() + timeout_s
        while left and time.monotonic() < deadline:
            left = [pid for pid in left if _runs(pid)]
            if left:
                time.sleep(0.02)
        if not left:
            return


def _runs(pid: int) -> bool:
    try:
        os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        pass
    try:
        return parse_stat((PROC / str(pid) / "stat").read_text()).state != "Z"
    except OSError:
        return False
