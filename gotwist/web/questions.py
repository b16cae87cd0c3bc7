"""Open questions: conversations that wait for the answers of the browsers that began them.

Each stands under a random name that only its browser knows, by a cookie.  A question is taken
out when it is answered: of two answers one counts.
"""

from __future__ import annotations

import secrets
from collections import Counter
from dataclasses import dataclass
from typing import Final

from twisted.internet.interfaces import IDelayedCall, IReactorTime

from gotwist.auth.conversation import Asking

ANSWER_WITHIN_S: Final = 180
_MOST: Final = 512
_MOST_AT_ONE_ADDRESS: Final = 16


@dataclass(frozen=True)
class OpenQuestion:
    """What was asked, of somebody at ``address``, and where to go to when all is well."""

    asking: Asking
    next: str
    address: str


class OpenQuestions:
    """Those of one daemon: bounded in number, and each for three minutes."""

    def __init__(self, clock: IReactorTime) -> None:
        self._clock = clock
        self._open: dict[str, tuple[OpenQuestion, IDelayedCall]] = {}

    def __len__(self) -> int:
        return len(self._open)

    def put(self, question: OpenQuestion) -> str:
        """Keep a question and give its name; the oldest go when there are too many."""
        here = [name for name, (it, _) in self._open.items() if it.address == question.address]
        if len(here) >= _MOST_AT_ONE_ADDRESS:
            self.drop(here[0])
        elif len(self._open) >= _MOST:
            # Of the address with most of them: who asks for many costs nobody else his own.
            often = Counter(it.address for it, _ in self._open.values()).most_common(1)[0][0]
            self.drop(next(n for n, (it, _) in self._open.items() if it.address == often))
        name = secrets.token_hex(32)
        timer = self._clock.callLater(ANSWER_WITHIN_S, self.drop, name)
        self._open[name] = question, timer
        return name

    def take(self, name: str | None) -> OpenQuestion | None:
        """Give the question of this name, once."""
        found = None if name is None else self._open.pop(name, None)
        if found is None:
            return None
        found[1].cancel()
        return found[0]

    def drop(self, name: str) -> None:
        """Give up a question that nobody is going to answer."""
        found = self._open.pop(name, None)
        if found is None:
            return
        question, timer = found
        if timer.active():
            timer.cancel()
        question.asking.conversation.close()

    def drop_all(self) -> None:
        """Give up all of them: the daemon stops."""
        for name in tuple(self._open):
            self.drop(name)
