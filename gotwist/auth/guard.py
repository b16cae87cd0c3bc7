"""The guard before every secret that can be guessed: limits, and one duration for refusals."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from gotwist.auth.attempts import Attempt, Attempts
from gotwist.auth.conversation import Asking, Conversation, Proven, Step
from gotwist.errors import Denied, Unavailable

REFUSED_AFTER_S: Final = (1.0, 2.0)

_random = random.SystemRandom()


def refusal_delay_s() -> float:
    """A duration that tells nothing, between one and two seconds."""
    return _random.uniform(*REFUSED_AFTER_S)


class TooManyFailures(Unavailable):
    """Nobody is heard from this address for a while."""

    def __init__(self) -> None:
        super().__init__(
            "Too many failed sign-ins from your address. Please wait some minutes and try again."
        )


class Guard:
    """Counts attempts before they are judged, and lets every refusal take its time.

    A refusal leaves one to two seconds after its request came, whatever was wrong and however
    soon that was known; later, when the pair has failed too often.

    :param now: monotonic seconds.
    :param wait: ends after so many seconds; a timer, not a thread that sleeps.
    """

    def __init__(
        self,
        attempts: Attempts,
        now: Callable[[], float],
        wait: Callable[[float], Awaitable[object]],
        delay_s: Callable[[], float] = refusal_delay_s,
    ) -> None:
        self.attempts = attempts
        self._now = now
        self._wait = wait
        self._delay_s = delay_s

    async def judge(self, user: str, peer: str, judge: Callable[[], Awaitable[Step]]) -> Step:
        """Count an attempt and have it judged, unless there were too many.

        :param judge: called when the attempt is heard.
        :raises Denied: what ``judge`` raised, when it is time.
        :raises TooManyFailures: when the attempt is not heard.
        :raises Unavailable: when it cannot be judged.
        """
        attempt = self.attempts.begin(peer, user, self._now())
        if attempt is None:
            raise TooManyFailures
        return await self._watch(attempt, self._now(), judge())

    def ask(self, user: str, peer: str, asking: Asking) -> Asking:
        """Guard a question that is asked of somebody who has proven something already.

        Counted from now on: a question that is never answered is an attempt as well.
        """
        attempt = self.attempts.begin(peer, user, self._now())
        if attempt is None:
            asking.conversation.close()
            raise TooManyFailures
        return self._guarded(attempt, asking)

    async def _watch(self, attempt: Attempt, began: float, judging: Awaitable[Step]) -> Step:
        try:
            step = await judging
        except Denied:
            due = began + self.attempts.delay_s(attempt, self._delay_s())
            await self._wait(max(0.0, due - self._now()))
            raise
        except Unavailable:
            self.attempts.withdraw(attempt)
            raise
        if isinstance(step, Proven):
            self.attempts.succeeded(attempt)
            return step
        return self._guarded(attempt, step)

    def _guarded(self, attempt: Attempt, asking: Asking) -> Asking:
        return Asking(asking.question, _Guarded(self, attempt, asking.conversation))

    def go_on(self, attempt: Attempt, judging: Awaitable[Step]) -> Awaitable[Step]:
        """Judge the answer to a question, as a part of the attempt that led to it."""
        return self._watch(attempt, self._now(), judging)


class _Guarded:
    """A conversation whose refusals take their time."""

    def __init__(self, guard: Guard, attempt: Attempt, conversation: Conversation) -> None:
        self._guard, self._attempt, self._conversation = guard, attempt, conversation

    async def answer(self, texts: Sequence[str]) -> Step:
        return await self._guard.go_on(self._attempt, self._conversation.answer(texts))

    def close(self) -> None:
        self._conversation.close()
