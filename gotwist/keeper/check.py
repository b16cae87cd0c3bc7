"""One check of one user by PAM: a program that asks, tells and ends.

It hears ``{"user", "service", "rhost", "password", "min_uid"}`` and says ``{"ask", "messages"}``
any number of times (answered by ``{"texts"}``), then ``{"proven"}``, ``{"denied"}`` or
``{"failed"}``.  With ``password`` null nothing is proven: somebody else has done that, and only
the account is looked at.
"""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import socket
from collections.abc import Sequence

from gotwist.keeper import channel, pam
from gotwist.keeper.accounts import NoAccount, find_account

# The keeper ends a check long before; this is for the day when there is no keeper.
LIFE_S = 600
# What is told must fit into one message.
MAX_SAID = 32
MAX_TEXT = 1_024
_PR_SET_DUMPABLE = 4
#: libpam's codes for "it cannot be judged", among them a service file that is broken.
_BROKEN = frozenset({1, 2, 3, 4, 5, 9, 20, 26, 28})


class Talk:
    """The conversation: the password answers the first hidden prompt, the person all others."""

    def __init__(self, sock: socket.socket, password: str | None) -> None:
        self._sock = sock
        self._password = password
        self.messages: list[str] = []

    def __call__(self, asked: Sequence[tuple[int, str]]) -> Sequence[str | None] | None:
        """Answer what modules ask."""
        prompts = []
        for style, text in asked:
            if style in (pam.PROMPT_HIDDEN, pam.PROMPT_SHOWN):
                prompts.append((text[:MAX_TEXT], style == pam.PROMPT_HIDDEN))
            elif len(self.messages) < MAX_SAID:
                self.messages.append(text[:MAX_TEXT])
        if not prompts:
            return [None] * len(asked)
        answers = self._answers(prompts)
        if answers is None or len(answers) != len(prompts):
            return None
        rest = iter(answers)
        return [
            next(rest) if style in (pam.PROMPT_HIDDEN, pam.PROMPT_SHOWN) else None
            for style, _ in asked
        ]

    def _answers(self, prompts: list[tuple[str, bool]]) -> list[str] | None:
        password, self._password = self._password, None
        if password is not None and len(prompts) == 1 and prompts[0][1]:
            return [password]
        channel.send(self._sock, {"ask": prompts, "messages": self.messages})
        self.messages = []
        texts = channel.receive(self._sock).get("texts")
        return texts if isinstance(texts, list) else None


def judge(request: dict[str, object], sock: socket.socket) -> dict[str, object]:
    """Ask PAM; give what to tell the keeper."""
    password = request["password"]
    if not pam.is_known(str(request["service"])):
        return {"failed": f"there is no PAM service {request['service']}"}
    talk = Talk(sock, password if isinstance(password, str) else None)
    try:
        asked = pam.Pam(str(request["service"]), str(request["user"]), talk)
        asked.without_delay()
        asked.set_text(pam.TTY, "gotwist")
        asked.set_text(pam.RHOST, str(request["rhost"]))
        if password is not None:
            asked.authenticate()
        try:
            asked.check_account()
        except pam.PamError as error:
            if error.code != pam.NEW_AUTHTOK_REQD or password is None:
                raise
            asked.change_expired_password()
            asked.check_account()
        minimum = request["min_uid"]
        assert isinstance(minimum, int)
        account = find_account(asked.user, minimum)
        asked.end()
    except pam.PamError as error:
        return {"failed" if error.code in _BROKEN else "denied": str(error)}
    except (NoAccount, UnicodeError) as error:
        return {"denied": str(error)}
    return {
        "proven": {
            "user": account.name,
            "uid": account.uid,
            "gid": account.gid,
            "groups": account.group_names(),
            "home": account.home,
            "shell": account.shell,
        },
        "messages": talk.messages,
    }


def main() -> int:
    """Hear one request and answer it."""
    signal.alarm(LIFE_S)
    # A password passes through here: no core file, and nobody may look inside.
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
    os.umask(0o077)
    sock = socket.socket(fileno=channel.DESCRIPTOR)
    sock.set_inheritable(False)
    try:
        channel.send(sock, judge(channel.receive(sock), sock))
    except channel.Gone:
        return 1
    return 0
