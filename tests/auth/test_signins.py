"""Tests of sign-ins and of the stores that keep them."""

from __future__ import annotations

import stat
from pathlib import Path

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from gotwist.auth.signin_store import (
    FileSignInStore,
    MemorySignInStore,
    SignInStore,
    parse_records,
    render_records,
)
from gotwist.auth.signins import SESSION_LENGTH, SignIns
from gotwist.auth.user import User, check_upn
from gotwist.errors import Malformed

ALICE = User("alice", "token", {"ip": "192.0.2.1"}, ("staff",))


class SignInCase(SynchronousTestCase):
    """Sign-ins on a clock that the test turns."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.changes: list[None] = []
        self.signins = self.make("secret")

    def make(self, secret: str, limit: int = 100) -> SignIns:
        """Sign-ins as a fresh daemon has them."""
        return SignIns(
            secret, self.clock.seconds, limit=limit, on_changed=lambda: self.changes.append(None)
        )


class SignInTests(SignInCase):
    """A sign-in holds from its beginning to its end, for its own cookie only."""

    def test_found(self) -> None:
        """A cookie finds the sign-in for which it was given."""
        issued = self.signins.issue(ALICE)
        found = self.signins.find(issued.cookie)
        self.assertEqual(found, issued)
        assert found is not None
        self.assertEqual(found.cookie, "")
        self.assertNotIn(issued.id, issued.cookie)
        self.assertNotIn(issued.cookie, repr(issued))

    def test_forged(self) -> None:
        """A changed, cut, or foreign cookie finds nothing."""
        cookie = self.signins.issue(ALICE).cookie
        id = cookie.partition(".")[0]
        other = self.signins.issue(ALICE).cookie.partition(".")[2]
        for forged in ("", "x", id, f"{id}.{other}", cookie + "\n", cookie.upper(), cookie[:-1]):
            self.assertIsNone(self.signins.find(forged))
        self.assertIsNone(self.make("other secret").find(cookie))

    def test_new_id(self) -> None:
        """Each sign-in has an id of its own; the session of a user stays the same."""
        first, second = self.signins.issue(ALICE), self.signins.issue(ALICE)
        self.assertNotEqual(first.id, second.id)
        self.assertEqual(first.session, second.session)
        self.assertEqual(first.session, self.make("secret").issue(ALICE).session)
        self.assertNotEqual(first.session, self.signins.issue(User("bob", "token")).session)
        self.assertNotEqual(first.session, self.make("other").issue(ALICE).session)
        self.assertRegex(first.session, f"^[A-Za-z0-9]{{{SESSION_LENGTH}}}$")

    def test_unshared(self) -> None:
        """Users that nobody can tell apart get a session for each browser."""
        anonymous = User("ANONYMOUS", "none")
        sessions = {self.signins.issue(anonymous, shared=False).session for _ in range(3)}
        self.assertEqual(len(sessions), 3)

    def test_many_of_one_user(self) -> None:
        """A program that signs in again and again ends its own sign-ins, nobody else's."""
        signins = self.make("secret", limit=1000)
        bob = signins.issue(User("bob", "token"))
        self.clock.advance(1)
        first = signins.issue(ALICE)
        for _ in range(150):
            self.clock.advance(1)
            last = signins.issue(ALICE)
        self.assertEqual(len(signins), 101)
        self.assertIsNone(signins.find(first.cookie))
        self.assertIsNotNone(signins.find(last.cookie))
        self.assertIsNotNone(signins.find(bob.cookie))

    def test_where(self) -> None:
        """A sign-in keeps where it was made and what a keeper wants to see, over a restart."""
        issued = self.signins.issue(ALICE, address="192.0.2.7", ticket="proof")
        (record,) = parse_records(render_records(self.signins.records()))
        self.assertEqual((record.address, record.ticket), ("192.0.2.7", "proof"))
        self.assertEqual((record.user, record.user.groups), (ALICE, ("staff",)))
        self.assertNotIn("proof", repr(issued))

    def test_before_addresses(self) -> None:
        """What an older daemon has kept is taken up."""
        self.signins.issue(ALICE)
        text = render_records(self.signins.records())
        older = text.replace('"address": "", ', "").replace(', "ticket": ""', "")
        older = older.replace('"address": "", "ticket": ""', '"x": 0')
        self.assertEqual(parse_records(older), parse_records(text))

    def test_idle(self) -> None:
        """A sign-in ends an hour after its last use, not before."""
        cookie = self.signins.issue(ALICE).cookie
        self.clock.advance(3600)
        self.assertIsNotNone(self.signins.find(cookie))
        self.clock.advance(3600)
        self.assertIsNotNone(self.signins.find(cookie))
        self.clock.advance(3601)
        self.assertIsNone(self.signins.find(cookie))

    def test_absolute(self) -> None:
        """A sign-in in constant use ends after twelve hours."""
        issued = self.signins.issue(ALICE)
        for _ in range(24):
            self.clock.advance(1800)
            self.assertIsNotNone(self.signins.touch(issued.id))
        self.clock.advance(1)
        self.assertFalse(self.signins.is_current(issued.id))

    def test_revoked(self) -> None:
        """A revoked sign-in is over at once; subscribers hear of it, once."""
        heard: list[str] = []
        unsubscribe = self.signins.subscribe(heard.append)
        issued = self.signins.issue(ALICE)
        self.assertTrue(self.signins.revoke(issued.id))
        self.assertFalse(self.signins.revoke(issued.id))
        self.assertIsNone(self.signins.find(issued.cookie))
        unsubscribe()
        self.signins.revoke(self.signins.issue(ALICE).id)
        self.assertEqual(heard, [issued.id])

    def test_other_lifetimes(self) -> None:
        """Lifetimes that change hold for the sign-ins there are, too."""
        issued = self.signins.issue(ALICE)
        self.clock.advance(20)
        self.signins.set_lifetimes(10.0, 100.0)
        self.assertFalse(self.signins.is_current(issued.id))
        self.signins.set_lifetimes(30.0, 100.0)
        self.assertTrue(self.signins.is_current(issued.id))

    def test_revoked_user(self) -> None:
        """All sign-ins of a user end together, and nobody else's."""
        for _ in range(3):
            self.signins.issue(ALICE)
        bob = self.signins.issue(User("bob", "token"))
        self.assertEqual(self.signins.revoke_user("alice"), 3)
        self.assertTrue(self.signins.is_current(bob.id))

    def test_expired(self) -> None:
        """The chore ends what has expired, and tells subscribers."""
        heard: list[str] = []
        self.signins.subscribe(heard.append)
        old = self.signins.issue(ALICE)
        self.clock.advance(3000)
        self.signins.issue(ALICE)
        self.clock.advance(1000)
        self.assertEqual(self.signins.expired(self.clock.seconds()), (old.id,))
        self.assertEqual(self.signins.end_expired(), 1)
        self.assertEqual((heard, len(self.signins)), ([old.id], 1))

    def test_bounded(self) -> None:
        """Of too many sign-ins the one unused for longest ends."""
        signins = self.make("secret", limit=2)
        first = signins.issue(ALICE)
        self.clock.advance(1)
        second = signins.issue(ALICE)
        self.clock.advance(1)
        signins.touch(first.id)
        signins.issue(ALICE)
        self.assertTrue(signins.is_current(first.id))
        self.assertFalse(signins.is_current(second.id))

    def test_changes(self) -> None:
        """Whoever keeps the file hears of each beginning and each end."""
        issued = self.signins.issue(ALICE)
        self.signins.find(issued.cookie)
        self.signins.revoke(issued.id)
        self.assertEqual(len(self.changes), 2)


