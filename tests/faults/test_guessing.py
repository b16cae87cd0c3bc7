"""Attacks on passwords: guessing, finding names by time or text, keeping others out."""

from __future__ import annotations

import base64
import http.client
import statistics
import time
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from urllib.parse import urlencode

from twisted.trial.unittest import SynchronousTestCase

from tests.integration.daemon import Daemon

PASSWORD = "correct horse"


@dataclass(frozen=True)
class Told:
    """The answer to a guess, and how long it took."""

    status: int
    body: bytes
    cookie: str
    seconds: float


class GuessingTests(SynchronousTestCase):
    def start(self, *options: str) -> Daemon:
        daemon = Daemon("--auth=file", *options, plain=True)
        self.addCleanup(daemon.close)
        done = daemon.run("passwd", "anna", given=f"{PASSWORD}\n".encode())
        self.assertEqual(done.returncode, 0, done.stderr)
        return daemon.start()

    def guess(
        self, daemon: Daemon, user: str, password: str, source: str = "", *, basic: bool = False
    ) -> Told:
        """Try a password, by the form or by Basic, from an address of loopback."""
        began = time.monotonic()
        line = http.client.HTTPConnection(
            "127.0.0.1", daemon.port, timeout=40, source_address=(source or "127.0.0.1", 0)
        )
        headers = {"Sec-Fetch-Site": "same-origin"}
        try:
            if basic:
                both = base64.b64encode(f"{user}:{password}".encode()).decode()
                line.request("GET", "/", headers=headers | {"Authorization": f"Basic {both}"})
            else:
                body = urlencode({"user": user, "password": password})
                line.request("POST", "/auth", body, headers)
            answer = line.getresponse()
            got = answer.read()
            cookie = (answer.getheader("set-cookie") or "").partition(";")[0]
            return Told(answer.status, got, cookie, time.monotonic() - began)
        finally:
            line.close()

    def test_brute_force(self) -> None:
        """Many guesses at once get no further than the limit, and hold nobody else up."""
        daemon = self.start()
        with ThreadPoolExecutor(40) as pool:
            guesses: list[Future[Told]] = [
                pool.submit(self.guess, daemon, f"user{n}", f"p{n}", basic=n % 2 == 0)
                for n in range(40)
            ]
            time.sleep(0.3)
            right = self.guess(daemon, "anna", PASSWORD, "127.0.0.2")
            told = [guess.result() for guess in guesses]
        self.assertEqual((right.status, right.cookie[:8]), (303, "gotwist="))
        self.assertLess(right.seconds, 5.0)
        self.assertEqual(sorted(one.status for one in told), [401] * 20 + [429] * 20)
        refused = self.guess(daemon, "anna", PASSWORD)
        self.assertEqual((refused.status, refused.cookie), (429, ""))
        self.assertIn(b"Too many", refused.body)
        log = daemon.log.read_text()
        self.assertNotIn("p39", log)

    def test_name_is_never_locked(self) -> None:
        """Guessing somebody's password slows the guesser down, and never its owner."""
        daemon = self.start("--auth_max_failures=2")
        told = [self.guess(daemon, "anna", "wrong") for _ in range(4)]
        self.assertGreater(told[3].seconds, 4.0)
        self.assertLess(told[1].seconds, 3.0)
        right = self.guess(daemon, "anna", PASSWORD, "127.0.0.2")
        self.assertEqual(right.status, 303)
        # A success from the guesser's own address counts, and clears.
        self.assertEqual(self.guess(daemon, "anna", PASSWORD).status, 303)
        self.assertLess(self.guess(daemon, "anna", "wrong").seconds, 3.0)

    def test_names_cannot_be_found(self) -> None:
        """Unknown name, wrong password and impossible name: one answer and one duration."""
        daemon = self.start("--auth_max_failures=1000", "--auth_max_failures_per_address=1000")
        names = ("anna", "nobody", "some-one.else")
        # In turn, so that whatever else the machine does slows all of them down alike.
        with ThreadPoolExecutor(6) as pool:
            told = list(pool.map(lambda name: self.guess(daemon, name, "wrong"), names * 18))
        self.assertEqual(len({(one.status, one.body) for one in told}), 1)
        medians = [statistics.median(one.seconds for one in told[n::3]) for n in range(3)]
        self.assertLess(max(medians) - min(medians), max(0.35, 0.3 * min(medians)), medians)
        self.assertGreaterEqual(min(one.seconds for one in told), 1.0)
