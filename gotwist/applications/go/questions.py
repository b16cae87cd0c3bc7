"""Signing in over the WebSocket, and what is asked on the way: a code, a second password."""

from __future__ import annotations

from typing import Annotated

import msgspec

from gotwist.applications.go.signinlist import SignInList
from gotwist.auth.conversation import MAX_ANSWER, Asking, MoreAsked
from gotwist.auth.credentials import AnswerCredentials, Credentials
from gotwist.errors import Denied, NotFound
from gotwist.gateway.actions import action

ANSWER_WITHIN_S = 180.0
MAX_QUESTIONS = 8
"""On one connection, however often it begins anew."""

Answers = Annotated[
    list[Annotated[str, msgspec.Meta(max_length=MAX_ANSWER)]], msgspec.Meta(max_length=16)
]


class Questions(SignInList):
    """The part of the core application that lets people in."""

    _asking: Asking | None = None
    _location = ""
    _asked = 0

    def welcome(self) -> None:
        """Called when somebody has signed in: tell the page what it needs to know."""

    async def enter(self, credentials: Credentials | None, location: str) -> None:
        """Sign in, ask what is still wanted, or tell that it was refused."""
        client = self.client
        try:
            await client.authenticate(credentials, location)
        except MoreAsked as more:
            self._ask(more.asking, location)
            return
        except Denied:
            if client.user is not None:
                raise
            client.send("go:reauthenticate", True)
            return
        if client.is_open and client.user is not None:
            self.welcome()

    def _ask(self, asking: Asking, location: str) -> None:
        self._give_up()
        if not self.client.is_open or self._asked >= MAX_QUESTIONS:
            asking.conversation.close()
            self.client.send("go:reauthenticate", True)
            return
        self._asked += 1
        self._asking, self._location = asking, location
        self.client.allow_time(ANSWER_WITHIN_S)
        question = asking.question
        self.client.send(
            "go:question",
            {
                "messages": list(question.messages),
                "prompts": [
                    {"text": prompt.text, "hidden": prompt.is_hidden} for prompt in question.prompts
                ],
            },
        )

    @action("go:answer", Answers, before_authentication=True)
    async def answer(self, texts: list[str]) -> None:
        """Give the answers to the question that was asked last, once."""
        asking, self._asking = self._asking, None
        if asking is None:
            raise NotFound("Nothing has been asked.")
        if len(texts) != len(asking.question.prompts):
            asking.conversation.close()
            self.client.send("go:reauthenticate", True)
            return
        await self.enter(AnswerCredentials(asking.conversation, tuple(texts)), self._location)

    def on_close(self) -> None:
        """Nobody is going to answer."""
        self._give_up()

    def _give_up(self) -> None:
        asking, self._asking = self._asking, None
        if asking is not None:
            asking.conversation.close()
