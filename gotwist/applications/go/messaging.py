"""Messages between users, and the list of those who are signed in."""

from __future__ import annotations

import unicodedata
from typing import Annotated

import msgspec

from gotwist.applications.go.policy import EVERYBODY, core_policy
from gotwist.errors import LimitReached, Malformed, NotFound
from gotwist.gateway.actions import action, policies
from gotwist.gateway.application import Application
from gotwist.gateway.clients import send_to_all
from gotwist.gateway.house import House
from gotwist.gateway.limits import Bucket
from gotwist.gateway.standing import CORE

MAX_LISTED = 1000
_MAX_SESSIONS = 10_000

#: By action: how many a second in the long run, and how many at once.
RATES = {
    "go:send_user_message": (0.5, 10),
    "go:broadcast": (0.1, 3),
    "go:list_users": (1.0, 10),
}

Message = Annotated[str, msgspec.Meta(min_length=1, max_length=2000)]


class UserMessage(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``{"message": "text", "upn": "alice"}``; a upn of AUTHENTICATED is everybody."""

    message: Message
    upn: Annotated[str, msgspec.Meta(min_length=1, max_length=128)]


class Rates:
    """What each session has left of each action: a user cannot go round it by another tab."""

    def __init__(self) -> None:
        self._left: dict[tuple[str, str], Bucket] = {}

    def spend(self, action: str, session: str, now: float) -> None:
        """Count one.

        :raises LimitReached: when there were too many just now.
        """
        bucket = self._left.pop((action, session), None)
        if bucket is None:
            rate, at_once = RATES[action]
            bucket = Bucket(rate, at_once / rate, now)
        # The one used last stands last, so the first is the one least missed.
        self._left[action, session] = bucket
        if len(self._left) > _MAX_SESSIONS:
            del self._left[next(iter(self._left))]
        if not bucket.take(1, now):
            raise LimitReached("That was a lot at once; please wait a moment.")


class Messaging(Application):
    """The part of the core application that users use to find and to write to each other."""

    @classmethod
    def make_shared(cls, house: House) -> object:
        """Register the policy; what all clients share is what each has left."""
        house.add_policy("go", core_policy)
        return Rates()

    @action("go:list_users", None, require=[policies("go")])
    def list_users(self) -> None:
        """Tell who is signed in, of each what the settings allow; who is here twice, once."""
        self._spend("go:list_users")
        fields = self.client.settings(CORE).get("user_list_fields", ())
        wanted = [str(name) for name in fields] if isinstance(fields, tuple) else []
        found: dict[tuple[tuple[str, str], ...], None] = {}
        for client in self.house.clients:
            if client.user is not None and len(found) < MAX_LISTED:
                facts = client.user.seen_at(client.peer.address).facts
                found[tuple((name, facts[name]) for name in wanted if name in facts)] = None
        self.client.send("go:user_list", [dict(entry) for entry in found])
        self.trigger("go:user_list", self.client)

    @action("go:send_user_message", UserMessage, require=[policies("go")])
    def send_user_message(self, wanted: UserMessage) -> None:
        """Send a text to all tabs of a user."""
        text = clean_text(wanted.message)
        if wanted.upn == EVERYBODY:
            self.broadcast(text)
            return
        self._spend("go:send_user_message")
        clients = self.house.clients.of_user(wanted.upn)
        if not clients and self.client.settings(CORE).get("list_users") is True:
            # Who may not ask who is here does not learn it this way either.
            raise NotFound("This user is not here.")
        send_to_all(clients, "go:user_message", f"{self._name()}: {text}")
        self._tell(wanted.upn, text)
        self.trigger("go:send_user_message", self.client, wanted.upn, text)

    @action("go:broadcast", Message, require=[policies("go")])
    def broadcast(self, message: str) -> None:
        """Send a text to everybody who is signed in."""
        text = clean_text(message)
        self._spend("go:broadcast")
        self.house.clients.broadcast("go:user_message", f"(Broadcast) {self._name()}: {text}")
        self._tell(EVERYBODY, text)
        self.trigger("go:broadcast", self.client, text)

    def _name(self) -> str:
        assert self.client.user is not None
        return self.client.user.upn

    def _spend(self, action: str) -> None:
        assert isinstance(self.shared, Rates)
        self.shared.spend(action, self.client.session.id, self.house.clock.now())

    def _tell(self, to: str, text: str) -> None:
        self.house.audit.record("message_sent", **self.client.origin, to=to, length=len(text))


def clean_text(text: str) -> str:
    """Take out what could make a text look like something else: controls, turned directions.

    Line ends stay.

    :raises Malformed: when nothing is left.
    """
    kept = "".join(c for c in text if c == "\n" or not _is_trick(c)).strip()
    if not kept:
        raise Malformed("The message is empty.")
    return kept


def _is_trick(character: str) -> bool:
    # Cc, Cf, Cs, Co, Cn: controls, formats (the marks of direction among them), halves.
    # The joiners are formats too, but scripts and pictures of several people need them.
    kind = unicodedata.category(character)
    return (kind[0] == "C" and character not in "\u200c\u200d") or kind in ("Zl", "Zp")
