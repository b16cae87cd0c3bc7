"""Tests of HTTP Basic, by which scripts sign in."""

from __future__ import annotations

import base64

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gotwist.auth.credentials import PasswordCredentials
from gotwist.web.basic import parse_basic
from gotwist.web.ways import Ways
from tests.web.support import Answer, House, settings_with


def basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


class ParseTests(SynchronousTestCase):
    @given(st.text().filter(lambda name: ":" not in name), st.text())
    def test_round_trip(self, user: str, password: str) -> None:
        """Any name without a colon and any password can be sent."""
        try:
            value = basic(user, password)
        except UnicodeEncodeError:
            return
        expected = PasswordCredentials(user, password) if len(value) <= 4096 else None
        self.assertEqual(parse_basic(value), expected)

    @given(st.text())
    def test_anything(self, text: str) -> None:
        """Anything else is no credentials, and no error."""
        parse_basic(text)
        parse_basic(f"Basic {text}")

    def test_refused(self) -> None:
        """Other schemes, other encodings and endless ones are no credentials."""
        for value in ("", "Basic", "Bearer YTpi", "Basic YQ==", "Basic %", "Basic /w=="):
            self.assertIsNone(parse_basic(value))
        self.assertIsNone(parse_basic(basic("a", "x" * 4096)))
        self.assertEqual(parse_basic("basic YTpi"), PasswordCredentials("a", "b"))


class BasicTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.house = House(ways=Ways(has_form=True, basic_realm="the box"))

    def get(self, target: str, value: str = "", **headers: str) -> Answer:
        more = {"Authorization": value} if value else {}
        return self.house.ask(target, more=more | headers)

    def test_page(self) -> None:
        """A script gets the main page by name and password, and a cookie for the next time."""
        answer = self.get("/", basic("alice", "right"))
        self.assertEqual(answer.status, 200)
        self.assertIn("fresh-cookie", answer.header("set-cookie") or "")

    def test_wrong(self) -> None:
        """A wrong password is refused, and the script told what would be understood."""
        answer = self.get("/", basic("alice", "wrong"))
        self.assertEqual(answer.status, 401)
        self.assertEqual(
            answer.header("www-authenticate"), 'Basic realm="the box", charset="UTF-8"'
        )
        self.assertIsNone(answer.header("set-cookie"))

    def test_question(self) -> None:
        """A password that is not enough is refused: a script cannot be asked anything."""
        self.assertEqual(self.get("/", basic("alice", "half")).status, 401)
        self.assertEqual(self.house.desk.closed, 1)
        self.assertEqual(len(self.house.parts.questions), 0)

    def test_challenge(self) -> None:
        """Programs that ask at the sign-in address are told of Basic, browsers never."""
        self.assertIsNotNone(self.get("/auth").header("www-authenticate"))
        for headers in ({"Sec-Fetch-Mode": "navigate"}, {"Accept": "text/html,*/*"}):
            answer = self.get("/auth", **headers)
            self.assertEqual((answer.status, answer.header("www-authenticate")), (401, None))
        self.assertIsNone(self.get("/").header("www-authenticate"))

    def test_sign_in_address(self) -> None:
        """At the sign-in address the right password gives a cookie and the way on."""
        answer = self.get("/auth?next=/a", basic("alice", "right"))
        self.assertEqual((answer.status, answer.header("location")), (303, "/a"))
        self.assertIn("fresh-cookie", answer.header("set-cookie") or "")
        self.assertEqual(self.get("/auth", basic("alice", "no")).status, 401)

    def test_where_others_read_along(self) -> None:
        """On plain HTTP from another machine a password is not even looked at."""
        value = {"Authorization": basic("alice", "right")}
        answer = self.house.ask("/", peer="192.0.2.1", more=value)
        self.assertEqual((answer.status, self.house.desk.offered), (401, []))
        house = House(settings_with(trusted_proxies=("127.0.0.1",)), ways=Ways(basic_realm="x"))
        forwarded = {"X-Forwarded-For": "192.0.2.1", "X-Forwarded-Proto": "https"}
        self.assertEqual(house.ask("/", more=value | forwarded).status, 200)
        forwarded["X-Forwarded-Proto"] = "http"
        self.assertEqual(house.ask("/", more=value | forwarded).status, 401)

    def test_without_passwords(self) -> None:
        """Where no passwords are taken, Basic is not understood and not offered."""
        house = House()
        answer = house.ask("/", more={"Authorization": basic("alice", "right")})
        self.assertEqual((answer.status, answer.header("www-authenticate")), (401, None))
        self.assertEqual(house.desk.offered, [])

    def test_two_headers(self) -> None:
        """Two of them are none."""
        connection = self.house.connect()
        line = f"Authorization: {basic('alice', 'right')}\r\n"
        connection.send(f"GET / HTTP/1.1\r\nHost: localhost\r\n{line}{line}\r\n".encode())
        self.assertEqual(connection.answers()[0].status, 401)

    def test_too_many(self) -> None:
        """When nobody can judge the password now, the script learns that and nothing else."""
        self.assertEqual(self.get("/", basic("alice", "late")).status, 503)
