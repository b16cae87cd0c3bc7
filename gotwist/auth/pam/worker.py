"""The PAM worker: a process that checks passwords, one after the other, and nothing else.

Started as a file in isolated mode, it is told everything through its standard input and
answers through its standard output, both of which PAM's modules never see.  A module that
crashes or hangs costs this process and one check.
"""

from __future__ import annotations

import os
import sys

if __name__ == "__main__":
    # Last: among installed packages nothing may take the place of the standard library.
    sys.path.append(os.path.abspath(__file__).rsplit(os.sep, 4)[0])

import ctypes
import grp
import pwd
import resource
import signal
from collections.abc import Sequence

from gotwist.auth.pam import wire
from gotwist.auth.pam.library import Library, clean

PR_SET_PDEATHSIG = 1
PR_SET_DUMPABLE = 4
NICE = 5
MAX_PROMPTS = 16
MAX_SAID = 20
MAX_GROUP_BYTES = 16_384

#: Where libpam looks, in this order; unless it is told one directory of its own.
SERVICE_DIRECTORIES = ("/etc/pam.d", "/usr/lib/pam.d", "/usr/etc/pam.d")


class Gone(BaseException):
    """Nobody is there any more for whom this process could work."""


class Pipe:
    """The way to the daemon and back."""

    def __init__(self, reading: int, writing: int) -> None:
        self._reading = reading
        self._writing = writing

    def receive(self) -> wire.Message:
        """Wait for a message."""
        return wire.parse(self._read(wire.length_of(self._read(wire.HEAD))))

    def send(self, message: wire.Message) -> None:
        """Send a message."""
        data = wire.render(message)
        while data:
            data = data[os.write(self._writing, data) :]

    def _read(self, count: int) -> bytes:
        data = b""
        while len(data) < count:
            more = os.read(self._reading, count - len(data))
            if not more:
                raise Gone
            data += more
        return data


class Person:
    """Answers what PAM asks: with the password at first, then by asking the daemon."""

    def __init__(self, pipe: Pipe, password: str, converses: bool) -> None:
        self._pipe = pipe
        self._password: str | None = password
        self._converses = converses
        self.said: list[str] = []

    def talk(self, messages: Sequence[tuple[int, str]]) -> list[str | None] | None:
        """Answer one call of PAM's, or refuse to."""
        self.said += [clean(text) for style, text in messages if style in (3, 4)]
        prompts = [(style == 1, clean(text)) for style, text in messages if style in (1, 2)]
        if not prompts:
            return [None] * len(messages)
        answers = self._answers(prompts)
        if answers is None or len(answers) != len(prompts):
            return None
        left = iter(answers)
        return [next(left) if style in (1, 2) else None for style, _ in messages]

    def _answers(self, prompts: list[tuple[bool, str]]) -> list[str] | None:
        if self._password is not None and [hidden for hidden, _ in prompts] == [True]:
            password, self._password = self._password, None
            return [password]
        if not self._converses or len(prompts) > MAX_PROMPTS:
            # A second factor needs somebody who can be asked: the password is not it.
            return None
        said, self.said = self.said[:MAX_SAID], []
        self._pipe.send({"ask": [list(prompt) for prompt in prompts], "said": said})
        answer = self._pipe.receive()
        texts = answer.get("texts")
        return [str(text) for text in texts] if isinstance(texts, list) else None


def check(pipe: Pipe, library: Library, message: wire.Message) -> wire.Message:
    """Run one check to its end."""
    user, password, service, rhost, tty = (
        str(message[name]) for name in ("user", "password", "service", "rhost", "tty")
    )
    if not has_service(service, library.directory):
        # libpam would take the service "other" instead, which nobody has thought of.
        return {"done": library.NO_SERVICE, "account": None}
    person = Person(pipe, password, message["converse"] is True)
    code, name = library.check(
        user, service, rhost, tty, person.talk, may_change=message["converse"] is True
    )
    return {"done": code, "account": account(name) if code == 0 else None}


def has_service(service: str, directory: str | None) -> bool:
    """Tell whether a PAM service has a file of its own."""
    places = (directory,) if directory else SERVICE_DIRECTORIES
    return any(os.path.isfile(os.path.join(place, service)) for place in places)


def account(name: str) -> wire.Message:
    """Look up what the machine knows of an account; it may know nothing."""
    try:
        found = pwd.getpwnam(name)
    except (KeyError, UnicodeEncodeError):
        return {"name": name, "uid": None, "groups": [], "attributes": {}}
    groups: list[str] = []
    for number in os.getgrouplist(name, found.pw_gid):
        try:
            groups.append(grp.getgrgid(number).gr_name)
        except KeyError:
            continue
        if sum(map(len, groups)) > MAX_GROUP_BYTES:
            break
    attributes = {"account": found.pw_name}
    full_name = clean(found.pw_gecos.split(",")[0])
    if full_name:
        attributes["full_name"] = full_name
    return {
        "name": found.pw_name,
        "uid": found.pw_uid,
        "groups": groups,
        "attributes": attributes,
    }


def take_pipe() -> Pipe:
    """Move the pipe out of the way of modules and of the programs that they start."""
    pipe = Pipe(*(os.dup(number) for number in (0, 1)))  # not inherited, as dup is in Python
    nowhere = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(nowhere, number)
    os.close(nowhere)
    return pipe


def shut_in() -> None:
    """Leave nothing behind: no core file, no terminal, no life after the daemon's."""
    libc = ctypes.CDLL(None)
    libc.prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)
    libc.prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.setsid()
    os.chdir("/")
    os.umask(0o077)
    # Whoever types goes first: hashing passwords must not delay terminals. Low priority alone
    # is not enough, as a process that runs may finish its slice; so one processor is left free.
    os.nice(NICE)
    processors = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, processors[1:] or processors)
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)


def main(arguments: list[str]) -> int:
    """Work until the daemon hangs up.

    :param arguments: a directory of PAM services to use instead of the system's, or nothing
    """
    pipe = take_pipe()
    shut_in()
    try:
        library = Library(arguments[0] if arguments else None)
    except (ImportError, OSError, AttributeError) as problem:
        pipe.send({"failed": clean(str(problem)) or type(problem).__name__})
        return 1
    try:
        pipe.send({"ready": True})
        while True:
            message = pipe.receive()
            # Anything else came too late for the check it was meant for.
            if message.get("do") == "check":
                pipe.send(check(pipe, library, message))
    except Gone:
        return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