class StoreContract:
    """What every store of sign-ins does."""

    def test_empty(self: StoreCase) -> None:  # type: ignore[misc]  # mixed into StoreCase
        """A fresh store holds nothing."""
        self.assertEqual(self.store.load(), ())

    def test_restart(self: StoreCase) -> None:  # type: ignore[misc]
        """The daemon after this one knows the same cookies, and no longer those that ended."""
        kept, ended = self.signins.issue(ALICE), self.signins.issue(ALICE)
        self.signins.revoke(ended.id)
        self.store.save(self.signins.records())
        after = self.make("secret")
        after.load(self.store.load())
        self.assertEqual(after.find(kept.cookie), kept)
        self.assertIsNone(after.find(ended.cookie))

    def test_replaced(self: StoreCase) -> None:  # type: ignore[misc]
        """What is saved replaces what was saved before."""
        self.signins.issue(ALICE)
        self.store.save(self.signins.records())
        self.store.save(())
        self.assertEqual(self.store.load(), ())

    def test_expired_while_down(self: StoreCase) -> None:  # type: ignore[misc]
        """What has expired while no daemon ran does not come back."""
        self.signins.issue(ALICE)
        self.store.save(self.signins.records())
        self.clock.advance(4000)
        after = self.make("secret")
        after.load(self.store.load())
        self.assertEqual(len(after), 0)


