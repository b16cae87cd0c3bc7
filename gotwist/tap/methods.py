"""The ways of signing in: a maker for each name that the option ``auth`` can hold."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final, cast

from twisted.internet.interfaces import IReactorFromThreads
from twisted.logger import Logger

from gotwist.auth.file_method import FileMethod
from gotwist.auth.password_file import parse_entries, render_entries
from gotwist.auth.private_file import PrivateFile
from gotwist.housekeeping.fairness.service import FairThreads
from gotwist.tap import api_method, ssl_method
from gotwist.tap.method import MakeMethod, Method, Surroundings

log = Logger()


def tell(problem: str) -> None:
    """Tell the operator what is wrong with a method."""
    log.error("signing in: {problem}", problem=problem)


def _nothing_of_its_own(surroundings: Surroundings) -> Method:
    """Tokens are honoured anyway, and nobody is asked anything: the authenticator does both."""
    return Method()


def _file(surroundings: Surroundings) -> Method:
    path = Path(surroundings.snapshot.text("password_file"))
    file = PrivateFile(path, parse_entries, render_entries)
    # Said at once, since later on only a user who is refused would notice.
    file.read()
    # Threads of its own: a hash takes a processor for a while, and must delay no disk.
    threads = FairThreads(cast(IReactorFromThreads, surroundings.reactor), "gotwist-hash")
    return Method(password=FileMethod(file, threads.run_for, tell), services=(threads,))


METHODS: Final[Mapping[str, MakeMethod]] = {
    "token": _nothing_of_its_own,
    "none": _nothing_of_its_own,
    "api": api_method.make,
    "ssl": ssl_method.make,
    "file": _file,
}
