"""The ways of signing in: a maker for each name that the option ``auth`` can hold."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final, cast

from twisted.internet.interfaces import IReactorFromThreads
from twisted.logger import Logger

from gotwist.auth.file_method import FileMethod
from gotwist.auth.password_file import Entries, parse_entries, render_entries
from gotwist.auth.private_file import PrivateFile
from gotwist.errors import Unavailable
from gotwist.housekeeping.fairness.service import FairThreads
from gotwist.settings.snapshot import Snapshot
from gotwist.tap import api_method, ssl_method
from gotwist.tap.method import MakeMethod, Method, Surroundings
from gotwist.tap.passwords import make_pam
from gotwist.tap.rights import find_account

log = Logger()


def tell(problem: str) -> None:
    """Tell the operator what is wrong with a method."""
    log.error("signing in: {problem}", problem=problem)


def _nothing_of_its_own(surroundings: Surroundings) -> Method:
    """Tokens are honoured anyway, and nobody is asked anything: the authenticator does both."""
    return Method()


def _kerberos(surroundings: Surroundings) -> Method:
    with _needs("kerberos", "kerberos"):
        from gotwist.tap.negotiating import make_kerberos
    return make_kerberos(surroundings)


def _oidc(surroundings: Surroundings) -> Method:
    with _needs("oidc", "oidc"):
        from gotwist.tap.sso import make_oidc
    return make_oidc(surroundings)


def _google(surroundings: Surroundings) -> Method:
    with _needs("google", "oidc"):
        from gotwist.tap.sso import make_google
    return make_google(surroundings)


@contextmanager
def _needs(method: str, extra: str) -> Iterator[None]:
    """Say which extra brings what a method imports; what is not switched on is not imported."""
    try:
        yield
    except ImportError as error:
        raise Unavailable(
            f"auth={method} needs the Python package {error.name}, which is not installed: "
            f"pip install 'gotwist[{extra}]'"
        ) from None


def passwords_file(snapshot: Snapshot) -> PrivateFile[Entries]:
    """The file that holds the hashed passwords of all users."""
    path = Path(snapshot.text("password_file"))
    return PrivateFile(path, parse_entries, render_entries, find_account(snapshot))


def _file(surroundings: Surroundings) -> Method:
    file = passwords_file(surroundings.snapshot)
    # Said at once, since later on only a user who is refused would notice.
    file.read()
    # Threads of its own: a hash takes a processor for a while, and must delay no disk.
    threads = FairThreads(cast(IReactorFromThreads, surroundings.reactor), "gotwist-hash")
    return Method(password=FileMethod(file, threads.run_for, tell), services=(threads,))


METHODS: Final[Mapping[str, MakeMethod]] = {
    "token": _nothing_of_its_own,
    "none": _nothing_of_its_own,
    "pam": make_pam,
    "api": api_method.make,
    "ssl": ssl_method.make,
    "file": _file,
    "kerberos": _kerberos,
    "oidc": _oidc,
    "google": _google,
}
