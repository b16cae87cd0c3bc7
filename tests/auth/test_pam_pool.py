"""The pool of PAM workers with a clock and processes of the test's own: who is next, how long."""

from __future__ import annotations

from typing import cast

from twisted.internet.defer import Deferred
from twisted.internet.error import ProcessTerminated
from twisted.internet.interfaces import IProcessTransport
from twisted.internet.task import Clock
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from gotwist.auth.pam import wire
from gotwist.auth.pam.checks import Asked, Check, Outcome, Refused
from gotwist.auth.pam.jobs import Limits, Load
from gotwist.auth.pam.process import Worker
from gotwist.auth.pam.service import MOST_CHECKS, MOST_STARTING, IWorkersReactor, PamWorkers
from gotwist.errors import Unavailable


class FakeProcess:
    """A worker's process: what it was told, and whether it was ended."""

    def __init__(self, worker: Worker) -> None:
        self.worker = worker
        self.splitter = wire.Splitter()
        self.told: list[wire.Message] = []
        self.is_killed = False
        self.is_retired = False

    def write(self, data: bytes) -> None:
        self.told += self.splitter.feed(data)

    def signalProcess(self, name: str) -> None:
        self.is_killed = True

    def closeStdin(self) -> None:
        self.is_retired = True

    def say(self, message: wire.Message) -> None:
        """Let it say something."""
        self.worker.outReceived(wire.render(message))

    def end(self) -> None:
        """Let it end."""
        self.worker.processEnded(Failure(ProcessTerminated(signal=11)))

    @property
    def user(self) -> object:
        """Whose password it checks, or checked last."""
        return [message["user"] for message in self.told if message["do"] == "check"][-1]


class FakeReactor(Clock):
    """Starts processes that exist in the test only."""

    def __init__(self) -> None:
        super().__init__()
        self.processes: list[FakeProcess] = []
        self.words: list[str] = []

    def spawnProcess(
        self,
        worker: Worker,
        executable: str,
        words: list[str],
        env: dict[str, str],
        childFDs: dict[int, str],
    ) -> None:
        self.words = words
        assert env == {} and childFDs == {0: "w", 1: "r", 2: "r"}
        process = FakeProcess(worker)
        self.processes.append(process)
        worker.makeConnection(cast(IProcessTransport, process))


class PoolTestCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.reactor = FakeReactor()
        self.pool = self.start()

    def start(self, limits: Limits | None = None, directory: str | None = None) -> PamWorkers:
        pool = PamWorkers(cast(IWorkersReactor, self.reactor), limits, directory=directory)
        pool.startService()
        return pool

    def ask(self, user: str = "alice", *, converses: bool = False) -> Deferred[Outcome]:
        return self.pool.check(Check(user, "s3cret", "login", converses=converses))

    def ready(self) -> list[FakeProcess]:
        """Let all processes be ready; answers them."""
        for process in tuple(self.reactor.processes):
            if not process.worker.is_ready:
                process.say({"ready": True})
        return self.reactor.processes


class TurnTests(PoolTestCase):
    def test_few_start_at_a_time(self) -> None:
        """A burst of checks starts two processes; the next ones when these are ready and busy."""
        for number in range(20):
            self.ask(f"user{number}")
        self.assertEqual(len(self.reactor.processes), MOST_STARTING)
        self.ready()
        self.assertEqual(len(self.reactor.processes), 2 * MOST_STARTING)
        for _ in range(20):
            self.ready()
        self.assertEqual(len(self.reactor.processes), 16)
        self.assertEqual(self.pool.load, Load(16, 16, 0, 4, 0, 0))

    def test_quick_checks_need_no_more(self) -> None:
        """Where checks are quick the first processes do all of them."""
        asked = [self.ask(f"user{number}") for number in range(20)]
        for process in self.reactor.processes:
            process.say({"ready": True})
            while process.worker.job is not None:
                process.say({"done": 7})
        self.assertTrue(all(self.successResultOf(one) == Refused(7) for one in asked))
        self.assertLessEqual(len(self.reactor.processes), 2 * MOST_STARTING)

    def test_others_before_the_same(self) -> None:
        """A name that holds workers waits for a name that holds none."""
        self.pool = self.start(Limits(workers=2))
        for user in ("bob", "bob", "bob", "alice"):
            self.ask(user)
        first = self.ready()[0]
        first.say({"done": 7})
        self.assertEqual(first.user, "alice")

    def test_words(self) -> None:
        """A worker is told where services are, and no secret, by its arguments."""
        self.pool = self.start(directory="/srv/pam.d")
        self.ask()
        self.assertEqual(self.reactor.words[1], "-I")
        self.assertTrue(self.reactor.words[2].endswith("gotwist/auth/pam/worker.py"))
        self.assertEqual(self.reactor.words[3:], ["/srv/pam.d"])


