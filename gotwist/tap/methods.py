"""The ways of signing in: a maker for each name that the option ``auth`` can hold."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from gotwist.tap.method import MakeMethod, Method, Surroundings
from gotwist.tap.passwords import make_pam


def _nothing_of_its_own(surroundings: Surroundings) -> Method:
    """Tokens are honoured anyway, and nobody is asked anything: the authenticator does both."""
    return Method()


METHODS: Final[Mapping[str, MakeMethod]] = {
    "token": _nothing_of_its_own,
    "none": _nothing_of_its_own,
    "pam": make_pam,
}
