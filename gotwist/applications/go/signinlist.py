"""A user's sign-ins: which there are, and how to end one or all of them."""

from __future__ import annotations

from typing import Annotated

import msgspec

from gotwist.auth.signins import SignIn
from gotwist.errors import NotFound
from gotwist.gateway.actions import action
from gotwist.gateway.application import Application

Handle = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{16}$")]


class SignInList(Application):
    """The part of the core application that shows users where they are signed in."""

    @action("go:list_sign_ins", None)
    def list_sign_ins(self) -> None:
        """Tell this user's sign-ins, the oldest first."""
        own = self._own()
        self.client.send(
            "go:sign_ins",
            [
                {
                    "id": one.handle,
                    "method": one.user.method,
                    "address": one.address,
                    "issued": int(one.issued * 1000),
                    "seen": int(one.seen * 1000),
                    "current": one.id == own.id,
                }
                for one in self.house.signins.beside(own)
            ],
        )

    @action("go:end_sign_in", Handle)
    def end_sign_in(self, handle: str) -> None:
        """End one of this user's sign-ins wherever it is open, and tell which are left."""
        for one in self.house.signins.beside(self._own()):
            if one.handle == handle:
                self.house.signins.revoke(one.id, "revoked")
                break
        else:
            raise NotFound("There is no such sign-in.")
        if self.client.is_open:
            self.list_sign_ins()

    @action("go:sign_out_everywhere", None)
    def sign_out_everywhere(self) -> None:
        """End all of this user's sign-ins, this one included."""
        self.house.signins.revoke_beside(self._own())

    def _own(self) -> SignIn:
        found = self.client.sign_in
        assert found is not None, "these actions run for signed-in users only"
        return found
