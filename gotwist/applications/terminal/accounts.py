"""Whose terminal a user opens, where users are accounts of the machine: name and ticket."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass, field

from gotwist.applications.terminal.answers import Message
from gotwist.applications.terminal.proving import Prove, address, parse_account
from gotwist.auth.signins import SignIn
from gotwist.errors import Denied, Malformed
from gotwist.keeper import forms

MAX_VOUCHED = 10_000


@dataclass(frozen=True)
class Proof:
    """An account, and the ticket that opens terminals as it."""

    account: str
    ticket: str = field(repr=False)


class Accounts:
    """Finds the account of a sign-in.

    PAM's users bring a ticket along.  For those who were proven otherwise the daemon vouches,
    when the keeper's rules let it, as late as at their first terminal.

    :param prove: asks the keeper
    :param realm: stands behind an account's name and an @ in the names of users
    :param trusted: ways of signing in that may be vouched for
    """

    def __init__(self, prove: Prove, realm: str, trusted: Collection[str]) -> None:
        self._prove = prove
        self._realm = realm
        self._trusted = frozenset(trusted)
        self._vouched: dict[str, Proof] = {}

    async def find(self, sign_in: SignIn) -> Proof:
        """Give account and ticket.

        :raises Denied: when this way of signing in opens no terminals here.
        """
        user = sign_in.user
        name = user.upn.removesuffix(f"@{self._realm}") if self._realm else user.upn
        if sign_in.ticket:
            return Proof(user.attributes.get("account", name), sign_in.ticket)
        known = self._vouched.get(sign_in.id)
        if known is not None:
            return known
        if user.method not in self._trusted:
            raise Denied("This way of signing in opens no terminals here.")
        if not forms.USER.fullmatch(name):
            raise Malformed("This user has no account here.")
        request: Message = {"do": "vouch", "user": name, "method": user.method}
        request["rhost"] = address(sign_in.address)
        account = parse_account(await self._prove(request))
        if len(self._vouched) >= MAX_VOUCHED:
            del self._vouched[next(iter(self._vouched))]
        proof = self._vouched[sign_in.id] = Proof(account.name, account.ticket)
        return proof

    def forget_all(self) -> None:
        """Another keeper knows nothing of what the one before it was told."""
        self._vouched.clear()

    async def sign_out(self, sign_in: SignIn) -> None:
        """End the tickets of a sign-in that has ended."""
        vouched = self._vouched.pop(sign_in.id, None)
        for one in (sign_in.ticket, vouched.ticket if vouched is not None else ""):
            if one:
                await self._prove({"do": "forget_ticket", "ticket": one})


FindProof = Callable[[SignIn], Awaitable[Proof]]
