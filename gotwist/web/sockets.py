"""Opens listening sockets; blocking (a name may need looking up), so for start-up only."""

from __future__ import annotations

import errno
import os
import socket
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from twisted.internet.error import CannotListenError

from gotwist.errors import Unavailable
from gotwist.web.portholder import port_holder

BACKLOG: Final = 1_024
_EVERYWHERE: Final = ("0.0.0.0", "::")


def open_tcp(addresses: Iterable[str], port: int) -> list[socket.socket]:
    """Open one socket per address; ``""`` stands for every address of both families.

    Port 0 lets the system choose one, the same for all of them.

    :raises Unavailable: when one cannot be had; then none is left open.
    """
    opened: list[socket.socket] = []
    try:
        for address in addresses:
            for family, host, is_optional in _resolve(address):
                chosen = opened[0].getsockname()[1] if opened else port
                listening = _listen(family, host, chosen, is_optional=is_optional)
                if listening is not None:
                    opened.append(listening)
    except BaseException:
        for listening in opened:
            listening.close()
        raise
    if not opened:
        raise Unavailable("There is no address to listen on.")
    return opened


def _resolve(address: str) -> list[tuple[socket.AddressFamily, str, bool]]:
    if not address:
        return [(socket.AF_INET, "0.0.0.0", False), (socket.AF_INET6, "::", True)]
    try:
        found = socket.getaddrinfo(
            address.strip("[]"), None, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
    except (OSError, UnicodeError) as error:
        raise Unavailable(f"Cannot listen on {address!r}: no such address.") from error
    several = len(found) > 1
    return [(family, str(sockaddr[0]), several) for family, _, _, _, sockaddr in found]


def _listen(
    family: socket.AddressFamily, host: str, port: int, *, is_optional: bool
) -> socket.socket | None:
    """Open one socket; ``None`` when its family is missing here and others will do."""
    try:
        listening = socket.socket(family, socket.SOCK_STREAM)
    except OSError as error:
        if is_optional:
            return None
        raise _cannot(host, port, error) from error
    try:
        listening.setblocking(False)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family is socket.AF_INET6:
            # Else "::" takes the IPv4 port as well, and clients look like ::ffff:192.0.2.1.
            listening.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listening.bind((host, port))
        listening.listen(BACKLOG)
    except OSError as error:
        listening.close()
        if is_optional and error.errno in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT):
            return None
        raise _cannot(host, port, error) from error
    return listening


def _cannot(host: str, port: int, error: OSError) -> Unavailable:
    where = f"port {port} on {'all addresses' if host in _EVERYWHERE else host}"
    if error.errno == errno.EADDRINUSE:
        holder = port_holder(port)
        by = f" by {holder}" if holder else " by another program"
        return Unavailable(f"Cannot listen: {where} is in use{by}.")
    if error.errno == errno.EACCES:
        return Unavailable(f"Cannot listen: {where} needs root's rights.")
    return Unavailable(f"Cannot listen on {where}: {error.strerror}.")


@contextmanager
def unix_place(path: Path, mode: int) -> Iterator[None]:
    """Make the place ready for a UNIX socket that is bound inside the ``with``.

    It never, not even for a moment, lets more people in than ``mode``: the umask makes that
    right at bind(), a chmod afterwards comes too late.  A socket left over by a crash is
    removed, but only when it is ours and a connection has proved that nobody answers there.

    :raises Unavailable: when the place is taken or cannot be used.
    """
    before = os.umask(0o777 & ~mode)
    try:
        _remove_dead(path)
        yield
    except (OSError, CannotListenError) as error:
        cause = error.socketError if isinstance(error, CannotListenError) else error
        reason = getattr(cause, "strerror", None) or "the path cannot be used"
        raise Unavailable(f"Cannot listen on {path}: {reason}.") from error
    finally:
        os.umask(before)


def _remove_dead(path: Path) -> None:
    try:
        status = path.lstat()
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(status.st_mode) or status.st_uid != os.geteuid():
        raise Unavailable(f"Cannot listen on {path}: there is something that is not ours.")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(1.0)
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            path.unlink()
            return
        except OSError:
            pass
    raise Unavailable(f"Cannot listen on {path}: another program answers there.")
