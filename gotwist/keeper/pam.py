"""libpam by ctypes, for the small programs that ask it; never for the keeper itself.

One handle, one process: what modules do to the calling process (groups, limits, keyrings) and
what may go wrong inside of them stays there.  The conversation function lives as long as the
handle, because session modules speak too, and a collected function would be called.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable, Sequence

SUCCESS = 0
CONV_ERR = 19
MAX_PROMPTS = 16

TTY = 3
RHOST = 4
USER = 2
_CONV = 5
_FAIL_DELAY = 10

PROMPT_HIDDEN = 1
PROMPT_SHOWN = 2
ERROR = 3
INFO = 4

SILENT = 0x8000
DISALLOW_NULL_AUTHTOK = 0x1
CHANGE_EXPIRED_AUTHTOK = 0x20
ESTABLISH_CRED = 0x2
DELETE_CRED = 0x4
NEW_AUTHTOK_REQD = 12

#: (style, text) of each message of one call; gives one text for each prompt, or None to refuse.
Talk = Callable[[Sequence[tuple[int, str]]], "Sequence[str | None] | None"]


class PamError(Exception):
    """A step that libpam refuses; ``code`` is libpam's, the text too."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


class _Message(ctypes.Structure):
    _fields_ = [("style", ctypes.c_int), ("text", ctypes.c_char_p)]


class _Response(ctypes.Structure):
    _fields_ = [("text", ctypes.c_void_p), ("code", ctypes.c_int)]


_Converse = ctypes.CFUNCTYPE(
    ctypes.c_int,
    ctypes.c_int,
    ctypes.POINTER(ctypes.POINTER(_Message)),
    ctypes.POINTER(ctypes.POINTER(_Response)),
    ctypes.c_void_p,
)
_Delay = ctypes.CFUNCTYPE(None, ctypes.c_int, ctypes.c_uint, ctypes.c_void_p)


class _Conversation(ctypes.Structure):
    _fields_ = [("function", _Converse), ("data", ctypes.c_void_p)]


_libc = ctypes.CDLL(None)
_libc.calloc.restype = ctypes.c_void_p
_libc.calloc.argtypes = [ctypes.c_size_t, ctypes.c_size_t]
_libc.strdup.restype = ctypes.c_void_p
_libc.strdup.argtypes = [ctypes.c_char_p]


def _load() -> ctypes.CDLL:
    # The name of the interface, not of a file: what find_library() does needs a compiler.
    library = ctypes.CDLL("libpam.so.0")
    handle = ctypes.c_void_p
    text = ctypes.c_char_p
    library.pam_start.argtypes = [text, text, ctypes.POINTER(_Conversation), ctypes.POINTER(handle)]
    library.pam_set_item.argtypes = [handle, ctypes.c_int, ctypes.c_void_p]
    library.pam_get_item.argtypes = [handle, ctypes.c_int, ctypes.POINTER(ctypes.c_void_p)]
    library.pam_strerror.argtypes = [handle, ctypes.c_int]
    library.pam_strerror.restype = text
    library.pam_getenvlist.argtypes = [handle]
    library.pam_getenvlist.restype = ctypes.POINTER(ctypes.c_void_p)
    for name in ("authenticate", "acct_mgmt", "chauthtok", "setcred", "open_session"):
        getattr(library, f"pam_{name}").argtypes = [handle, ctypes.c_int]
    for name in ("close_session", "end"):
        getattr(library, f"pam_{name}").argtypes = [handle, ctypes.c_int]
    _libc.free.argtypes = [handle]
    return library


def is_known(service: str) -> bool:
    """Tell whether there is such a service.

    libpam itself would fall back to another one, whose rules were not made for this.
    """
    places = ("/etc/pam.d", "/usr/lib/pam.d", "/usr/etc/pam.d")
    return any(os.path.isfile(f"{place}/{service}") for place in places)


