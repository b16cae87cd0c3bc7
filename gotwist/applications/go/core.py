"""The core application: ping, signing in and out, the list of applications, locations."""

from __future__ import annotations

from typing import Annotated, TypeAlias

import msgspec

from gotwist.applications.go.messaging import Messaging
from gotwist.applications.go.questions import Questions
from gotwist.auth.apikey import parse_text
from gotwist.auth.credentials import (
    ApiCredentials,
    CookieCredentials,
    Credentials,
    TokenCredentials,
)
from gotwist.auth.tokens import is_token
from gotwist.errors import Denied, Malformed
from gotwist.gateway.actions import action

MAX_PING = 1024

Location: TypeAlias = Annotated[
    str, msgspec.Meta(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9_.@ -]+$")
]
Short: TypeAlias = Annotated[str, msgspec.Meta(max_length=256)]
Long: TypeAlias = Annotated[str, msgspec.Meta(max_length=4096)]


class Authenticate(msgspec.Struct, forbid_unknown_fields=True):
    """``{"auth": null | text | object, "location": "default", ...}``.

    ``auth`` null: by what the handshake brought; text: a token or a cookie's value; an object,
    or one as JSON text: what another site has signed.
    """

    auth: Long | dict[str, object] | None = None
    location: Location = "default"
    container: Short = ""
    prefix: Short = ""
    url: Long = ""
    href: Long = ""


class Go(Messaging, Questions):
    """What every client can do."""

    __slots__ = ()

    name = "go"
    description = "The core: signing in, locations, what there is, messages."

    def initialize(self) -> None:
        """Nothing has been told yet."""
        self._told = 0

    def on_settings(self) -> None:
        """Tell the applications anew when others are there now, or other things to open."""
        if self._told not in (0, _mark(self._applications())):
            self.list_applications()

    @action("go:ping", object, before_authentication=True)
    def ping(self, value: object) -> None:
        """Answer with the same value; also tells that the daemon is alive."""
        if len(msgspec.json.encode(value)) > MAX_PING:
            raise Malformed("This ping is too long.")
        self.client.send("go:pong", value)

    @action("go:authenticate", Authenticate, before_authentication=True)
    async def sign_in(self, argument: Authenticate) -> None:
        """Sign in."""
        if self.client.user is not None:
            raise Denied("This connection has signed in already.")
        await self.enter(credentials_of(argument.auth), argument.location)

    def welcome(self) -> None:
        """Tell a fresh page what it needs to know."""
        client = self.client
        assert client.user is not None, "somebody has just signed in"
        client.send("go:set_username", client.user.upn)
        self.get_locations()
        self.list_applications()
        self.trigger("go:authenticate", client)

    @action("go:list_applications")
    def list_applications(self) -> None:
        """Tell which applications there are, and what each can open."""
        applications = self._applications()
        self._told = _mark(applications)
        self.client.send("go:applications", applications)

    def _applications(self) -> list[dict[str, object]]:
        return [
            {
                "name": application.name,
                "version": application.version,
                "description": application.description,
                "sub_applications": list(application.sub_applications()),
            }
            for application in self.client.applications
            if application.name != self.name
        ]

    @action("go:get_locations")
    def get_locations(self) -> None:
        """Tell what the applications have at each location of this session."""
        # Applications that hear this write down what they have, before it is told.
        self.trigger("go:get_locations", self.client)
        may_use = self.client.may_use
        self.client.send(
            "go:locations",
            {
                location: {name: there for name, there in place.items() if may_use(name)}
                for location, place in self.client.session.locations.items()
            },
        )

    @action("go:set_location", Location)
    def set_location(self, name: str) -> None:
        """Move this tab to another location."""
        self.client.move(name)

    @action("go:sign_out")
    def sign_out(self) -> None:
        """End this sign-in everywhere it is open, this connection included."""
        self.client.sign_out()


def _mark(applications: list[dict[str, object]]) -> int:
    """Tell one list from another, in eight bytes: thousands of clients remember theirs."""
    return hash(msgspec.json.encode(applications)) or 1


def credentials_of(auth: str | dict[str, object] | None) -> Credentials | None:
    """What the member ``auth`` offers."""
    if auth is None:
        return None
    if isinstance(auth, str):
        if auth.lstrip().startswith("{"):
            try:
                return ApiCredentials(parse_text(auth))
            except Malformed:
                # Judged, refused and told of like any other object that lacks something.
                return ApiCredentials({})
        return TokenCredentials(auth) if is_token(auth) else CookieCredentials(auth)
    return ApiCredentials(auth)
