"""libpam, through python-pam: one check with a conversation, without its waits.

python-pam starts the handle, runs authentication and account management; what it leaves out
is hung in between: a conversation that can ask more than once, the remote host, the expired
password, and no delay after a failure: whoever answers the person waits, not this process.
"""

from __future__ import annotations

import ctypes
import re
from collections.abc import Callable, Sequence
from ctypes import POINTER, byref, c_char_p, c_int, c_size_t, c_uint, c_void_p

from pam import PamAuthenticator

PAM_SUCCESS = 0
PAM_NEW_AUTHTOK_REQD = 12
PAM_CONV_ERR = 19

PAM_USER = 2
PAM_TTY = 3
PAM_RHOST = 4
PAM_CONV = 5
PAM_FAIL_DELAY = 10

PAM_DISALLOW_NULL_AUTHTOK = 0x1
PAM_CHANGE_EXPIRED_AUTHTOK = 0x20

MAX_MESSAGES = 32
MAX_TEXT = 512

Talk = Callable[[Sequence[tuple[int, str]]], "list[str | None] | None"]
"""Given (style, text) of every message of one call: an answer for each, or None to refuse."""

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


class _Message(ctypes.Structure):
    _fields_ = (("style", c_int), ("text", c_char_p))


class _Response(ctypes.Structure):
    _fields_ = (("text", c_void_p), ("code", c_int))


_TALK = ctypes.CFUNCTYPE(
    c_int, c_int, POINTER(POINTER(_Message)), POINTER(POINTER(_Response)), c_void_p
)
_DELAY = ctypes.CFUNCTYPE(None, c_int, c_uint, c_void_p)


class _Conversation(ctypes.Structure):
    _fields_ = (("function", _TALK), ("data", c_void_p))


def clean(text: str) -> str:
    """Make what a module says fit for a page and for a log."""
    return _CONTROL.sub("", text).strip()[:MAX_TEXT]


class Library:
    """libpam in this process, for one check at a time.

    :param directory: of PAM services, to be used instead of the system's
    :raises OSError: or ImportError, AttributeError: it is not there, or too old
    """

    #: PAM has no number for a service that does not exist.
    NO_SERVICE = -1

    def __init__(self, directory: str | None = None) -> None:
        self.directory = directory
        PamAuthenticator()
        pam = ctypes.CDLL("libpam.so.0")
        libc = ctypes.CDLL(None)
        self._calloc = libc.calloc
        self._calloc.restype, self._calloc.argtypes = c_void_p, (c_size_t, c_size_t)
        self._strdup = libc.strdup
        self._strdup.restype, self._strdup.argtypes = c_void_p, (c_char_p,)
        self._change = pam.pam_chauthtok
        self._get_item = pam.pam_get_item
        if directory is not None:
            # Linux-PAM 1.4 and newer.
            self._start_in = pam.pam_start_confdir
        # Both are called as long as a handle lives, so they live as long as this process.
        self._talk_pointer = _TALK(self._talked)
        self._delay_pointer = _DELAY(lambda code, microseconds, data: None)
        self._conversation = _Conversation(self._talk_pointer, None)
        self._talk: Talk | None = None

    def check(
        self, user: str, service: str, rhost: str, tty: str, talk: Talk, *, may_change: bool
    ) -> tuple[int, str]:
        """Authenticate and ask whether the account may be used.

        :param may_change: an expired password can be changed now, instead of being refused
        :returns: PAM's code, and PAM's name of the user
        """
        self._talk = talk
        one = PamAuthenticator()
        start, authenticate = one.pam_start, one.pam_authenticate

        def started(service: bytes, user: bytes, conversation: object, handle: object) -> int:
            if self.directory is None:
                code = start(service, user, conversation, handle)
            else:
                where = c_char_p(self.directory.encode())
                code = self._start_in(service, user, conversation, where, handle)
            if code == PAM_SUCCESS:
                for item, value in (
                    (PAM_CONV, byref(self._conversation)),
                    (PAM_FAIL_DELAY, ctypes.cast(self._delay_pointer, c_void_p)),
                    (PAM_RHOST, c_char_p(rhost.encode())),
                    (PAM_TTY, c_char_p(tty.encode())),
                ):
                    one.pam_set_item(one.handle, item, value)
            return int(code)

        one.pam_start = started
        # An account without a password is not one that every password opens.
        one.pam_authenticate = lambda handle, flags: authenticate(
            handle, flags | PAM_DISALLOW_NULL_AUTHTOK
        )
        # The credential step would change the groups of this process.
        one.authenticate(user, "", service, call_end=False, resetcreds=False)
        try:
            if one.handle is None:
                return one.code or self.NO_SERVICE, user
            if one.code == PAM_NEW_AUTHTOK_REQD and may_change:
                # Everything else about the account was right, or it would have said so.
                one.code = self._change(one.handle, PAM_CHANGE_EXPIRED_AUTHTOK)
            return one.code, self._user_of(one.handle) or user
        finally:
            one.end()
            self._talk = None

    def _user_of(self, handle: object) -> str:
        """The user's name, which modules may have changed."""
        name = c_char_p()
        code = self._get_item(handle, PAM_USER, byref(name))
        return name.value.decode("utf-8", "replace") if code == PAM_SUCCESS and name.value else ""

    def _talked(self, count: int, messages: object, responses: object, data: object) -> int:
        # Whatever escapes from here would be taken for a success without an answer.
        try:
            return self._answer(count, messages, responses)
        except BaseException:
            return PAM_CONV_ERR

    def _answer(self, count: int, messages: object, responses: object) -> int:
        if self._talk is None or not 0 < count <= MAX_MESSAGES:
            return PAM_CONV_ERR
        asked = []
        for number in range(count):
            message = messages[number].contents  # type: ignore[index]
            asked.append((message.style, (message.text or b"").decode("utf-8", "replace")))
        answers = self._talk(asked)
        if answers is None:
            return PAM_CONV_ERR
        encoded = [None if answer is None else answer.encode("utf-8") for answer in answers]
        if any(answer is not None and b"\0" in answer for answer in encoded):
            return PAM_CONV_ERR
        # Both are freed by the module that asked.
        array = ctypes.cast(self._calloc(count, ctypes.sizeof(_Response)), POINTER(_Response))
        for number, answer in enumerate(encoded):
            array[number].text = None if answer is None else self._strdup(answer)
        responses[0] = array  # type: ignore[index]
        return PAM_SUCCESS
