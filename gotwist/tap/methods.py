"""The ways of signing in: a maker for each name that the option ``auth`` can hold."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

from gotwist.errors import Unavailable
from gotwist.tap.method import MakeMethod, Method, Surroundings


def _nothing_of_its_own(surroundings: Surroundings) -> Method:
    """Tokens are honoured anyway, and nobody is asked anything: the authenticator does both."""
    return Method()


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


METHODS: Final[Mapping[str, MakeMethod]] = {
    "token": _nothing_of_its_own,
    "none": _nothing_of_its_own,
    "oidc": _oidc,
    "google": _google,
}
