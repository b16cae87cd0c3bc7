"""Tests of the second factor."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock, deferLater
from twisted.trial.unittest import SynchronousTestCase

from gotwist.auth.attempts import Attempts
from gotwist.auth.conversation import Asking, Proven, Step
from gotwist.auth.guard import Guard, TooManyFailures
from gotwist.auth.private_file import PrivateFile
from gotwist.auth.totp import (
    Totp,
    new_secret,
    otpauth_uri,
    parse_secrets,
    parse_used,
    render_secrets,
    render_used,
)
from gotwist.auth.user import User
from gotwist.errors import Denied, Malformed, Unavailable
from gotwist.tap.second_factor import make_code

T = TypeVar("T")

HERE = "192.0.2.1"
SECRET = b"12345678901234567890"


class CodecTests(SynchronousTestCase):
    @given(
        st.dictionaries(
            st.from_regex(r"[a-z]{1,9}", fullmatch=True), st.binary(min_size=16, max_size=64)
        )
    )
    def test_round_trip(self, secrets: dict[str, bytes]) -> None:
        """What is written is read back."""
        self.assertEqual(parse_secrets(render_secrets(secrets)), secrets)

    @given(st.text())
    def test_any_text(self, text: str) -> None:
        """Any text is secrets or a refusal; the same for used codes."""
        for parse in (parse_secrets, parse_used):
            try:
                parse(text)
            except Malformed:
                pass

    def test_bad(self) -> None:
        """A secret that is too short or no Base32 is not taken."""
        for secret in ("ABCD", "1" * 32, ""):
            text = f'{{"version": 1, "secrets": {{"anna": "{secret}"}}}}'
            self.assertRaises(Malformed, parse_secrets, text)

    def test_uri(self) -> None:
        """A new secret is long, and written as authenticator apps read it."""
        self.assertEqual(len(new_secret()), 20)
        self.assertEqual(
            otpauth_uri(SECRET, "anna@x", "got wist"),
            "otpauth://totp/got%20wist:anna%40x"
            "?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=got%20wist",
        )

    def test_vectors(self) -> None:
        """The codes are those of RFC 6238 (their last six digits)."""
        for at_s, code in ((59, "287082"), (1111111109, "081804"), (20000000000, "353130")):
            self.assertEqual(make_code(SECRET, at_s), code)


class TotpTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.clock.advance(1_795_500_000)
        self.directory = Path(self.mktemp()).absolute()
        self.directory.mkdir(parents=True)
        self.file = PrivateFile(self.directory / "totp.json", parse_secrets, render_secrets)
        with self.file.edited() as edit:
            edit.value = {"anna": SECRET}
        self.setting = "optional"
        self.told: list[str] = []
        self.totp = self.make()

    def make(self) -> Totp:
        guard = Guard(
            Attempts(), self.clock.seconds, lambda delay_s: deferLater(self.clock, delay_s)
        )
        made = Totp(
            self.file,
            PrivateFile(self.directory / "used.json", parse_used, render_used),
            make_code,
            lambda user: self.setting,
            guard,
            self.clock.seconds,
            self.in_thread,
            self.told.append,
        )
        made.load()
        return made

    async def in_thread(self, function: Callable[[], T], /) -> T:
        return function()

    def prove(self, upn: str = "anna") -> Deferred[Step]:
        return Deferred.fromCoroutine(self.totp(Proven(User(upn, "api")), HERE))

    def ask(self) -> Asking:
        step = self.successResultOf(self.prove())
        assert isinstance(step, Asking)
        return step

    def answer(self, *texts: str) -> Deferred[Step]:
        async def run() -> Step:
            return await asking.conversation.answer(texts)

        asking = self.ask()
        return Deferred.fromCoroutine(run())

    def refuse(self, *texts: str) -> None:
        waiting = self.answer(*texts)
        self.clock.advance(31)
        self.failureResultOf(waiting, Denied)

    def code(self, steps: int = 0) -> str:
        return make_code(SECRET, int(self.clock.seconds()) + 30 * steps)

    def test_right(self) -> None:
        """The code of now, of one step before and of one step after are right."""
        for steps in (-1, 0, 1):
            self.totp = self.make()
            step = self.successResultOf(self.answer(self.code(steps)))
            assert isinstance(step, Proven)
            self.clock.advance(120)

    def test_as_shown(self) -> None:
        """A code may be typed with the space that apps show."""
        code = self.code()
        self.successResultOf(self.answer(f" {code[:3]} {code[3:]} "))

    def test_wrong(self) -> None:
        """Older and later codes, other texts and other numbers of answers are wrong."""
        late, early, now = self.code(-2), self.code(2), self.code()
        for texts in ((late,), (early,), ("",), ("äöü123",), (now, "x"), ()):
            waiting = self.answer(*texts)
            self.clock.advance(2)
            self.failureResultOf(waiting, Denied)
            self.totp = self.make()

    def test_no_code_twice(self) -> None:
        """A code that was right once is wrong afterwards, after a restart as well."""
        code = self.code()
        self.successResultOf(self.answer(code))
        waiting = self.answer(code)
        self.totp = self.make()
        again = self.answer(code)
        self.clock.advance(5)
        self.failureResultOf(waiting, Denied)
        self.failureResultOf(again, Denied)
        self.clock.advance(30)
        self.successResultOf(self.answer(self.code()))

    def test_settings(self) -> None:
        """Off asks nobody, optional who has a secret; required refuses who has none."""
        self.setting = "off"
        self.assertIsInstance(self.successResultOf(self.prove()), Proven)
        self.setting = "optional"
        self.assertIsInstance(self.successResultOf(self.prove("bob")), Proven)
        self.setting = "required"
        self.ask()
        self.failureResultOf(self.prove("bob"), Denied)
        self.assertIn("bob", self.told[0])

    def test_guessing(self) -> None:
        """Codes cannot be guessed: after some failures the address is not heard any more."""
        for _ in range(20):
            waiting = self.answer("000000")
            waiting.addErrback(lambda _: None)
        self.failureResultOf(self.prove(), TooManyFailures)
        self.clock.advance(31)

    def test_broken_file(self) -> None:
        """When the secrets cannot be read, the first factor alone lets nobody in."""
        self.file.path.chmod(0o644)
        self.failureResultOf(self.prove(), Unavailable)
        self.failureResultOf(self.prove("bob"), Unavailable)
        self.setting = "off"
        self.assertIsInstance(self.successResultOf(self.prove()), Proven)

    def test_nothing_is_shown(self) -> None:
        """The question does not show the secret."""
        self.assertNotIn("12345", repr(self.ask()))
