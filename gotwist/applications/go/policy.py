"""The policy of the core actions: who may write to whom, and who may ask who is there."""

from __future__ import annotations

from gotwist.auth.authenticator import ANONYMOUS
from gotwist.errors import Denied
from gotwist.gateway.clients import Client
from gotwist.gateway.standing import CORE

#: The name that stands for everybody who is signed in.
EVERYBODY = "AUTHENTICATED"

#: By action: the option that must be true, and what is said when it is not.
_NEEDED = {
    "go:send_user_message": ("send_user_messages", "You may not send messages to users."),
    "go:broadcast": ("send_broadcasts", "You may not send messages to everybody."),
    "go:list_users": ("list_users", "You may not ask who is here."),
}


def core_policy(client: Client, action: str, argument: object) -> None:
    """See :data:`gotwist.gateway.house.Policy`; an action it does not know is refused."""
    if action not in _NEEDED:
        raise Denied("You may not do this.")
    _require(client, action)
    # One name for everybody is a broadcast, however it is asked for.
    if action == "go:send_user_message" and getattr(argument, "upn", None) in (
        EVERYBODY,
        ANONYMOUS,
    ):
        _require(client, "go:broadcast")


def _require(client: Client, action: str) -> None:
    option, refusal = _NEEDED[action]
    if client.settings(CORE).get(option) is not True:
        raise Denied(refusal)
