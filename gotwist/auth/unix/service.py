"""The authentication service: its UNIX socket while it runs."""

from __future__ import annotations

import errno
import os
import socket
import stat
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass

from twisted.application.service import Service
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import IListeningPort, IReactorTime, IReactorUNIX
from twisted.logger import Logger

from gotwist.auth.line import Request
from gotwist.auth.pam.judging import Judges
from gotwist.auth.unix.peers import Peer, find_gid, find_uid, peer_rule
from gotwist.auth.unix.protocol import AuthFactory, Told
from gotwist.errors import Unavailable
from gotwist.paths import check_socket_path

BACKLOG = 128
DIRECTORY_MODE = 0o750


class IAuthReactor(IReactorTime, IReactorUNIX):
    """What the door needs of a reactor."""


@dataclass(frozen=True)
class DoorSettings:
    """Where the socket is, and for whom.

    ``owner`` and ``group`` are names or numbers; empty: as the process makes it.
    ``peers`` are further accounts, and groups with ``@`` before their names.
    """

    path: str
    owner: str = ""
    group: str = ""
    mode: int = 0o660
    peers: tuple[str, ...] = ()


class AuthService(Service):
    """Listens while it runs; whoever may connect is also asked for by the kernel's word.

    :param told: called with each verdict
    """

    log = Logger()

    def __init__(
        self,
        reactor: IAuthReactor,
        settings: DoorSettings,
        judges: Judges,
        *,
        told: Told = lambda request, peer, is_right: None,
    ) -> None:
        self.settings = settings
        self._told = told
        self.factory: AuthFactory | None = None
        self._reactor = reactor
        self._judges = judges
        self._told = told
        self._port: IListeningPort | None = None

    def privilegedStartService(self) -> None:
        """Make the socket; blocks on names of accounts and on the disk, before the reactor runs.

        :raises Unavailable: it cannot be made, or somebody else has it.
        """
        super().privilegedStartService()
        settings = self.settings
        path = check_socket_path(settings.path)
        uid = find_uid(settings.owner) if settings.owner else -1
        gid = find_gid(settings.group) if settings.group else -1
        directory = os.path.dirname(path)
        if not os.path.lexists(directory):
            _make_directory(directory, uid, gid)
        _check_directory(directory, uid)
        remove_stale(path, {os.geteuid(), uid})
        # Those to whom the file belongs may ask, root, and this account.
        rule = peer_rule(
            settings.peers,
            {0, os.geteuid(), *([uid] if uid >= 0 else [])},
            {gid} if gid >= 0 else {os.getegid()} if settings.mode & 0o060 else set(),
        )
        self.factory = AuthFactory(self._judges, rule, self._reactor, told=self._judged)
        # Made with no more rights than it will have: there is no moment in between.
        mask = os.umask(0o777 & ~settings.mode)
        try:
            self._port = self._reactor.listenUNIX(
                path, self.factory, backlog=BACKLOG, mode=settings.mode
            )
            os.chown(path, uid, gid)
        except CannotListenError as error:
            raise Unavailable(f"{path}: {_reason(error)}") from error
        except OSError as error:
            raise Unavailable(
                f"{path}: cannot be given to its owner and group: {error.strerror}"
            ) from error
        finally:
            os.umask(mask)

    def startService(self) -> None:
        """Listen, unless that has been done before privileges were given up."""
        if self._port is None:
            self.privilegedStartService()
        super().startService()
        settings = self.settings
        self.log.info(
            "authentication service: UNIX socket {path}, mode {mode}, owner {owner}, "
            "group {group}, also for {peers}",
            path=settings.path,
            mode=f"{settings.mode:04o}",
            owner=settings.owner or "this account",
            group=settings.group or "this account's",
            peers=", ".join(settings.peers) or "nobody",
        )

    def stopService(self) -> Deferred[object]:
        """Stop listening, remove the socket, hang up."""
        super().stopService()
        port, self._port = self._port, None
        if self.factory is not None:
            for connection in tuple(self.factory.connections):
                connection.evict()
        ended: Deferred[object] = maybeDeferred(port.stopListening if port else lambda: None)
        # Somebody may have removed the socket already.
        return ended.addErrback(lambda failure: failure.trap(FileNotFoundError) and None)

    def _judged(self, request: Request, peer: Peer, is_right: bool) -> None:
        self._told(request, peer, is_right)
        if is_right:
            self.log.info(
                "authentication service: {user} is right for {service}, asked by uid {uid}",
                user=request.user,
                service=request.service,
                uid=peer.uid,
            )
        else:
            # What stands in place of a name can be a password, or anything.
            self.log.info(
                "authentication service: somebody is refused, asked by uid {uid}", uid=peer.uid
            )


def remove_stale(path: str, uids: Collection[int]) -> None:
    """Remove the socket of a service that was killed; blocks.

    :param uids: whose socket it may be
    :raises Unavailable: it is somebody else's, no socket, or somebody answers on it.
    """
    try:
        found = os.lstat(path)
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(found.st_mode):
        raise Unavailable(f"{path}: is there already and is not a socket; move it away")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        # It may be alive, and so busy that its queue is full.
        probe.setblocking(False)
        try:
            probe.connect(path)
        except ConnectionRefusedError:
            pass
        except OSError as error:
            if error.errno != errno.EAGAIN:
                raise Unavailable(f"{path}: {(error.strerror or 'error').lower()}") from error
            raise Unavailable(_taken(path)) from None
        else:
            raise Unavailable(_taken(path))
    if found.st_uid not in uids:
        raise Unavailable(f"{path}: belongs to user {found.st_uid}; remove it")
    with suppress(FileNotFoundError):
        os.unlink(path)


def _taken(path: str) -> str:
    return (
        f"{path}: an authentication service answers there already; end it, or choose another "
        "--authservice_path"
    )


def _make_directory(path: str, uid: int, gid: int) -> None:
    parent = os.path.dirname(path)
    try:
        if not os.path.isdir(parent):
            os.makedirs(parent, 0o755)
        os.mkdir(path, 0o700)
        os.chmod(path, DIRECTORY_MODE)
        os.chown(path, uid, gid)
    except OSError as problem:
        raise Unavailable(
            f"{path}: cannot be made: {(problem.strerror or 'error').lower()}"
        ) from problem


def _check_directory(path: str, uid: int) -> None:
    """Whoever can write there could put a socket of their own in our place."""
    found = os.lstat(path)
    if not stat.S_ISDIR(found.st_mode):
        raise Unavailable(f"{path}: is not a directory; name the directory itself")
    if found.st_uid not in (0, os.geteuid(), uid) or found.st_mode & 0o022:
        raise Unavailable(
            f"{path}: other users can write there; the authentication service needs a directory "
            "of its own, mode 0750"
        )


def _reason(error: CannotListenError) -> str:
    problem = error.socketError
    return getattr(problem, "strerror", None) or str(problem)
