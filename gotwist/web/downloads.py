"""``<url_prefix>downloads/<name>``: files of the signed-in user's own session directory.

<session directory>/<session id>/downloads/<name>
"""

from __future__ import annotations

import mimetypes
import os
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

from twisted.web.iweb import IRequest
from twisted.web.resource import Resource

from gotwist.errors import Denied
from gotwist.web.basic import basic_credentials, challenge, wants_basic
from gotwist.web.conditional import (
    UNSATISFIABLE,
    ByteRange,
    http_date,
    is_not_modified,
    parse_range,
    range_applies,
)
from gotwist.web.confine import is_plain_component, open_confined
from gotwist.web.filesend import DiskThreads, FileSender
from gotwist.web.leaf import Body, Leaf, NotFound, decode_path
from gotwist.web.request import Request
from gotwist.web.signin import FileSent, SignInDesk, SignInView, no_file


class Downloads(Leaf):
    """The download address; there is no listing."""

    def __init__(
        self,
        desk: SignInDesk,
        session_directory: Path,
        threads: DiskThreads,
        *,
        basic_realm: str | None = None,
        on_file: FileSent = no_file,
    ) -> None:
        super().__init__()
        self._desk, self._root, self._threads = desk, session_directory, threads
        self._basic_realm = basic_realm
        self._on_file = on_file

    def render_GET(self, request: Request) -> bytes:
        """No listing."""
        return request.fail(404)

    def getChild(self, path: bytes, request: IRequest) -> Resource:
        segments = decode_path([path, *request.postpath])
        request.postpath.clear()
        if segments is None:
            return NotFound()
        child = Download(segments, self._desk, self._root, self._threads, self._basic_realm)
        child.on_file = self._on_file
        return child


class Download(Leaf):
    """One file of whoever asks."""

    on_file: FileSent = staticmethod(no_file)

    def __init__(
        self,
        components: list[str],
        desk: SignInDesk,
        root: Path,
        threads: DiskThreads,
        basic_realm: str | None,
    ) -> None:
        super().__init__()
        self._basic_realm = basic_realm
        self._components = components
        self._desk, self._root, self._threads = desk, root, threads

    def render_OPTIONS(self, request: Request) -> bytes:
        """Say what may be done."""
        request.setHeader("allow", "GET,HEAD,OPTIONS")
        return b""

    async def render_GET(self, request: Request) -> Body:
        """Send the file, or the one range of it that was asked for."""
        view = await self._who(request)
        if view is None:
            return request.fail(401)
        if not is_plain_component(view.session_id):
            return request.fail(404)
        path = [view.session_id, "downloads", *self._components]
        descriptor, status = await self._threads.run(
            lambda: _open(self._root, path), discard=lambda opened: os.close(opened[0])
        )
        try:
            wanted = self._prepare(request, status)
        except BaseException:
            os.close(descriptor)
            raise
        if wanted is None or not wanted.size or request.method == b"HEAD":
            os.close(descriptor)
            if wanted is None:
                return b""
            return request.send_head(wanted.size)
        self.on_file(view.upn, request.client_address(), "/".join(self._components), wanted.size)
        request.setHeader("content-length", str(wanted.size))
        sender = FileSender(request, descriptor, wanted.start, wanted.size, self._threads)
        return await request.send_file(sender.send)

    render_HEAD = render_GET

    async def _who(self, request: Request) -> SignInView | None:
        peer = request.client_address()
        cookie = request.sign_in_cookie()
        view = None if cookie is None else self._desk.find(cookie, peer)
        if view is not None or self._basic_realm is None:
            return view
        credentials = basic_credentials(request)
        if credentials is not None:
            with suppress(Denied):
                return await self._desk.look(credentials, peer)
        if wants_basic(request):
            challenge(request, self._basic_realm)
        return None

    def _prepare(self, request: Request, status: os.stat_result) -> ByteRange | None:
        """Set status and headers; ``None`` when no part of the file is to be sent."""
        etag = f'"{status.st_ino:x}-{status.st_size:x}-{status.st_mtime_ns:x}"'
        name = self._components[-1]
        for key, value in (
            ("etag", etag),
            ("last-modified", http_date(status.st_mtime)),
            ("cache-control", "private"),
            ("accept-ranges", "bytes"),
        ):
            request.setHeader(key, value)
        asked = {key: request.getHeader(key) for key in ("if-none-match", "if-modified-since")}
        if is_not_modified(asked, etag, status.st_mtime):
            request.setResponseCode(304)
            return None
        request.setHeader("content-type", _content_type(name))
        request.setHeader("content-disposition", _disposition(name))
        request.setHeader("content-security-policy", "sandbox; default-src 'none'")
        whole = ByteRange(0, status.st_size)
        part = parse_range(request.getHeader("range"), status.st_size)
        if part is None or not range_applies(request.getHeader("if-range"), etag, status.st_mtime):
            return whole
        if part == UNSATISFIABLE:
            request.setResponseCode(416)
            request.setHeader("content-range", f"bytes */{status.st_size}")
            return None
        request.setResponseCode(206)
        last = part.start + part.size - 1
        request.setHeader("content-range", f"bytes {part.start}-{last}/{status.st_size}")
        return part


def _open(root: Path, path: list[str]) -> tuple[int, os.stat_result]:
    descriptor = open_confined(root, path)
    return descriptor, os.fstat(descriptor)


def _content_type(name: str) -> str:
    kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
    return f"{kind}; charset=utf-8" if kind.startswith("text/") else kind


def _disposition(name: str) -> str:
    return f"attachment; filename*=UTF-8''{quote(name, safe='')}"