class Pam:
    """One conversation with PAM about one user.

    :param service: name of the service; the caller has an allow list, because libpam falls
        back to ``other`` for a name it does not know.
    :param talk: answers what modules ask and hears what they say.
    """

    def __init__(self, service: str, user: str, talk: Talk) -> None:
        self._library = _load()
        self._talk = talk
        self._handle = ctypes.c_void_p()
        self._status = SUCCESS
        self._converse = _Converse(self._call)
        self._delay = _Delay(_no_delay)
        self._conversation = _Conversation(self._converse, None)
        self._check(
            self._library.pam_start(
                service.encode(),
                user.encode(),
                ctypes.byref(self._conversation),
                ctypes.byref(self._handle),
            )
        )

    def set_text(self, item: int, text: str) -> None:
        """Set an item such as ``TTY`` or ``RHOST``."""
        self._check(self._library.pam_set_item(self._handle, item, ctypes.c_char_p(text.encode())))

    def without_delay(self) -> None:
        """Leave the pause after a failure to whoever asked: it must not hold a process."""
        pointer = ctypes.cast(self._delay, ctypes.c_void_p)
        self._library.pam_set_item(self._handle, _FAIL_DELAY, pointer)

    @property
    def user(self) -> str:
        """The user's name as the modules have left it."""
        found = ctypes.c_void_p()
        self._check(self._library.pam_get_item(self._handle, USER, ctypes.byref(found)))
        return (ctypes.string_at(found.value) if found.value else b"").decode("utf-8", "strict")

    def authenticate(self) -> None:
        """Have the modules ask for proofs and judge them."""
        self._do("authenticate", DISALLOW_NULL_AUTHTOK)

    def check_account(self) -> None:
        """Ask whether the account may be used now: not expired, not locked."""
        self._do("acct_mgmt", 0)

    def change_expired_password(self) -> None:
        """Have the user choose another password, where it has expired."""
        self._do("chauthtok", CHANGE_EXPIRED_AUTHTOK)

    def establish_credentials(self) -> None:
        """Have modules give this process what belongs to the user (groups, tickets)."""
        self._do("setcred", ESTABLISH_CRED)

    def open_session(self) -> None:
        """Have modules set this process up for the user's session."""
        self._do("open_session", 0)

    def environment(self) -> dict[str, str]:
        """The variables that modules want the user to have."""
        listed = self._library.pam_getenvlist(self._handle)
        found: dict[str, str] = {}
        index = 0
        while listed and listed[index]:
            name, _, value = ctypes.string_at(listed[index]).partition(b"=")
            found[name.decode("utf-8", "surrogateescape")] = value.decode(
                "utf-8", "surrogateescape"
            )
            _libc.free(listed[index])
            index += 1
        if listed:
            _libc.free(ctypes.cast(listed, ctypes.c_void_p))
        return found

    def close_session(self) -> None:
        """Undo what :meth:`open_session` and :meth:`establish_credentials` have done."""
        self._library.pam_close_session(self._handle, SILENT)
        self._library.pam_setcred(self._handle, DELETE_CRED | SILENT)

    def end(self) -> None:
        """Let go of the handle, once."""
        handle, self._handle = self._handle, ctypes.c_void_p()
        if handle.value:
            self._library.pam_end(handle, self._status)

    def _do(self, name: str, flags: int) -> None:
        self._check(getattr(self._library, f"pam_{name}")(self._handle, flags))

    def _check(self, code: int) -> None:
        self._status = code
        if code != SUCCESS:
            text = self._library.pam_strerror(self._handle, code) or b"PAM error"
            raise PamError(code, text.decode("utf-8", "replace"))

    def _call(self, count: int, messages: object, responses: object, data: object) -> int:
        try:
            return self._answer(count, messages, responses)
        except Exception:
            # Nothing may leave this function but a number: it was called from C.
            return CONV_ERR

    def _answer(self, count: int, messages: object, responses: object) -> int:
        assert isinstance(messages, ctypes._Pointer) and isinstance(responses, ctypes._Pointer)
        if not 1 <= count <= MAX_PROMPTS:
            return CONV_ERR
        asked = []
        for index in range(count):
            message = messages[index].contents
            asked.append((int(message.style), (message.text or b"").decode("utf-8", "replace")))
        given = self._talk(asked)
        if given is None or len(given) != count:
            return CONV_ERR
        # Both are freed by the module that asked.
        block = _libc.calloc(count, ctypes.sizeof(_Response))
        if not block:
            return CONV_ERR
        answers = ctypes.cast(block, ctypes.POINTER(_Response))
        for index, text in enumerate(given):
            if text is not None:
                answers[index].text = _libc.strdup(text.encode())
        responses[0] = answers
        return SUCCESS


def _no_delay(status: int, microseconds: int, data: object) -> None:
    """Do not wait."""
