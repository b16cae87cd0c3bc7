"""What a privileged keeper allows: its own file, which only root can write.

Nothing in it comes from the daemon.  The file is looked at again when a daemon says hello, and
a bad one leaves the rules as they were.
"""

from __future__ import annotations

import json
import os
import stat

MAX_BYTES = 1_048_576
_SERVICE = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.")


class BadRules(Exception):
    """The file cannot be used; the message says why."""


class Rules:
    """The rules.

    :ivar services: PAM services by the names under which a daemon may ask for them
    :ivar session: the PAM service of terminals
    :ivar commands: words of command lines by id
    :ivar environment: variables of every program
    :ivar ticket_s: how long a ticket holds
    :ivar trusted: ways of signing in of which the daemon's word is enough
    :ivar trusted_min_uid: for accounts from this user id on, never below 1000
    """

    __slots__ = (
        "commands", "environment", "services", "session", "ticket_s", "trusted", "trusted_min_uid",
    )  # fmt: skip

    def __init__(self, value: object) -> None:
        fields = _member({"rules": value}, "rules")
        if set(fields) != set(self.__slots__):
            raise BadRules("needs exactly " + ", ".join(self.__slots__))
        self.services = _texts(_member(fields, "services"))
        self.environment = _texts(_member(fields, "environment"))
        self.session = str(fields["session"])
        for service in (*self.services.values(), self.session):
            if not service or not _SERVICE.issuperset(service) or service.startswith("."):
                raise BadRules(f"{service!r} is not the name of a PAM service")
        self.commands = {
            id: _words(words, f"command {id}") for id, words in _member(fields, "commands").items()
        }
        self.trusted = frozenset(_words(fields["trusted"], "trusted", 0))
        life, minimum = fields["ticket_s"], fields["trusted_min_uid"]
        if type(life) not in (int, float) or not 1 <= life <= 31_536_000:  # type: ignore[operator]
            raise BadRules("ticket_s is not a number of seconds")
        if type(minimum) is not int or minimum < 1_000:
            raise BadRules("trusted_min_uid is not a number from 1000 on")
        self.ticket_s = float(life)  # type: ignore[arg-type]
        self.trusted_min_uid = minimum


class RulesFile:
    """The file of rules, read anew when there is another one."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._identity, self.current = _read(path)

    def look(self) -> None:
        """Take another file's rules into force.

        :raises BadRules: when it is a bad one; what was in force stays.
        """
        try:
            if _identity(os.lstat(self._path)) == self._identity:
                return
            self._identity, self.current = _read(self._path)
        except OSError as error:
            raise BadRules(f"{self._path}: {error.strerror}") from error


class Privilege:
    """What makes a keeper a privileged one: whom it serves, and by which rules."""

    def __init__(self, daemon_uid: int, daemon_gid: int, rules: RulesFile) -> None:
        self.daemon_uid = daemon_uid
        self.daemon_gid = daemon_gid
        self.rules = rules


def _read(path: str) -> tuple[tuple[int, ...], Rules]:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError as error:
        raise BadRules(f"{path}: {error.strerror}") from error
    with open(descriptor, "rb") as file:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode) or found.st_uid != os.geteuid():
            raise BadRules(f"{path} is not a file of root")
        if found.st_mode & 0o022:
            raise BadRules(f"{path} can be written by others")
        try:
            return _identity(found), Rules(json.loads(file.read(MAX_BYTES)))
        except (ValueError, RecursionError) as error:
            raise BadRules(f"{path} is not JSON") from error
        except BadRules as error:
            raise BadRules(f"{path}: {error}") from error


def _identity(found: os.stat_result) -> tuple[int, ...]:
    return found.st_dev, found.st_ino, found.st_mtime_ns, found.st_size


def _member(fields: dict[str, object], name: str) -> dict[str, object]:
    value = fields.get(name)
    if not isinstance(value, dict):
        raise BadRules(f"{name} is not an object")
    return value


def _texts(value: dict[str, object]) -> dict[str, str]:
    found = {}
    for name, text in value.items():
        if not name or "=" in name or not isinstance(text, str) or "\0" in name + text:
            raise BadRules(f"{name} is not a text")
        found[name] = text
    return found


def _words(value: object, name: str, least: int = 1) -> list[str]:
    if not isinstance(value, list) or len(value) < least:
        raise BadRules(f"{name} is not a list of words")
    words = [word for word in value if isinstance(word, str) and "\0" not in word]
    if len(words) != len(value) or (least and not words[0]):
        raise BadRules(f"{name} holds something else than words")
    return words
