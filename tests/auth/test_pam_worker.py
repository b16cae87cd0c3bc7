"""The PAM worker's side: what is answered to which prompt, and what travels over its pipes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gotwist.auth.pam import wire
from gotwist.auth.pam.checks import Accepted, Account, Check, Refused, parse_done
from gotwist.auth.pam.jobs import Job, Limits, has_room, next_job
from gotwist.auth.pam.library import clean
from gotwist.auth.pam.worker import Person, Pipe, account, has_service

HIDDEN, SHOWN, ERROR, INFO = 1, 2, 3, 4


class PersonTests(SynchronousTestCase):
    def setUp(self) -> None:
        to_worker, from_worker = os.pipe(), os.pipe()
        for number in (*to_worker, *from_worker):
            self.addCleanup(os.close, number)
        self.pipe = Pipe(to_worker[0], from_worker[1])
        self.daemon = Pipe(from_worker[0], to_worker[1])

    def test_password_once(self) -> None:
        """The password goes to the first hidden prompt, and to no other."""
        person = Person(self.pipe, "sesame", converses=False)
        self.assertEqual(person.talk([(HIDDEN, "Password: ")]), ["sesame"])
        self.assertIsNone(person.talk([(HIDDEN, "Code: ")]))

    def test_never_in_the_open(self) -> None:
        """A prompt whose answer is shown, or several at once, never get the password."""
        for prompts in ([(SHOWN, "Name: ")], [(HIDDEN, "Password: "), (HIDDEN, "Code: ")]):
            person = Person(self.pipe, "sesame", converses=False)
            self.assertIsNone(person.talk(prompts))

    def test_messages(self) -> None:
        """What is only said needs no answer, and is told with the next question."""
        person = Person(self.pipe, "sesame", converses=True)
        said = [(INFO, "Welcome\x1b[31m"), (HIDDEN, "Password: "), (ERROR, "Expired.")]
        self.assertEqual(person.talk(said), [None, "sesame", None])
        self.assertEqual(person.talk([(INFO, "More.")]), [None])
        self.daemon.send({"do": "answer", "texts": ["123", "new"]})
        self.assertEqual(
            person.talk([(SHOWN, "Code: "), (INFO, "And"), (HIDDEN, "New: ")]),
            ["123", None, "new"],
        )
        self.assertEqual(
            self.daemon.receive(),
            {
                "ask": [[False, "Code:"], [True, "New:"]],
                "said": ["Welcome[31m", "Expired.", "More.", "And"],
            },
        )

    def test_no_answer(self) -> None:
        """A person who gives up, or answers another number of prompts, has answered none."""
        messages: list[wire.Message] = [{"do": "cancel"}, {"do": "answer", "texts": []}]
        for message in messages:
            person = Person(self.pipe, "sesame", converses=True)
            self.daemon.send(message)
            self.assertIsNone(person.talk([(SHOWN, "Code: ")]))


class ImportTests(SynchronousTestCase):
    def test_little(self) -> None:
        """A worker loads PAM and next to nothing else: the less, the sooner it is there."""
        root = str(Path(__file__).resolve().parents[2])
        code = (
            f"import sys; sys.path.append({root!r}); import gotwist.auth.pam.worker; "
            "print(*sys.modules)"
        )
        loaded = subprocess.check_output([sys.executable, "-I", "-c", code], text=True).split()
        self.assertIn("pam", loaded)
        for name in ("twisted", "logging", "dataclasses", "asyncio", "socket", "msgspec"):
            self.assertNotIn(name, loaded)


class LookupTests(SynchronousTestCase):
    def test_account(self) -> None:
        """What the machine knows of an account: name, uid, groups; or nothing at all."""
        root = account("root")
        self.assertEqual((root["name"], root["uid"]), ("root", 0))
        self.assertIn("root", str(root["groups"]))
        nobody: wire.Message = {"name": "no-such-user", "uid": None, "groups": [], "attributes": {}}
        self.assertEqual(account("no-such-user"), nobody)
        self.assertEqual(
            parse_done({"done": 0, "account": nobody}), Accepted(Account("no-such-user"))
        )

    def test_service_files(self) -> None:
        """Only a service with a file of its own exists."""
        self.assertTrue(has_service("passwd", "/etc"))
        self.assertFalse(has_service("no-such-service", None))
        self.assertFalse(has_service("", "/etc"))

    def test_clean(self) -> None:
        """What modules say is shown without what could do something to a terminal or a log."""
        self.assertEqual(clean(" a\x1b]0;x\x07b\u202ec\n"), "a]0;xbc")
        self.assertEqual(len(clean("x" * 5000)), 512)


class TurnTests(SynchronousTestCase):
    def jobs(self, *names: str) -> list[Job]:
        return [Job(Check(name, "x", "login", f"192.0.2.{len(name)}")) for name in names]

    def test_turns(self) -> None:
        """First come, first served, among those whose users hold the fewest workers."""
        queue = self.jobs("al", "al", "bob")
        busy = [job.check for job in queue]
        self.assertIs(next_job(queue, [], Limits()), queue[0])
        self.assertIs(next_job(queue, busy[:1], Limits()), queue[2])
        self.assertIs(next_job(queue[:1], busy[:1], Limits(per_user=1)), None)

    def test_addresses(self) -> None:
        """One address holds a part of the workers only; this machine itself is none."""
        queue = self.jobs("bob")
        busy = [Check("eve", "x", "login", "192.0.2.3")]
        self.assertIs(next_job(queue, busy, Limits(per_address=1)), None)
        local = [Job(Check("bob", "x", "login"))]
        others = [Check("eve", "x", "login")] * 9
        self.assertIs(next_job(local, others, Limits(per_address=1)), local[0])

    def test_room(self) -> None:
        """The queue has an end, and one name may fill a quarter of it."""
        limits = Limits(queue=8)
        alice = self.jobs("alice", "alice")
        self.assertFalse(has_room(alice, alice[0].check, limits))
        self.assertTrue(has_room(alice, self.jobs("bob")[0].check, limits))
        full = self.jobs(*"abcdefgh")
        self.assertFalse(has_room(full, self.jobs("bob")[0].check, limits))


class WireTests(SynchronousTestCase):
    messages = st.lists(
        st.dictionaries(st.text(max_size=10), st.text(max_size=50) | st.integers(), max_size=4),
        max_size=4,
    )

    @given(messages, st.data())
    def test_round_trip(self, messages: list[wire.Message], data: st.DataObject) -> None:
        """Whatever is said arrives, whatever the pieces."""
        stream = b"".join(map(wire.render, messages))
        cut = data.draw(st.integers(0, len(stream)))
        splitter = wire.Splitter()
        self.assertEqual(splitter.feed(stream[:cut]) + splitter.feed(stream[cut:]), messages)

    @given(st.binary(max_size=64))
    def test_any_bytes(self, data: bytes) -> None:
        """Any bytes are messages, the beginning of one, or odd; and nothing else."""
        try:
            wire.Splitter().feed(data)
        except wire.Odd:
            pass

    def test_bounds(self) -> None:
        """A message has an end, on both sides."""
        self.assertRaises(wire.Odd, wire.render, {"x": "y" * wire.MAX_MESSAGE})
        self.assertRaises(wire.Odd, wire.Splitter().feed, b"\x00\x01\x00\x01")
        self.assertRaises(wire.Odd, wire.Splitter().feed, b"\x00\x00\x00\x02[]")

    def test_done(self) -> None:
        """A result is a number, and an account when it is a yes; nothing else counts as one."""
        self.assertEqual(parse_done({"done": 7}), Refused(7))
        for message in ({"done": 0}, {"done": True}, {"done": "0"}, {}):
            self.assertRaises(wire.Odd, parse_done, message)