class StoreCase(SignInCase):
    """A case with a store."""

    store: SignInStore


class MemorySignInStoreTests(StoreContract, StoreCase):
    """The store of one process."""

    def setUp(self) -> None:
        super().setUp()
        self.store = MemorySignInStore()


class FileSignInStoreTests(StoreContract, StoreCase):
    """The store on disk."""

    def setUp(self) -> None:
        super().setUp()
        folder = Path(self.mktemp())
        folder.mkdir()
        self.path = folder / "signins.json"
        self.store = FileSignInStore(self.path)

    def test_secret(self) -> None:
        """Only the owner reads the file, and even he cannot make a cookie of it."""
        issued = self.signins.issue(ALICE)
        self.store.save(self.signins.records())
        self.assertEqual(stat.S_IMODE(self.path.stat().st_mode), 0o600)
        text = self.path.read_text()
        for part in issued.cookie.split("."):
            self.assertNotIn(part, text)
        self.assertEqual([path.name for path in self.path.parent.iterdir()], ["signins.json"])

    def test_failed_save(self) -> None:
        """When the file cannot be replaced, the old one stays and nothing is left over."""
        self.store.save(())
        self.path.unlink()
        self.path.mkdir()
        with self.assertRaises(OSError):
            self.store.save(())
        self.assertEqual([path.name for path in self.path.parent.iterdir()], ["signins.json"])

    def test_torn(self) -> None:
        """A file that is cut anywhere is refused whole."""
        self.signins.issue(ALICE)
        text = render_records(self.signins.records())
        for cut in range(len(text)):
            with self.assertRaises(Malformed):
                parse_records(text[:cut])
        self.path.write_bytes(b"\xff")
        with self.assertRaises(Malformed):
            self.store.load()

    def test_strange(self) -> None:
        """A file with something else in it is refused."""
        good = render_records(self.signins.records())
        for bad in ("null", "[]", "{}", '{"version": 2, "signins": []}', '{"version": 1}'):
            with self.assertRaises(Malformed):
                parse_records(bad)
        for signins in ("[1]", '[{"id": "x"}]'):
            with self.assertRaises(Malformed):
                parse_records(good.replace("[]", signins))


class UserTests(SynchronousTestCase):
    """Who may be called what."""

    def test_names(self) -> None:
        """Ordinary names pass; what could be a path, an option or markup does not."""
        for name in ("alice", "a.b-c_d+e@example.org", "_x", "7"):
            self.assertEqual(check_upn(name), name)
        for name in ("", "-x", ".x", "a/b", "a..b", "a b", "a\n", "a\0", "é", "x" * 129, "<b>"):
            with self.assertRaises(Malformed):
                check_upn(name)

    def test_frozen(self) -> None:
        """What is known of a user cannot be changed afterwards, from whatever it was made."""
        source = {"ip": "192.0.2.1"}
        user = User("alice", "token", source)
        source["ip"] = "192.0.2.2"
        self.assertEqual(user.attributes["ip"], "192.0.2.1")
