"""The pool of PAM workers with real workers and a real libpam."""

from __future__ import annotations

import os
import signal
from typing import cast

from twisted.internet import reactor as installed
from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.task import Clock, deferLater
from twisted.trial.unittest import SynchronousTestCase, TestCase

from gotwist.auth.pam.checks import Accepted, Asked, Check, Outcome, Refused
from gotwist.auth.pam.jobs import Limits, Load
from gotwist.auth.pam.service import IWorkersReactor, PamWorkers
from gotwist.errors import Unavailable
from tests.auth.support import NO_MATRIX, PamDirectory

reactor = cast(IWorkersReactor, installed)


class WorkersTestCase(TestCase):
    timeout = 60

    def setUp(self) -> None:
        self.pam = PamDirectory(self)
        self.workers = self.start()

    def start(self, limits: Limits | None = None) -> PamWorkers:
        """A pool that ends with the test."""
        pool = PamWorkers(reactor, limits, directory=str(self.pam.path))
        pool.startService()
        self.addCleanup(pool.stopService)
        return pool

    def ask(
        self, password: str, *, user: str = "alice", service: str = "house", converses: bool = False
    ) -> Deferred[Outcome]:
        check = Check(user, password, service, converses=converses)
        return self.workers.check(check)

    async def fails(self, awaited: Deferred[Outcome]) -> str:
        try:
            await awaited
        except Unavailable as problem:
            return problem.message
        raise AssertionError("it was judged")


class BareReactor(Clock):
    """A reactor that can start no process."""

    def spawnProcess(self, *arguments: object, **more: object) -> None:
        raise OSError(11, "Resource temporarily unavailable")


class StartTests(SynchronousTestCase):
    def test_no_more_processes(self) -> None:
        """Where no process can be started nobody waits, and the next one is tried again."""
        pool = PamWorkers(cast(IWorkersReactor, BareReactor()))
        pool.startService()
        for number in (1, 2):
            failure = self.failureResultOf(pool.check(Check("alice", "x", "login")), Unavailable)
            self.assertIn("try again later", failure.value.message)
            self.assertEqual(pool.load, Load(0, 0, 0, 0, 0, 0), number)

    def test_not_running(self) -> None:
        """A pool that does not run checks nothing."""
        pool = PamWorkers(cast(IWorkersReactor, BareReactor()))
        self.failureResultOf(pool.check(Check("alice", "x", "login")), Unavailable)
        self.assertEqual(pool.load.refused, 1)


