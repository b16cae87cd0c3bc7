"""Addresses added by applications."""

from __future__ import annotations

import re

from twisted.trial.unittest import SynchronousTestCase

from gotwist.errors import Malformed, Unavailable
from gotwist.web.leaf import Leaf
from gotwist.web.request import Request
from gotwist.web.signin import SignInView
from tests.web.support import COOKIE, House, settings_with

SIGNED_IN = f"gotwist={COOKIE}"


def greet(request: Request, match: re.Match[str], view: SignInView | None) -> bytes:
    """Answer with what was matched, and who asks."""
    return f"{match[1]} {view.upn if view else None}".encode()


class Name(Leaf):
    """A resource that tells what is below it."""

    def getChild(self, path: bytes, request: object) -> Leaf:
        return Name(path)

    def __init__(self, name: bytes = b"top") -> None:
        super().__init__()
        self.name = name

    def render_GET(self, request: Request) -> bytes:
        return self.name


class HandlerTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.house = House(settings_with(url_prefix="/a"))
        self.handlers = self.house.parts.handlers

    def test_pattern(self) -> None:
        """A pattern is matched against the decoded path below the prefix, in full."""
        self.handlers.add_handler(r"hello/(\w+)", greet)
        ask = self.house.ask
        self.assertEqual(ask("/a/hello/%C3%A4?x=y", Cookie=SIGNED_IN).body, "ä alice".encode())
        for target in ("/a/hello/", "/a/hello/x/y", "/hello/x", "/a/xhello/x", "/a/hello/%ff"):
            self.assertEqual(ask(target, Cookie=SIGNED_IN).status, 404, target)

    def test_needs_sign_in(self) -> None:
        """Without being public, a handler is for the signed in, and a POST for our pages."""
        self.handlers.add_handler(r"in/(\w+)", greet)
        self.handlers.add_handler(r"out/(\w+)", greet, is_public=True)
        ask = self.house.ask
        self.assertEqual(ask("/a/in/x").status, 401)
        self.assertEqual(ask("/a/in/x", "POST", Cookie=SIGNED_IN).status, 403)
        self.assertEqual(
            ask("/a/in/x", "POST", Cookie=SIGNED_IN, Origin="http://localhost").body, b"x alice"
        )
        self.assertEqual(ask("/a/out/x", "POST").body, b"x None")

    def test_own_addresses_first(self) -> None:
        """A handler cannot take the daemon's own addresses."""
        self.handlers.add_handler(r"(.*)", greet, is_public=True)
        self.assertEqual(self.house.ask("/a/healthz").body, b"ok\n")
        self.assertEqual(self.house.ask("/a/other").body, b"other None")

    def test_resource(self) -> None:
        """A resource with children gets what follows its pattern."""
        self.handlers.add_handler(r"tree/", Name(), is_public=True)
        self.assertEqual(self.house.ask("/a/tree/x/y").body, b"y")
        self.assertEqual(self.house.ask("/a/tree").status, 404)

    def test_put(self) -> None:
        """What an application gives again replaces what it gave first; nonsense is refused."""
        for answer in (Name(b"first"), greet):
            self.handlers.put(r"app/(x)", answer)
        self.assertEqual(self.house.ask("/a/app/x", Cookie=SIGNED_IN).body, b"x alice")
        self.assertEqual(self.house.ask("/a/app/x").status, 401)
        with self.assertRaises(TypeError):
            self.handlers.put(r"app/(y)", "text")
        with self.assertRaises(re.error):
            self.handlers.put(r"app/(", greet)

    def test_removed(self) -> None:
        """A handler taken away answers no more."""
        remove = self.handlers.add_handler(r"(x)", greet, is_public=True)
        self.assertEqual(self.house.ask("/a/x").status, 200)
        remove()
        remove()
        self.assertEqual(self.house.ask("/a/x").status, 404)

    def test_larger_bodies(self) -> None:
        """A handler may allow larger bodies; the others keep their limit."""

        async def size(request: Request, match: re.Match[str], view: SignInView | None) -> bytes:
            return b"%d" % len(request.body())

        self.handlers.add_handler(r"large", size, is_public=True, max_body=200_000)
        self.handlers.add_handler(r"small", size, is_public=True)
        body = b"x" * 150_000
        self.assertEqual(self.house.ask("/a/large", "POST", body=body).body, b"150000")
        self.assertEqual(self.house.ask("/a/small", "POST", body=body).status, 413)

    def test_refusals(self) -> None:
        """An error of ours becomes its status, with its sentence as text."""
        for error, status in ((Malformed("<b>"), 400), (Unavailable("later"), 503)):

            async def fail(
                request: Request,
                match: re.Match[str],
                view: SignInView | None,
                error: Exception = error,
            ) -> bytes:
                raise error

            remove = self.handlers.add_handler(r"fail", fail, is_public=True)
            answer = self.house.ask("/a/fail")
            remove()
            self.assertEqual(answer.status, status)
            self.assertNotIn(b"<b>", answer.body)

    def test_client_gone(self) -> None:
        """When the client goes away, what was being done for it is cancelled, silently."""
        from twisted.internet.defer import CancelledError, Deferred

        ended: list[str] = []

        async def wait(request: Request, match: re.Match[str], view: SignInView | None) -> bytes:
            try:
                await Deferred()
            except CancelledError:
                ended.append("cancelled")
                raise
            return b""

        self.handlers.add_handler(r"wait", wait, is_public=True)
        connection = self.house.connect()
        connection.send(b"GET /a/wait HTTP/1.1\r\nHost: localhost\r\n\r\n")
        connection.lose()
        self.assertEqual(ended, ["cancelled"])
        self.assertEqual(self.flushLoggedErrors(), [])
