"""Tests of one-time tokens."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Coroutine
from datetime import UTC, datetime
from typing import Any, TypeVar

from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from gotwist.auth.tokens import (
    LAUNCH,
    TIME_FORMAT,
    WEB,
    MemoryTokenStore,
    is_token,
    mint_token,
    parse_record,
    parse_time,
    take_token,
)
from gotwist.errors import Denied, Malformed, Unavailable

T = TypeVar("T")
NOW = 1_795_500_000.0
KEY = "wstoken" + "0a" * 32


class AskedStore(MemoryTokenStore):
    """A store that counts what it is asked."""

    asked = 0

    async def take(self, token: str) -> str | None:
        self.asked += 1
        return await super().take(token)


class TokenCase(SynchronousTestCase):
    """A store whose clock the test turns."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.store = AskedStore(self.clock.seconds, limit=3)

    def run_now(self, work: Coroutine[Any, Any, T]) -> T:
        """The result of a coroutine that need not wait."""
        return self.successResultOf(Deferred.fromCoroutine(work))

    def refused(self, work: Coroutine[Any, Any, object]) -> str:
        """The text of its refusal."""
        failure = self.failureResultOf(Deferred.fromCoroutine(work), Denied)
        return str(failure.value)

    def put(self, record: object, token: str = KEY) -> None:
        """Leave a record as another program would."""
        text = record if isinstance(record, str) else json.dumps(record)
        self.run_now(self.store.mint(token, text, 600))


class TakeTests(TokenCase):
    """A token is good once, for its purpose, and for a short time."""

    def test_once(self) -> None:
        """Of a hundred uses of one token, one succeeds."""
        token = self.run_now(mint_token(self.store, "alice", WEB, NOW))
        self.assertTrue(is_token(token))
        taken = 0
        for _ in range(100):
            try:
                self.run_now(take_token(self.store, token, WEB, NOW + 1))
            except self.failureException:
                continue
            taken += 1
        self.assertEqual(taken, 1)

    def test_form(self) -> None:
        """Only what has the form of a token reaches the store."""
        bad = ["", "wstoken", KEY + "\n", KEY[:-1], KEY + "0", KEY.upper(), "session:1", " " + KEY]
        bad.append("wstoken" + "g" * 64)
        for token in bad:
            self.refused(take_token(self.store, token, WEB, NOW))
        self.assertEqual(self.store.asked, 0)
        self.refused(take_token(self.store, "wstoken" + "a" * 32, WEB, NOW))
        self.assertEqual(self.store.asked, 1)

    def test_age(self) -> None:
        """A web token is good from five seconds before its time until twenty after."""
        text = datetime.fromtimestamp(NOW, UTC).strftime(TIME_FORMAT)
        for shift, good in ((-5, True), (-6, False), (0, True), (20, True), (21, False)):
            self.put({"user": "alice", "time": text})
            work = take_token(self.store, KEY, WEB, NOW + shift)
            if good:
                self.assertEqual(self.run_now(work).user, "alice")
            else:
                self.refused(work)

    def test_purpose(self) -> None:
        """The launch link lives longer, and is no web token; nor the other way round."""
        launch = self.run_now(mint_token(self.store, "alice", LAUNCH, NOW))
        self.assertEqual(
            self.run_now(take_token(self.store, launch, LAUNCH, NOW + 500)).user, "alice"
        )
        for minted, presented in ((LAUNCH, WEB), (WEB, LAUNCH), (WEB, "other")):
            token = self.run_now(mint_token(self.store, "alice", minted, NOW))
            self.refused(take_token(self.store, token, presented, NOW))

    def test_refusals_are_alike(self) -> None:
        """A refusal does not tell why, and the token is gone."""
        texts = {self.refused(take_token(self.store, KEY, WEB, NOW))}
        good = {"user": "alice", "time": NOW}
        for record in (
            "nonsense",
            "[1]",
            "[" * 1000,
            {"user": 7, "time": NOW},
            {"user": "../x", "time": NOW},
            {"user": "alice"},
            {"user": "alice", "time": "yesterday"},
            {"user": "alice", "time": True},
            {**good, "purpose": 1},
            {**good, "more": "x" * 1024},
        ):
            self.put(record)
            texts.add(self.refused(take_token(self.store, KEY, WEB, NOW)))
            self.assertEqual(len(self.store), 0)
        self.assertEqual(len(texts), 1)

    def test_times(self) -> None:
        """Times are read in three forms."""
        for value in (NOW, int(NOW), str(int(NOW)), "2026-11-24T06:00:00Z", "24:11:2026:06:00:00"):
            self.assertEqual(parse_time(value), NOW, value)
        self.assertEqual(parse_time("2026-11-24T06:00:00"), NOW)
        values: list[object] = [
            None,
            [],
            "",
            "24-11-2026",
            "99:99:2026:00:00:00",
            float("nan"),
            -1,
            1e300,
        ]
        for bad in values:
            with self.assertRaises(Malformed):
                parse_time(bad)

    @given(st.text(max_size=60) | st.binary(max_size=40).map(repr))
    def test_anything(self, text: str) -> None:
        """Any text is a record or a refusal, nothing else."""
        with contextlib.suppress(Malformed):
            parse_record(text)


class MemoryStoreTests(TokenCase):
    """The memory store keeps what it must, and no more."""

    def test_bounded(self) -> None:
        """A full store refuses, and takes again when tokens have expired."""
        for number in range(3):
            self.run_now(self.store.mint(f"t{number}", "{}", 20))
        self.failureResultOf(Deferred.fromCoroutine(self.store.mint("t3", "{}", 20)), Unavailable)
        self.clock.advance(21)
        self.assertEqual(len(self.store.expired(self.clock.seconds())), 3)
        self.run_now(self.store.mint("t3", "{}", 20))
        self.assertEqual(len(self.store), 1)

    def test_expiry(self) -> None:
        """What has expired cannot be taken, swept or not."""
        self.run_now(self.store.mint("t", "{}", 20))
        self.clock.advance(20)
        self.assertIsNone(self.run_now(self.store.take("t")))
        self.run_now(self.store.mint("t", "{}", 20))
        self.clock.advance(20)
        self.assertEqual(self.store.forget_expired(), 1)

    def test_no_replacing(self) -> None:
        """A token that waits is not replaced."""
        self.run_now(self.store.mint("t", "{}", 20))
        self.failureResultOf(Deferred.fromCoroutine(self.store.mint("t", "{}", 20)), Unavailable)
