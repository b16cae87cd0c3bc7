"""Who sits at the other end of a UNIX socket, as the kernel says, and whether they may."""

from __future__ import annotations

import grp
import pwd
import socket
import struct
from collections.abc import Iterable
from dataclasses import dataclass, field

from gotwist.errors import Unavailable

_CREDENTIALS = struct.Struct("3i")
_GROUP = struct.Struct("I")
#: Not in Python's socket module.
_SO_PEERGROUPS = 59
#: The longest answer that Python asks a socket for.
_MOST_BYTES = 1024


@dataclass(frozen=True)
class Peer:
    """A process at the other end, as it was when it connected."""

    pid: int
    uid: int
    gids: frozenset[int]


@dataclass(frozen=True)
class PeerRule:
    """The accounts and groups that may enter."""

    uids: frozenset[int] = field(default_factory=frozenset)
    gids: frozenset[int] = field(default_factory=frozenset)

    def admits(self, peer: Peer) -> bool:
        """Tell whether this one may."""
        return peer.uid in self.uids or not self.gids.isdisjoint(peer.gids)


def peer_of(connection: socket.socket) -> Peer:
    """Ask the kernel; raises OSError when it does not know."""
    raw = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    pid, uid, gid = _CREDENTIALS.unpack(raw)
    try:
        groups = connection.getsockopt(socket.SOL_SOCKET, _SO_PEERGROUPS, _MOST_BYTES)
    except OSError:
        # In more groups than fit, or an old kernel: the primary group alone counts.
        groups = b""
    gids = {number for (number,) in _GROUP.iter_unpack(groups)}
    return Peer(pid, uid, frozenset({gid, *gids}))


def find_uid(name: str) -> int:
    """Look up an account by name or number; blocks.

    :raises Unavailable: there is none.
    """
    if name.isdecimal():
        return int(name)
    try:
        return pwd.getpwnam(name).pw_uid
    except KeyError:
        raise Unavailable(f'there is no user "{name}" on this machine') from None


def find_gid(name: str) -> int:
    """Look up a group by name or number; blocks.

    :raises Unavailable: there is none.
    """
    if name.isdecimal():
        return int(name)
    try:
        return grp.getgrnam(name).gr_gid
    except KeyError:
        raise Unavailable(f'there is no group "{name}" on this machine') from None


def peer_rule(names: Iterable[str], uids: Iterable[int], gids: Iterable[int]) -> PeerRule:
    """Make a rule of names, ``@`` before those of groups, and of what may enter anyway; blocks.

    :raises Unavailable: a name is not known.
    """
    all_uids, all_gids = set(uids), set(gids)
    for name in names:
        if name.startswith("@"):
            all_gids.add(find_gid(name[1:]))
        else:
            all_uids.add(find_uid(name))
    return PeerRule(frozenset(all_uids), frozenset(all_gids))
