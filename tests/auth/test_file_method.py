"""Tests of the password file and of signing in by it."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from gotwist.auth.conversation import Proven, Step
from gotwist.auth.file_method import FileMethod
from gotwist.auth.password_file import (
    Entry,
    PasswordHash,
    hash_password,
    parse_entries,
    render_entries,
    verify,
)
from gotwist.auth.private_file import PrivateFile
from gotwist.errors import Denied, Malformed, Unavailable

T = TypeVar("T")

NAMES = st.from_regex(r"[a-z_][a-z0-9_]{0,20}", fullmatch=True)
HASHES = st.builds(
    PasswordHash,
    st.binary(min_size=16, max_size=32),
    st.binary(min_size=32, max_size=32),
    st.integers(14, 16),
    st.integers(1, 8),
    st.integers(1, 4),
)
ENTRIES = st.dictionaries(
    NAMES, st.builds(Entry, HASHES, st.lists(NAMES).map(tuple), st.booleans()), max_size=5
)
SECRET = hash_password("right")


class CodecTests(SynchronousTestCase):
    @given(ENTRIES)
    def test_round_trip(self, entries: dict[str, Entry]) -> None:
        """What is written is read back."""
        self.assertEqual(parse_entries(render_entries(entries)), entries)

    @given(st.text())
    def test_any_text(self, text: str) -> None:
        """Any text is users or a refusal."""
        try:
            parse_entries(text)
        except Malformed:
            pass

    def test_bad(self) -> None:
        """A hash that costs too little, or too much, is not taken, and nothing else either."""
        good = render_entries({"anna": Entry(SECRET)})
        self.assertEqual(set(parse_entries(good)), {"anna"})
        for old, new in (
            ("$15$", "$10$"),
            ("$15$", "$30$"),
            ("$8$", "$800$"),
            ("scrypt$", "plain$"),
            ('"anna"', '"../anna"'),
            ('"version": 1', '"version": 2'),
            ('"groups": []', '"groups": ["a b"]'),
            ('"locked": false', '"locked": 0'),
        ):
            self.assertIn(old, good)
            self.assertRaises(Malformed, parse_entries, good.replace(old, new))
        self.assertEqual(parse_entries(""), {})

    def test_nothing_is_shown(self) -> None:
        """A hash does not show itself."""
        self.assertNotIn("hash=b", repr(Entry(SECRET)))

    @settings(max_examples=2, deadline=None)
    @given(st.text(min_size=1, max_size=20))
    def test_hash(self, password: str) -> None:
        """A password matches its hash, another does not."""
        made = hash_password(password)
        self.assertTrue(made.matches(password))
        self.assertFalse(made.matches(password + "x"))

    def test_unknown_user_costs_the_same(self) -> None:
        """For an unknown user a hash of the same cost is computed."""
        costs: list[tuple[int, int, int]] = []

        class Counting(PasswordHash):
            def matches(self, password: str) -> bool:
                return False

        real = PasswordHash.matches

        def counted(made: PasswordHash, password: str) -> bool:
            costs.append((made.log_n, made.r, made.p))
            return real(made, password)

        self.patch(PasswordHash, "matches", counted)
        verify({"anna": Entry(SECRET)}, "anna", "wrong")
        verify({"anna": Entry(SECRET)}, "eve", "wrong")
        self.assertEqual(costs[0], costs[1])


class FileTests(SynchronousTestCase):
    def setUp(self) -> None:
        directory = Path(self.mktemp()).absolute()
        directory.mkdir(parents=True)
        self.file = PrivateFile(directory / "passwords.json", parse_entries, render_entries)
        self.told: list[str] = []
        self.askers: list[str] = []
        self.method = FileMethod(self.file, self.in_thread, self.told.append)

    async def in_thread(self, who: str, function: Callable[[], T], /) -> T:
        self.askers.append(who)
        return function()

    def write(self, **entries: Entry) -> None:
        with self.file.edited() as edit:
            edit.value = entries

    def start(self, user: str, password: str) -> Deferred[Step]:
        return Deferred.fromCoroutine(self.method.start(user, password, "192.0.2.1"))

    def test_right(self) -> None:
        """Name and password of the file sign in, with the groups that stand there."""
        self.write(anna=Entry(SECRET, ("staff", "ops")))
        step = self.successResultOf(self.start("anna", "right"))
        assert isinstance(step, Proven)
        self.assertEqual(
            (step.user.upn, step.user.method, step.user.groups), ("anna", "file", ("staff", "ops"))
        )

    def test_wrong(self) -> None:
        """A wrong password, a locked user and an unknown one are refused alike."""
        self.write(anna=Entry(SECRET), bob=Entry(SECRET, is_locked=True))
        for user, password in (("anna", "wrong"), ("bob", "right"), ("eve", "right")):
            self.failureResultOf(self.start(user, password), Denied)

    def test_no_file(self) -> None:
        """Without a file nobody is known."""
        self.failureResultOf(self.start("anna", "right"), Denied)

    def test_changes(self) -> None:
        """A change counts from the next sign-in on."""
        self.write(anna=Entry(SECRET))
        self.successResultOf(self.start("anna", "right"))
        self.write(anna=Entry(SECRET, is_locked=True))
        self.failureResultOf(self.start("anna", "right"), Denied)

    def test_open_to_others(self) -> None:
        """A file that others can read is not believed, and the operator is told."""
        self.write(anna=Entry(SECRET))
        os.chmod(self.file.path, 0o640)
        self.failureResultOf(self.start("anna", "right"), Unavailable)
        self.assertIn("chmod 600", self.told[0])

    def test_broken(self) -> None:
        """A broken file lets nobody in; neither does something that is no file."""
        self.write(anna=Entry(SECRET))
        self.file.path.write_text("{")
        self.failureResultOf(self.start("anna", "right"), Unavailable)
        self.file.path.unlink()
        os.mkfifo(self.file.path, 0o600)
        self.failureResultOf(self.start("anna", "right"), Unavailable)
        self.assertEqual(len(self.told), 2)

    def test_failed_edit(self) -> None:
        """An edit that fails leaves the file and no litter."""
        self.write(anna=Entry(SECRET))
        with self.assertRaises(ZeroDivisionError), self.file.edited() as edit:
            edit.value = {}
            raise ZeroDivisionError
        self.assertEqual(set(self.file.read()), {"anna"})
        self.assertEqual(os.listdir(self.file.path.parent), ["passwords.json"])
        self.assertEqual(self.file.path.stat().st_mode & 0o777, 0o600)

    def test_owner(self) -> None:
        """A file for another account is that account's, whoever edits it, and nobody else's."""
        me, other = os.geteuid(), os.geteuid() + 4711
        self.write(anna=Entry(SECRET))
        theirs = PrivateFile(self.file.path, parse_entries, render_entries, other)
        refused = self.assertRaises(Unavailable, theirs.read)
        self.assertIn(f"chown {other}", refused.message)
        owner = other if me == 0 else me
        self.file.path.unlink()
        given = PrivateFile(self.file.path, parse_entries, render_entries, owner)
        for _ in range(2):
            with given.edited() as edit:
                edit.value = {"anna": Entry(SECRET)}
            self.assertEqual(given.path.stat().st_uid, owner)
        self.assertEqual(set(given.read()), {"anna"})

    def test_in_turn(self) -> None:
        """Each network waits for its own guesses; of IPv6 that is a /64."""
        for peer in ("192.0.2.1", "2001:db8::1", "2001:db8::2"):
            work = self.method.start("anna", "right", peer)
            self.failureResultOf(Deferred.fromCoroutine(work), Denied)
        self.assertEqual(self.askers, ["192.0.2.1", "2001:db8::/64", "2001:db8::/64"])
