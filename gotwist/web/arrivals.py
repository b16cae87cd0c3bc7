"""The end of every sign-in at the web door: a cookie and the way on, or a further question."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence

from gotwist.auth.conversation import Asking, MoreAsked, Proven
from gotwist.errors import Denied
from gotwist.web.cookies import clear_step_cookie, set_cookie, set_step_cookie
from gotwist.web.fields import safe_next
from gotwist.web.leaf import HTML, moved
from gotwist.web.pages import landing_page, question_page
from gotwist.web.questions import ANSWER_WITHIN_S, OpenQuestion, OpenQuestions
from gotwist.web.request import Request
from gotwist.web.signin import SignInDesk, SignInTicket


def start_sign_in(request: Request, ticket: SignInTicket) -> None:
    """Give the browser its cookie."""
    secure = request.is_secure_for_client()
    line = set_cookie(ticket.cookie_value, secure=secure, max_age_s=ticket.max_age_s)
    request.cookies.append(line)


class Arrivals:
    """Brings people in whom some method has judged, and asks them what it still wants to know.

    :param prefix: the path of the main page, to which people go on.
    """

    def __init__(self, desk: SignInDesk, prefix: str, questions: OpenQuestions) -> None:
        self.desk = desk
        self.prefix = prefix
        self._questions = questions

    async def arrive(self, request: Request, proven: Proven, next: str | None = None) -> bytes:
        """Answer a request by which a method's own page has proven who somebody is.

        :param next: a path of this site to go on to; anything else leads to the main page.
        :raises Denied: when this user is not to be let in
        """
        judging = self.desk.arrive(proven, request.client_address())
        return await self.finish(request, judging, next)

    async def finish(
        self, request: Request, judging: Awaitable[SignInTicket], next: str | None
    ) -> bytes:
        """Answer with what becomes of ``judging``, a call of the desk; raises what it raises."""
        try:
            ticket = await judging
        except MoreAsked as more:
            return self.ask(request, more.asking, next)
        start_sign_in(request, ticket)
        return self._go_on(request, safe_next(next, self.prefix))

    async def answer(self, request: Request, texts: Sequence[str]) -> bytes:
        """Answer a request that brings the answers to a question.

        :raises Denied: when they are wrong, or when there is no such question any more
        """
        question = self._questions.take(request.step_cookie())
        request.cookies.append(clear_step_cookie(secure=request.is_secure_for_client()))
        if question is None:
            raise Denied("This took too long, or has been answered already. Please begin anew.")
        conversation = question.asking.conversation
        if len(texts) != len(question.asking.question.prompts):
            conversation.close()
            raise Denied("These are not the answers that were asked for. Please begin anew.")
        judging = self.desk.go_on(conversation, texts, request.client_address())
        return await self.finish(request, judging, question.next)

    def ask(self, request: Request, asking: Asking, next: str | None = None) -> bytes:
        """Answer with the page of a question."""
        name = self._questions.put(OpenQuestion(asking, next or "", request.client_address()))
        secure = request.is_secure_for_client()
        request.cookies.append(set_step_cookie(name, secure=secure, max_age_s=ANSWER_WITHIN_S))
        request.setHeader("content-type", HTML)
        return question_page(self.prefix + "auth", asking.question)

    def _go_on(self, request: Request, target: str) -> bytes:
        if request.method == b"POST" or request.is_navigation_of_the_user():
            return moved(request, target, 303)
        # Another site sent the browser here (and it will say so after a redirect as well): the
        # strict cookie travels only when a page of ours is what leads on.
        request.setHeader("content-type", HTML)
        return landing_page(target)