class TimeTests(PoolTestCase):
    def test_hanging(self) -> None:
        """A check without progress for 20 s is ended with its worker, and told to nobody else."""
        asked = self.ask()
        (process,) = self.ready()
        self.reactor.advance(19.9)
        self.assertFalse(process.is_killed)
        self.reactor.advance(0.2)
        self.assertTrue(process.is_killed)
        self.failureResultOf(asked, Unavailable)
        # What it says with its last breath counts no more.
        process.say({"done": 0, "account": None})
        process.end()
        self.assertEqual(self.pool.load, Load(0, 0, 0, 0, refused=0, lost=1))

    def test_waiting(self) -> None:
        """Who waits in the queue for 20 s is told to try again later."""
        self.pool = self.start(Limits(workers=1))
        self.ask()
        waiting = self.ask("bob")
        (process,) = self.ready()
        self.reactor.advance(15)
        process.say({"ask": [[True, "Code:"]], "said": []})
        self.reactor.advance(6)
        self.failureResultOf(waiting, Unavailable)
        self.assertEqual(self.pool.load.refused, 1)

    def test_a_person_is_no_delay(self) -> None:
        """While a person thinks the time of PAM stands still; then it begins anew."""
        asked = self.ask(converses=True)
        (process,) = self.ready()
        process.say({"ask": [[True, "Code:"]], "said": ["Welcome."]})
        step = self.successResultOf(asked)
        assert isinstance(step, Asked)
        self.assertEqual((step.prompts, step.messages), (((True, "Code:"),), ("Welcome.",)))
        self.reactor.advance(179)
        going_on = step.talk.answer(["123"])
        self.assertEqual(process.told[-1], {"do": "answer", "texts": ["123"]})
        self.reactor.advance(19)
        process.say({"done": 7})
        self.assertEqual(self.successResultOf(cast(Deferred[Outcome], going_on)), Refused(7))

    def test_a_person_who_does_not_answer(self) -> None:
        """After three minutes PAM hears that nobody answers, and the worker is free again."""
        asked = self.ask(converses=True)
        (process,) = self.ready()
        process.say({"ask": [[True, "Code:"]], "said": []})
        step = self.successResultOf(asked)
        assert isinstance(step, Asked)
        self.reactor.advance(181)
        self.assertEqual(process.told[-1], {"do": "cancel"})
        process.say({"done": 19})
        late = cast(Deferred[Outcome], step.talk.answer(["123"]))
        self.failureResultOf(late, Unavailable)
        self.ask("bob")
        self.assertEqual(process.user, "bob")

    def test_a_person_who_has_gone(self) -> None:
        """A question to somebody who has gone is answered with nothing at once."""
        asked = self.ask(converses=True)
        (process,) = self.ready()
        asked.addErrback(lambda _: None)
        asked.cancel()
        process.say({"ask": [[True, "Code:"]], "said": []})
        self.assertEqual(process.told[-1], {"do": "cancel"})

    def test_nothing_to_do(self) -> None:
        """A worker without work for a minute ends, and is not used any more."""
        self.ask()
        (process,) = self.ready()
        process.say({"done": 7})
        self.reactor.advance(59)
        self.ask()
        process.say({"done": 7})
        self.reactor.advance(59)
        self.assertFalse(process.is_retired)
        self.reactor.advance(2)
        self.assertTrue(process.is_retired)
        self.ask()
        self.assertEqual(len(self.reactor.processes), 2)

    def test_enough(self) -> None:
        """A worker that has done its share makes room for a fresh one."""
        for _ in range(MOST_CHECKS):
            self.ask()
            (process,) = self.ready()
            process.say({"done": 7})
        self.assertTrue(process.is_retired)
        self.ask()
        self.assertEqual(len(self.reactor.processes), 2)


class TroubleTests(PoolTestCase):
    def test_crash(self) -> None:
        """A worker that ends in the middle costs its check; the others go on."""
        first, second = self.ask(), self.ask("bob")
        self.ready()[0].end()
        self.failureResultOf(first, Unavailable)
        self.reactor.processes[1].say({"done": 7})
        self.assertEqual(self.successResultOf(second), Refused(7))

    def test_cannot_work(self) -> None:
        """A worker that cannot work at all says why, and the check has no answer."""
        asked = self.ask()
        (process,) = self.reactor.processes
        process.say({"failed": "No module named 'pam'"})
        process.end()
        self.failureResultOf(asked, Unavailable)

    def test_nonsense(self) -> None:
        """A worker that says what no worker says is ended, and its check has no answer."""
        for data in (
            b"\xff\xff\xff\xff",
            wire.render({}),
            wire.render({"done": "yes"}),
            wire.render({"done": 0, "account": {"name": "root"}}),
            wire.render({"done": 0, "account": []}),
            wire.render({"ask": 1, "said": []}),
            wire.render({"ask": [1], "said": []}),
        ):
            asked = self.ask()
            process = self.reactor.processes[-1]
            process.worker.outReceived(data)
            self.assertTrue(process.is_killed, data)
            process.end()
            self.failureResultOf(asked, Unavailable)

    def test_unasked(self) -> None:
        """A result that nobody asked for is nonsense, too, and is never taken for the next one."""
        self.ask()
        (process,) = self.ready()
        process.say({"done": 7})
        process.say({"done": 0, "account": None})
        self.assertTrue(process.is_killed)
        asked = self.ask("bob")
        process.end()
        self.assertNoResult(asked)
        self.assertEqual(self.reactor.processes[1].user, "bob")

    def test_stop(self) -> None:
        """A pool that stops ends everything, and waits until it has ended."""
        self.pool = self.start(Limits(workers=1))
        asked = [self.ask(), self.ask("bob")]
        (process,) = self.ready()
        stopped = cast(Deferred[object], self.pool.stopService())
        self.failureResultOf(asked[1], Unavailable)
        self.assertTrue(process.is_killed)
        self.assertNoResult(stopped)
        process.end()
        self.failureResultOf(asked[0], Unavailable)
        self.successResultOf(stopped)
        self.assertEqual(self.reactor.getDelayedCalls(), [])
