"""One terminal of one user: a program that opens the PAM session, runs, and closes it.

It is root and has nothing but its channel and the terminal; it hears one request and says
``{"started": pid}`` and ``{"ended": [code, signal]}``.  The user's program stays unreaped until
the keeper says ``{"over"}``: until then its process id, which is also its session's, cannot
come to name somebody else's.  When the keeper goes away, the program is hung up.
"""

from __future__ import annotations

import os
import resource
import select
import signal
import socket
from collections.abc import Sequence

from gotwist.keeper import channel, pam
from gotwist.keeper.accounts import Account, NoAccount, find_account
from gotwist.keeper.become import become, grant_terminal, program_environment
from gotwist.keeper.utmp import Entry

OPENING_S = 60
CLOSING_S = 30
KILL_AFTER_MS = 5_000
REFUSED = 126


class Refused(Exception):
    """The terminal cannot be had; the text is for the user."""


class Login:
    """One session, from its opening to its end."""

    def __init__(self, sock: socket.socket, request: dict[str, object]) -> None:
        self._sock = sock
        self._request = request
        self._tty = str(request["tty"])
        self._pam: pam.Pam | None = None
        self._entry: Entry | None = None
        self._is_open = False

    def run(self) -> tuple[int | None, int | None]:
        """Open, run, wait; give how the program has ended."""
        # Modules wait for networks; a session that does not open must not wait for ever.
        signal.alarm(OPENING_S)
        try:
            account = self._open()
        except (Refused, pam.PamError, NoAccount) as error:
            return self._refuse(str(error))
        signal.alarm(0)
        pid = os.fork()
        if not pid:
            become(account, self._request, self._environment(account))
        # The terminal is the program's alone: its end must be seen by the keeper.
        nothing = os.open("/dev/null", os.O_RDWR | os.O_CLOEXEC)
        os.dup2(nothing, 0)
        os.dup2(nothing, 1)
        self._entry = Entry(pid, self._tty, account.name, str(self._request["rhost"]))
        self._entry.log_in()
        return self._wait(pid)

    def _refuse(self, reason: str) -> tuple[int | None, int | None]:
        how = REFUSED, None
        _say(f"gotwist: no terminal for you: {reason}")
        try:
            channel.send(self._sock, {"ended": how})
        except channel.Gone:
            pass
        return how

    def close(self) -> None:
        """Undo what opening has done."""
        signal.alarm(CLOSING_S)
        if self._entry is not None:
            self._entry.log_out()
        if self._pam is not None:
            if self._is_open:
                self._pam.close_session()
            self._pam.end()

    def _open(self) -> Account:
        request = self._request
        minimum, uid = request["min_uid"], request["uid"]
        assert isinstance(minimum, int)
        account = find_account(str(request["user"]), minimum)
        if account.uid != uid:
            raise Refused("this is not the account that signed in")
        if not pam.is_known(str(request["service"])):
            raise Refused(f"there is no PAM service {request['service']}")
        self._pam = asked = pam.Pam(str(request["service"]), account.name, _talk)
        asked.set_text(pam.TTY, self._tty.removeprefix("/dev/"))
        asked.set_text(pam.RHOST, str(request["rhost"]))
        # Long after the sign-in: the account may have been locked since.
        asked.check_account()
        grant_terminal(account)
        os.initgroups(account.name, account.gid)
        asked.establish_credentials()
        asked.open_session()
        self._is_open = True
        return account

    def _environment(self, account: Account) -> dict[str, str]:
        assert self._pam is not None
        return program_environment(account, self._request, self._pam.environment())

    def _wait(self, pid: int) -> tuple[int | None, int | None]:
        """Follow the program to its end, and the keeper to its word that this is over."""
        poll = select.poll()
        process = os.pidfd_open(pid)
        poll.register(process, select.POLLIN)
        poll.register(self._sock, select.POLLIN)
        how: tuple[int | None, int | None] | None = None
        try:
            channel.send(self._sock, {"started": pid})
            while True:
                events = dict(poll.poll())
                if process in events:
                    poll.unregister(process)
                    how = _ended(pid)
                    channel.send(self._sock, {"ended": how})
                if self._sock.fileno() in events and "over" in channel.receive(self._sock):
                    break
        except channel.Gone:
            # No keeper, no terminal.
            _hang_up(pid)
            if how is None and not _is_readable(process, KILL_AFTER_MS):
                _send(pid, signal.SIGKILL)
        how = how or _ended(pid)
        os.waitpid(pid, 0)
        return how


def _talk(asked: Sequence[tuple[int, str]]) -> Sequence[str | None] | None:
    """Show what modules say; there is nobody to answer."""
    for style, text in asked:
        if style not in (pam.INFO, pam.ERROR):
            return None
        _say(text)
    return [None] * len(asked)


def _say(text: str) -> None:
    try:
        os.write(1, text.encode("utf-8", "replace") + b"\n")
    except OSError:
        # The terminal has been closed meanwhile.
        pass


def _ended(pid: int) -> tuple[int | None, int | None]:
    found = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    assert found is not None
    if found.si_code == os.CLD_EXITED:
        return found.si_status, None
    return None, found.si_status


def _send(pid: int, number: int) -> None:
    try:
        os.kill(pid, number)
    except OSError:
        pass


def _hang_up(pid: int) -> None:
    _send(pid, signal.SIGHUP)
    _send(pid, signal.SIGCONT)


def _is_readable(descriptor: int, limit_ms: int) -> bool:
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(limit_ms))


def main() -> int:
    """Serve one terminal."""
    sock = socket.socket(fileno=channel.DESCRIPTOR)
    sock.set_inheritable(False)
    try:
        request = channel.receive(sock)
    except channel.Gone:
        return REFUSED
    limit = request["limit"]
    assert isinstance(limit, list)
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit[0], limit[1]))
    os.umask(0o022)
    login = Login(sock, request)
    try:
        code, number = login.run()
    finally:
        login.close()
    if code is None:
        return 128 + (number or 0)
    return code
