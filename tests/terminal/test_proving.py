"""Tests of the daemon's side of a privileged keeper, with a keeper that answers from a list."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from gotwist.applications.terminal.accounts import Accounts, Proof
from gotwist.applications.terminal.commands import Command, command_id
from gotwist.applications.terminal.keeping import Login
from gotwist.applications.terminal.programs import login_variables
from gotwist.applications.terminal.proving import KeeperChecks
from gotwist.auth.pam.checks import Accepted, Asked, Check, Refused
from gotwist.auth.signins import SignIn
from gotwist.auth.user import User
from gotwist.errors import Denied, GotwistError, Malformed, NotFound, Unavailable

ACCOUNT = {"user": "anna", "uid": 1001, "gid": 1, "groups": ["a", "b"], "home": "/", "shell": ""}
PROVEN: dict[str, object] = {"proven": ACCOUNT, "ticket": "f" * 64, "messages": []}


class ProvingTestCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.asked: list[dict[str, Any]] = []
        self.answers: list[dict[str, object] | GotwistError] = []
        self.checks = KeeperChecks(self.prove, lambda context, job: self.wait(job))

    async def prove(self, request: dict[str, object]) -> dict[str, object]:
        """Note what is asked, and give the next answer."""
        self.asked.append(request)
        answer = self.answers.pop(0) if self.answers else {}
        if isinstance(answer, GotwistError):
            raise answer
        return answer

    def wait(self, awaitable: Awaitable[object]) -> Any:
        async def run() -> object:
            return await awaitable

        return self.successResultOf(Deferred.fromCoroutine(run()))

    def fails(self, awaitable: Awaitable[object], kind: type[Exception]) -> None:
        async def run() -> object:
            return await awaitable

        self.failureResultOf(Deferred.fromCoroutine(run()), kind)


class CheckTests(ProvingTestCase):
    def test_accepted(self) -> None:
        """A right password gives the account, and a ticket to those who open terminals."""
        self.answers = [PROVEN]
        outcome = self.wait(
            self.checks.check(Check("anna", "x", "login", "192.0.2.1", converses=True))
        )
        assert isinstance(outcome, Accepted)
        account = outcome.account
        self.assertEqual((account.name, account.uid, account.groups), ("anna", 1001, ("a", "b")))
        self.assertEqual(account.ticket, "f" * 64)
        self.assertEqual(dict(account.attributes), {"account": "anna"})
        self.assertNotIn("f" * 64, repr(outcome))
        request = self.asked[0]
        self.assertEqual((request["do"], request["ticket"]), ("authenticate", True))

    def test_refused(self) -> None:
        """A refusal is one; what cannot be judged is not."""
        self.answers = [Denied("no"), Unavailable("later")]
        self.assertEqual(self.wait(self.checks.check(Check("anna", "x", "login"))), Refused(7))
        self.assertFalse(self.asked[0]["ticket"])
        self.fails(self.checks.check(Check("anna", "x", "login")), Unavailable)

    def test_never_asked(self) -> None:
        """What the keeper would take for an attack never reaches it."""
        for user, password in (
            ("a b", "x"),
            ("-a", "x"),
            ("", "x"),
            ("a\0", "x"),
            ("a" * 129, "x"),
            ("ä", "x"),
            ("anna\n", "x"),
            ("anna", "x\0"),
            ("anna", "x" * 1_025),
        ):
            outcome = self.wait(self.checks.check(Check(user, password, "login")))
            self.assertIsInstance(outcome, Refused)
        self.assertEqual(self.asked, [])
        self.answers = [Denied("no")]
        self.wait(self.checks.check(Check("anna", "x", "login", rhost="a b")))
        self.assertEqual(self.asked[0]["rhost"], "")

    def test_conversation(self) -> None:
        """What PAM asks is handed on, and answered by the check's number."""
        ask = {"ask": [["Code: ", True]], "messages": ["Hello"], "check": 7}
        self.answers = [ask, PROVEN]
        asked = self.wait(self.checks.check(Check("anna", "x", "login", converses=True)))
        assert isinstance(asked, Asked)
        self.assertEqual(asked.prompts, ((True, "Code: "),))
        self.assertEqual(asked.messages, ("Hello",))
        self.assertIsInstance(self.wait(asked.talk.answer(["123"])), Accepted)
        self.assertEqual(self.asked[-1], {"do": "answer", "check": 7, "texts": ["123"]})

    def test_given_up(self) -> None:
        """A check that will not be answered is ended: by the person, by its form, by its kind."""
        ask = {"ask": [["Code: ", True]], "messages": [], "check": 7}
        cancel = {"do": "cancel", "check": 7}
        self.answers = [ask]
        asked = self.wait(self.checks.check(Check("anna", "x", "login", converses=True)))
        asked.talk.close()
        self.assertEqual(self.asked[-1], cancel)
        for texts in (["x\0"], ["x" * 1_025], ["x"] * 17):
            self.assertIsInstance(self.wait(asked.talk.answer(texts)), Refused)
            self.assertEqual(self.asked[-1], cancel)
        self.answers = [ask]
        self.assertEqual(self.wait(self.checks.check(Check("anna", "x", "login"))), Refused(19))
        self.assertEqual(self.asked[-1], cancel)

    def test_too_late(self) -> None:
        """An answer after the end of its check asks to begin anew."""
        self.answers = [{"ask": [["Code: ", True]], "messages": [], "check": 7}, NotFound("gone")]
        asked = self.wait(self.checks.check(Check("anna", "x", "login", converses=True)))
        self.fails(asked.talk.answer(["1"]), Unavailable)

    def test_nonsense(self) -> None:
        """An answer that cannot be read proves nobody."""
        self.answers = [{}]
        self.fails(self.checks.check(Check("anna", "x", "login")), Unavailable)


