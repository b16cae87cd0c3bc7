"""A web door on real sockets of loopback, for what memory cannot show."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import treq
from twisted.internet import reactor as _reactor
from twisted.internet.threads import deferToThread
from twisted.trial.unittest import TestCase
from twisted.web.http_headers import Headers
from twisted.web.iweb import IResponse

from gotwist.web.certificate import ensure_certificate
from gotwist.web.options import WebSettings
from gotwist.web.questions import OpenQuestions
from gotwist.web.resources import HouseParts
from gotwist.web.service import IWebReactor, WebDoor
from gotwist.web.tls import ReloadingTls
from tests.web.support import BUNDLE, Desk

reactor = cast(IWebReactor, _reactor)


class LiveTestCase(TestCase):
    """Makes doors on ports of the system's choice, in a directory of the test's own."""

    def setUp(self) -> None:
        self.directory = Path(self.mktemp()).absolute()
        self.directory.mkdir()
        self.desk = Desk()
        self.parts = HouseParts(
            self.desk,
            BUNDLE,
            lambda view: {"user": view.upn},
            questions=OpenQuestions(reactor),
        )

    def settings(self, **changes: Any) -> WebSettings:
        """Give settings for a plain door; ``changes`` on top."""
        plain = WebSettings(
            static_directory=self.directory,
            session_directory=self.directory / "sessions",
            port=0,
            disable_ssl=True,
        )
        return replace(plain, **changes)

    def make_tls(self) -> ReloadingTls:
        """Give a fresh certificate."""
        paths = self.directory / "certificate.pem", self.directory / "key.pem"
        ensure_certificate(*paths, ["box.example"])
        return ReloadingTls(*paths)

    def open_door(self, tls: ReloadingTls | None = None, **changes: Any) -> WebDoor:
        """Open a door; it is closed when the test ends."""
        settings = self.settings(disable_ssl=tls is None, **changes)
        door = WebDoor(settings, self.parts, reactor, tls=tls)
        door.privilegedStartService()
        door.startService()
        self.addCleanup(door.stopService)
        return door

    async def get(self, door: WebDoor, target: str, **headers: str) -> IResponse:
        """Ask a plain door; header names with ``_`` for ``-``."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return await request("GET", f"http://127.0.0.1:{door.port}{target}", named)

    async def in_thread(self, function: Callable[[], Any]) -> Any:
        """Run a blocking client beside the reactor."""
        return await deferToThread(function)


async def request(method: str, url: str, headers: Mapping[str, str]) -> IResponse:
    """Ask on a connection of its own, following no redirect."""
    response = await treq.request(
        method,
        url,
        headers=Headers({name: [value] for name, value in headers.items()}),
        persistent=False,
        allow_redirects=False,
    )
    return cast(IResponse, response)


def client_context(directory: Path) -> ssl.SSLContext:
    """Give a client's context that trusts the certificate of the test."""
    return ssl.create_default_context(cafile=str(directory / "certificate.pem"))
