"""Entries of who is logged in (utmp) and who was (wtmp), where the C library keeps them."""

from __future__ import annotations

import ctypes
import os
import socket
import struct
import time

_WTMP = b"/var/log/wtmp"
_USER_PROCESS = 7
_DEAD_PROCESS = 8
# struct utmpx of glibc.  Some 64-bit systems keep 32-bit times in it, others do not; where it
# is not known, no entry is written rather than a wrong one.
_NARROW = struct.Struct("=hxxi32s4s32s256shhiii16s20x")
_WIDE = struct.Struct("=hxxi32s4s32s256shhqqq16s20x4x")
_LAYOUTS = {"x86_64": _NARROW, "ppc64le": _NARROW, "riscv64": _NARROW, "aarch64": _WIDE}


class Entry:
    """The entry of one terminal; a system without these files costs nothing."""

    def __init__(self, pid: int, tty: str, user: str, host: str) -> None:
        self._pid = pid
        self._line = tty.removeprefix("/dev/").encode()
        self._user = user.encode()
        self._host = host.encode()

    def log_in(self) -> None:
        """Write that this user is here."""
        self._write(_USER_PROCESS, self._user, self._host)

    def log_out(self) -> None:
        """Write that nobody is here any more."""
        self._write(_DEAD_PROCESS, b"", b"")

    def _write(self, kind: int, user: bytes, host: bytes) -> None:
        layout = _LAYOUTS.get(os.uname().machine)
        libc = ctypes.CDLL(None)
        if layout is None or not hasattr(libc, "pututxline"):
            return
        now = time.time_ns() // 1000
        record = layout.pack(
            kind,
            self._pid,
            self._line,
            # The last four characters, as everybody does: pts/123 and pts/1123 may meet.
            self._line.removeprefix(b"pts/").rjust(4, b"/")[-4:],
            user,
            host,
            0,
            0,
            self._pid if kind == _USER_PROCESS else 0,
            now // 1_000_000,
            now % 1_000_000,
            _address(host.decode()),
        )
        buffer = ctypes.create_string_buffer(record, len(record))
        libc.setutxent()
        libc.pututxline(buffer)
        libc.endutxent()
        libc.updwtmpx(_WTMP, buffer)


def _address(host: str) -> bytes:
    for family in (socket.AF_INET, socket.AF_INET6):
        try:
            return socket.inet_pton(family, host).ljust(16, b"\0")
        except OSError:
            continue
    return bytes(16)