class AccountsTests(ProvingTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.accounts = Accounts(self.prove, "example.org", ["file"])

    def sign_in(self, user: User, ticket: str = "", id: str = "1") -> SignIn:
        return SignIn(id, user, "s", 0.0, 0.0, "192.0.2.1", ticket)

    def test_ticket(self) -> None:
        """Who brings a ticket along is asked nothing more."""
        user = User("anna@example.org", "pam", {"account": "anna"})
        proof = self.wait(self.accounts.find(self.sign_in(user, "t")))
        self.assertEqual(proof, Proof("anna", "t"))
        self.assertNotIn("'t'", repr(proof))
        self.assertEqual(self.asked, [])

    def test_vouched(self) -> None:
        """For a trusted way of signing in the daemon vouches, once, by the user's own name."""
        self.answers = [PROVEN]
        # Attributes of users that others have proven are those others' word.
        sign_in = self.sign_in(User("anna@example.org", "file", {"account": "root"}))
        for _ in range(2):
            self.assertEqual(self.wait(self.accounts.find(sign_in)), Proof("anna", "f" * 64))
        want = {"do": "vouch", "user": "anna", "method": "file", "rhost": "192.0.2.1"}
        self.assertEqual(self.asked, [want])
        self.accounts.forget_all()
        self.answers = [Denied("no")]
        self.fails(self.accounts.find(sign_in), Denied)

    def test_not_trusted(self) -> None:
        """Other ways of signing in have no terminals; names that are none are not asked for."""
        self.fails(self.accounts.find(self.sign_in(User("anna", "token"))), Denied)
        self.fails(self.accounts.find(self.sign_in(User("1anna", "file"))), Malformed)
        self.assertEqual(self.asked, [])

    def test_sign_out(self) -> None:
        """The end of a sign-in ends its tickets, whoever made them."""
        self.answers = [PROVEN]
        vouched = self.sign_in(User("anna", "file"))
        self.wait(self.accounts.find(vouched))
        self.wait(self.accounts.sign_out(vouched))
        self.assertEqual(self.asked[-1], {"do": "forget_ticket", "ticket": "f" * 64})
        self.wait(self.accounts.sign_out(self.sign_in(User("anna", "pam"), "t", "2")))
        self.assertEqual(self.asked[-1], {"do": "forget_ticket", "ticket": "t"})
        before = len(self.asked)
        self.wait(self.accounts.sign_out(self.sign_in(User("anna", "pam"), "", "3")))
        self.assertEqual(len(self.asked), before)


class LoginTests(SynchronousTestCase):
    def test_variables(self) -> None:
        """A command gets the values it names, and those only in a form that cannot surprise."""
        known = {"SESSION": "abc", "TIME": "12", "USERDIR": "/has space"}
        command = Command("x", "x %SESSION% %USER% --t=%TIME% %SHELL%")
        self.assertEqual(login_variables(command, known), {"SESSION": "abc", "TIME": "12"})
        with self.assertRaises(Malformed):
            login_variables(Command("x", "x %USERDIR%"), known)

    def test_ids(self) -> None:
        """A command's id is its template's, whatever it is called."""
        shell = command_id(Command("shell", "%SHELL%"))
        self.assertEqual(shell, command_id(Command("bash", "%SHELL%", "other")))
        self.assertNotEqual(shell, command_id(Command("shell", "%SHELL% -l")))
        self.assertRegex(shell, "^[0-9a-f]{32}$")

    def test_secret(self) -> None:
        """A ticket is not shown."""
        self.assertNotIn("secret", repr(Login("anna", "secret", "c", {})))
