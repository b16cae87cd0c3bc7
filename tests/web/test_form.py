"""Tests of the sign-in page, its form, and the questions that may follow."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from gotwist.web.signin import SignInLink
from gotwist.web.ways import Ways
from tests.web.support import Answer, House

FORM = Ways(has_form=True, links=(SignInLink("Sign in with <Example>", "auth/example"),))
OURS = {"Sec-Fetch-Site": "same-origin"}


class FormTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.house = House(ways=FORM)
        self.desk = self.house.desk

    def post(self, body: bytes, **headers: str) -> Answer:
        """Send a form as the page does."""
        return self.house.ask("/auth", "POST", body=body, more={**OURS, **headers})

    def cookies(self, answer: Answer) -> dict[str, str]:
        lines = answer.headers.get("set-cookie", [])
        return dict(line.split(";")[0].split("=", 1) for line in lines)

    def test_page(self) -> None:
        """A stranger sees a form that password managers know, and the other ways that are on."""
        page = self.house.ask("/")
        text = page.body.decode()
        self.assertEqual(page.status, 401)
        self.assertIsNone(page.header("www-authenticate"))
        for part in (
            'method="post" action="/auth"',
            'autocomplete="username"',
            'autocomplete="current-password"',
            'href="/auth/example">Sign in with &lt;Example&gt;<',
            "gotwist link",
        ):
            self.assertIn(part, text)
        self.assertNotIn("<script", text)
        # Browsers that say nothing better have to say at least from which origin a form is.
        self.assertIn('<meta name="referrer" content="same-origin">', text)

    def test_page_without_passwords(self) -> None:
        """Where no password is taken, no page asks for one, and nobody judges one."""
        house = House()
        self.assertNotIn(b"<input", house.ask("/").body)
        answer = house.ask("/auth", "POST", body=b"user=alice&password=right", more=OURS)
        self.assertEqual((answer.status, house.desk.offered), (400, []))

    def test_next(self) -> None:
        """The place to go to afterwards goes with the form, when it is one of this site."""
        good = self.house.ask("/auth?next=/a%3Fb").body.decode()
        self.assertIn('name="next" value="/a?b"', good)
        self.assertIn('href="/auth/example?next=/a%3Fb"', good)
        bad = self.house.ask("/auth?next=//evil.example/").body.decode()
        self.assertNotIn("evil", bad)
        answer = self.post(b"user=alice&password=right&next=%2Fa")
        self.assertEqual(answer.header("location"), "/a")
        answer = self.post(b"user=alice&password=right&next=%2F%2Fevil.example")
        self.assertEqual(answer.header("location"), "/")

    def test_next_of_the_main_page(self) -> None:
        """Who wanted a certain location of the main page gets there after signing in."""
        page = self.house.ask("/?location=w%22rk&x=1").body.decode()
        self.assertIn('name="next" value="/?location=w%22rk&amp;x=1"', page)
        self.assertNotIn('name="next"', self.house.ask("/").body.decode())

    def test_right(self) -> None:
        """The right password gives the cookie and leads to the main page."""
        answer = self.post(b"user=alice&password=right")
        self.assertEqual((answer.status, answer.header("location")), (303, "/"))
        self.assertEqual(self.cookies(answer), {"gotwist": "fresh-cookie"})

    def test_wrong(self) -> None:
        """A wrong password and an unknown name get the same page, and no cookie."""
        wrong, unknown = (
            self.post(body) for body in (b"user=alice&password=no", b"user=eve&password=right")
        )
        self.assertEqual((wrong.status, wrong.body), (401, unknown.body))
        self.assertIn(b'role="alert"', wrong.body)
        self.assertIn(b'name="password"', wrong.body)
        self.assertEqual(self.cookies(wrong), {})

    def test_unavailable(self) -> None:
        """When nobody can judge now, the page says so and offers the form again."""
        answer = self.post(b"user=alice&password=late")
        self.assertEqual(answer.status, 503)
        self.assertIn(b"Come back later.", answer.body)
        self.assertIn(b'name="password"', answer.body)

    def test_foreign_page(self) -> None:
        """A foreign page cannot sign anybody in, and its passwords are not even looked at."""
        body = b"user=alice&password=right"
        for headers in ({}, {"Sec-Fetch-Site": "cross-site"}, {"Origin": "http://evil.example"}):
            answer = self.house.ask("/auth", "POST", body=body, more=headers)
            self.assertEqual(answer.status, 403)
        self.assertEqual(self.desk.offered, [])

    def test_question(self) -> None:
        """A further question is asked as text, and its right answer signs in."""
        asked = self.post(b"user=alice&password=half&next=%2Fa")
        text = asked.body.decode()
        self.assertEqual(asked.status, 200)
        self.assertIn("Code &lt;b&gt;:", text)
        self.assertIn("Look.", text)
        self.assertIn('name="a0" type="password"', text)
        self.assertIn('autocomplete="one-time-code"', text)
        step = self.cookies(asked)["gotwist-step"]
        done = self.post(b"answers=1&a0=123456", Cookie=f"gotwist-step={step}")
        self.assertEqual((done.status, done.header("location")), (303, "/a"))
        self.assertEqual(self.cookies(done)["gotwist"], "fresh-cookie")

    def test_question_of_another_browser(self) -> None:
        """The answer counts from the browser that was asked, once, and within three minutes."""
        step = self.cookies(self.post(b"user=alice&password=half"))["gotwist-step"]
        right = b"answers=1&a0=123456"
        for headers in ({}, {"Cookie": "gotwist-step=" + "0" * 64}):
            self.assertEqual(self.post(right, **headers).status, 401)
        wrong = self.post(b"answers=1&a0=654321", Cookie=f"gotwist-step={step}")
        self.assertEqual(wrong.status, 401)
        self.assertEqual(self.post(right, Cookie=f"gotwist-step={step}").status, 401)
        late = self.cookies(self.post(b"user=alice&password=half"))["gotwist-step"]
        self.house.clock.advance(181)
        self.assertEqual(self.desk.closed, 1)
        self.assertEqual(self.post(right, Cookie=f"gotwist-step={late}").status, 401)
        self.assertNotIn("fresh-cookie", self.desk.signed_in)

    def test_other_answers_than_asked(self) -> None:
        """Too few answers, too many or an endless one end the conversation."""
        for body in (b"answers=1", b"answers=1&a0=1&a1=2", b"answers=1&a0=" + b"1" * 2000):
            step = self.cookies(self.post(b"user=alice&password=half"))["gotwist-step"]
            self.assertEqual(self.post(body, Cookie=f"gotwist-step={step}").status, 401)
        self.assertEqual(self.desk.closed, 3)
        self.assertEqual(len(self.house.parts.questions), 0)

    def test_many_questions(self) -> None:
        """Questions that nobody answers do not pile up."""
        for _ in range(40):
            self.post(b"user=alice&password=half")
        self.assertEqual(len(self.house.parts.questions), 16)
        self.assertEqual(self.desk.closed, 24)
        self.house.parts.questions.drop_all()
        self.assertEqual(self.house.clock.getDelayedCalls(), [])