class MatrixTests(WorkersTestCase):
    """Users known to pam_matrix."""

    skip = NO_MATRIX

    def setUp(self) -> None:
        super().setUp()
        self.pam.write_matrix("house", {"alice": "sesame"})

    async def test_passwords(self) -> None:
        """The right password is accepted; a wrong one, an unknown user, no password are not."""
        right = await self.ask("sesame")
        assert isinstance(right, Accepted)
        self.assertEqual((right.account.name, right.account.uid), ("alice", None))
        for user, password in (("alice", "Sesame"), ("bob", "sesame"), ("alice", "")):
            self.assertIsInstance(await self.ask(password, user=user), Refused)

    async def test_fallback(self) -> None:
        """A service without a file is refused, though libpam would fall back to "other"."""
        for service in ("nowhere", "../house", "house.passwords/x"):
            self.assertIsInstance(await self.ask("sesame", service=service), Refused, service)
        self.assertIsInstance(await self.ask("x", service="other"), Accepted)

    async def test_reused(self) -> None:
        """One worker checks one password after the other."""
        pids = set()
        for _ in range(5):
            await self.ask("sesame")
            pids |= {worker.transport.pid for worker in self.workers._workers}  # type: ignore[union-attr]
        self.assertEqual(len(pids), 1)

    async def test_nothing_to_read(self) -> None:
        """A worker shows no secret in its arguments and environment, and others cannot trace it."""
        await self.ask("sesame")
        (worker,) = self.workers._workers
        pid = worker.transport.pid  # type: ignore[union-attr]
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            self.assertNotIn(b"sesame", file.read())
        self.assertEqual(os.stat(f"/proc/{pid}/mem").st_uid, 0)

    async def test_second_factor_is_asked(self) -> None:
        """An expired password is changed prompt by prompt, and the new one counts then."""
        self.pam.write_matrix("old", {"alice": "sesame"}, "account required pam_debug.so "
                              "acct=new_authtok_reqd")  # fmt: skip
        step = await self.ask("sesame", service="old", converses=True)
        asked = []
        while isinstance(step, Asked):
            asked += [text for _, text in step.prompts]
            self.assertTrue(all(hidden for hidden, _ in step.prompts))
            answers = ["sesame" if "Old" in text else "parsley" for _, text in step.prompts]
            step = await step.talk.answer(answers)
        self.assertIsInstance(step, Accepted)
        self.assertGreaterEqual(len(asked), 2, asked)
        passwords = (self.pam.path / "old.passwords").read_text()
        self.assertEqual(passwords, "alice:parsley:old\n")

    async def test_nobody_to_ask(self) -> None:
        """Where nobody can be asked an expired password is refused, and stays."""
        self.pam.write_matrix("old", {"alice": "sesame"}, "account required pam_debug.so "
                              "acct=new_authtok_reqd")  # fmt: skip
        self.assertEqual(await self.ask("sesame", service="old"), Refused(12))
        self.assertIn("sesame", (self.pam.path / "old.passwords").read_text())

    async def test_given_up(self) -> None:
        """A person who goes away in the middle sets the worker free, and changes nothing."""
        self.workers = self.start(Limits(workers=1, waiting=1))
        self.pam.write_matrix("old", {"alice": "sesame"}, "account required pam_debug.so "
                              "acct=new_authtok_reqd")  # fmt: skip
        step = await self.ask("sesame", service="old", converses=True)
        assert isinstance(step, Asked)
        step.talk.close()
        self.assertIsInstance(await self.ask("sesame"), Accepted)
        self.assertIn("too long", await self.fails(step.talk.answer(["x"])))  # type: ignore[arg-type]

    async def test_too_late(self) -> None:
        """A person who takes too long has to begin anew."""
        self.workers = self.start(Limits(person_s=0.05))
        self.pam.write_matrix("old", {"alice": "sesame"}, "account required pam_debug.so "
                              "acct=new_authtok_reqd")  # fmt: skip
        step = await self.ask("sesame", service="old", converses=True)
        assert isinstance(step, Asked)
        await deferLater(reactor, 0.2)
        self.assertIn("too long", await self.fails(step.talk.answer(["x"])))  # type: ignore[arg-type]

    async def test_room_for_others(self) -> None:
        """People who think hold a part of the workers only: the longest one gives way."""
        self.workers = self.start(Limits(workers=2, waiting=1))
        self.pam.write_matrix("old", {"alice": "sesame"}, "account required pam_debug.so "
                              "acct=new_authtok_reqd")  # fmt: skip
        first = await self.ask("sesame", service="old", converses=True)
        second = await self.ask("sesame", service="old", converses=True)
        assert isinstance(first, Asked) and isinstance(second, Asked)
        await self.fails(first.talk.answer(["sesame"]))  # type: ignore[arg-type]
        self.assertIsInstance(await second.talk.answer(["sesame"]), Asked)


