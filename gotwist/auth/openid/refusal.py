"""Refusals on the way to a provider and back: one text for the person, a reason for the log."""

from __future__ import annotations

from typing import Final

from gotwist.errors import Denied

REFUSAL: Final = "The sign-in could not be completed. Please begin again."
DECLINED: Final = "You have not allowed the sign-in, so you are not signed in."
NOT_YOU: Final = "This account may not sign in here."
UNREACHABLE: Final = "The place where you sign in cannot be reached now. Please try again later."


class Refused(Denied):
    """A sign-in that came back from a provider and is not believed.

    ``reason`` is for the operator's log: words of ours, with nothing secret among them.
    """

    def __init__(self, reason: str, message: str = REFUSAL) -> None:
        super().__init__(message)
        self.reason = reason
