"""Checks on their way: from the queue to their results, and whose turn it is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.python.failure import Failure

from gotwist.auth.pam.checks import LOCAL, Check, Outcome


@dataclass(frozen=True)
class Limits:
    """How much the pool takes upon itself."""

    #: Processes, and of these how many may wait for a person's answer.
    workers: int = 16
    waiting: int = 8
    #: Checks that have not begun.
    queue: int = 256
    #: Workers that may be busy with one user, or for one address.
    per_user: int = 4
    per_address: int = 8
    #: How long a module may take, also in the queue; how long a person; how long nobody comes.
    patience_s: float = 20.0
    person_s: float = 180.0
    idle_s: float = 60.0


@dataclass(frozen=True)
class Load:
    """How much there is to do: processes, how many are busy, of these with people; the queue.

    ``refused`` checks were told to try again later, of ``lost`` ones the worker crashed or hung,
    both since the start.
    """

    workers: int
    busy: int
    waiting: int
    queued: int
    refused: int
    lost: int


class Job:
    """One check, from the queue to its result."""

    def __init__(self, check: Check) -> None:
        self.check = check
        self.result: Deferred[Outcome] | None = None
        self._timer: IDelayedCall | None = None

    @property
    def is_awaited(self) -> bool:
        """Tell whether somebody still wants to know."""
        return self.result is not None and not self.result.called

    def finish(self, outcome: Outcome | Failure) -> None:
        """Tell who waits, unless nobody does any more."""
        result, self.result = self.result, None
        if result is not None and not result.called:
            result.callback(outcome)

    def limit(self, clock: IReactorTime, seconds: float, function: Callable[[Job], None]) -> None:
        """Start the clock: after so long the function is called."""
        self.rest()
        self._timer = clock.callLater(seconds, function, self)

    def rest(self) -> None:
        """Stop the clock."""
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        self._timer = None


def has_room(queue: Sequence[Job], check: Check, limits: Limits) -> bool:
    """Tell whether one more may wait; nobody may fill the queue with one name."""
    same = sum(job.check.user == check.user for job in queue)
    return len(queue) < limits.queue and same < max(1, limits.queue // 4)


def next_job(queue: Sequence[Job], busy: Iterable[Check], limits: Limits) -> Job | None:
    """Choose who is next: the first of those whose user holds the fewest workers.

    None when all that wait have users, or addresses, that hold as many as they may.
    """
    checks = tuple(busy)
    users = Counter(check.user for check in checks)
    addresses = Counter(check.rhost for check in checks if check.rhost != LOCAL)
    return min(
        (
            job
            for job in queue
            if users[job.check.user] < limits.per_user
            and addresses[job.check.rhost] < limits.per_address
        ),
        key=lambda job: users[job.check.user],
        default=None,
    )