class ScriptTests(WorkersTestCase):
    """What PAM is told, and what goes wrong inside of it."""

    async def test_items(self) -> None:
        """PAM is told who asks from where, and no module finds this process's environment."""
        self.pam.write_script("house", 'env | grep -v ^PWD >"${0%.sh}.seen"')
        await self.workers.check(Check("alice", "x", "house", rhost="192.0.2.1"))
        seen = dict(
            line.split("=", 1) for line in (self.pam.path / "house.seen").read_text().splitlines()
        )
        told = {name: text for name, text in seen.items() if name.startswith("PAM_")}
        self.assertEqual(
            told,
            {
                "PAM_USER": "alice",
                "PAM_SERVICE": "house",
                "PAM_RHOST": "192.0.2.1",
                "PAM_TTY": "gotwist",
                "PAM_TYPE": "auth",
            },
        )
        self.assertEqual(set(seen) - set(told) - {"_", "SHLVL"}, set())

    async def test_crash(self) -> None:
        """A module that crashes costs one check: the next is judged, by a fresh worker."""
        self.pam.write_script("house", '[ "$password" = crash ] && kill -SEGV $PPID; exit 0')
        message = await self.fails(self.ask("crash"))
        self.assertIn("try again later", message)
        self.assertIsInstance(await self.ask("sesame"), Accepted)
        self.assertEqual(self.workers.load, Load(1, 0, 0, 0, refused=0, lost=1))

    async def test_hang(self) -> None:
        """A module that hangs is ended after a time, and nobody else waits for it."""
        self.workers = self.start(Limits(patience_s=5))
        self.pam.write_script("house", '[ "$password" = hang ] && exec sleep 50; exit 0')
        hanging = self.ask("hang", user="bob")
        self.assertIsInstance(await self.ask("sesame"), Accepted)
        self.assertFalse(hanging.called)
        await self.fails(hanging)
        self.assertIsInstance(await self.ask("sesame"), Accepted)

    async def test_fairness(self) -> None:
        """Whoever tries one name again and again holds a part of the workers only."""
        self.workers = self.start(Limits(workers=4, per_user=2))
        self.pam.write_script("house", '[ "$password" = good ] && exit 0; sleep 2; exit 1')
        bad = [self.ask("bad", user="bob") for _ in range(4)]
        self.assertIsInstance(await self.ask("good"), Accepted)
        self.assertFalse(any(one.called for one in bad))
        for one in await gatherResults(bad):
            self.assertIsInstance(one, Refused)

    async def test_full(self) -> None:
        """When the queue is full the next is told to try again later, at once."""
        self.workers = self.start(Limits(workers=1, queue=8))
        self.pam.write_script("house", "sleep 0.2; exit 0")
        busy = [self.ask("x", user=f"u{number}") for number in range(9)]
        self.assertEqual(self.workers.load, Load(1, 1, 0, queued=8, refused=0, lost=0))
        self.assertIn("try again later", await self.fails(self.ask("x")))
        self.assertEqual(self.workers.load.refused, 1)
        for one in await gatherResults(busy):
            self.assertIsInstance(one, Accepted)

    async def test_withdrawn(self) -> None:
        """Whoever goes away before a check has begun is forgotten."""
        self.workers = self.start(Limits(workers=1))
        self.pam.write_script("house", 'echo "$password" >>"${0%.sh}.seen"')
        first, second = self.ask("one"), self.ask("two")
        second.addErrback(lambda _: None)
        second.cancel()
        await first
        await self.ask("three")
        self.assertEqual((self.pam.path / "house.seen").read_text(), "one\nthree\n")

    async def test_stopped(self) -> None:
        """A pool that stops ends its workers and judges nothing more."""
        self.pam.write_script("house", "exec sleep 50")
        waiting = self.ask("x")
        (worker,) = self.workers._workers
        pid = worker.transport.pid  # type: ignore[union-attr]
        stopped = self.workers.stopService()
        await self.fails(waiting)
        await stopped  # type: ignore[misc]
        self.assertRaises(ProcessLookupError, os.kill, pid, signal.SIGCONT)
        await self.fails(self.ask("x"))

    async def test_idle(self) -> None:
        """A worker that nobody needs ends after a while."""
        self.workers = self.start(Limits(idle_s=0.05))
        self.pam.write_script("house", "exit 0")
        await self.ask("x")
        (worker,) = self.workers._workers
        await worker.ended
        self.assertEqual(self.workers._workers, [])
        self.assertIsInstance(await self.ask("x"), Accepted)
