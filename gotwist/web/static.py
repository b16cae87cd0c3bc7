"""The browser bundle: read once at start, then served from memory.

A bundle is some hundred KiB; ``MAX_BYTES`` bounds what is taken in.  Names with a hash of their
content may be kept by browsers for a year.  Links are not followed.
"""

from __future__ import annotations

import hashlib
import json
import mimetypes
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from twisted.web.iweb import IRequest
from twisted.web.resource import Resource

from gotwist.errors import GotwistError, Unavailable
from gotwist.web.conditional import etag_matches
from gotwist.web.confine import is_plain_component, open_confined
from gotwist.web.leaf import Leaf, NotFound, decode_path
from gotwist.web.request import Request

MAX_BYTES: Final = 32 * 1_048_576
_HASHED: Final = re.compile(r".*-[0-9A-Za-z]{8,}\.[A-Za-z0-9.]+")
_ENCODINGS: Final = (("br", ".br"), ("gzip", ".gz"))
_NOT_SERVED: Final = frozenset({"index.html", "manifest.json"})
_TYPES: Final = {
    ".js": "text/javascript",
    ".css": "text/css",
    ".svg": "image/svg+xml",
    ".woff2": "font/woff2",
    ".wasm": "application/wasm",
    ".webmanifest": "application/manifest+json",
    ".txt": "text/plain",
}


@dataclass(frozen=True)
class StaticFile:
    """One file with its ready-made variants by content coding (``""``: as it is)."""

    content_type: str
    is_hashed: bool
    variants: Mapping[str, tuple[bytes, str]]
    """Coding to (content, ETag)."""


@dataclass(frozen=True)
class Bundle:
    """All files of the browser client, and the template of its page."""

    files: Mapping[str, StaticFile] = field(default_factory=dict)
    manifest: Mapping[str, str] = field(default_factory=dict)
    template: str | None = None


def load_bundle(directory: Path) -> Bundle:
    """Read ``index.html``, ``dist/`` and other files of a static directory; for start-up.

    A directory that is not there gives an empty bundle.

    :raises Unavailable: when the files are too many, or the manifest is not one.
    """
    contents = _read_plain_files(directory, MAX_BYTES)
    built = _read_plain_files(directory / "dist", MAX_BYTES - sum(map(len, contents.values())))
    contents |= built
    manifest = _parse_manifest(contents.get("manifest.json", b"{}"))
    page = contents.get("index.html")
    names = contents.keys() - _NOT_SERVED
    files = {name: _make_file(name, contents) for name in names if not _is_variant(name, names)}
    return Bundle(files, manifest, None if page is None else page.decode("utf-8"))


def _read_plain_files(directory: Path, room: int) -> dict[str, bytes]:
    contents: dict[str, bytes] = {}
    try:
        names = sorted(os.listdir(directory))
    except (FileNotFoundError, NotADirectoryError):
        return {}
    for name in names:
        if name.startswith(".") or not is_plain_component(name):
            continue
        try:
            descriptor = open_confined(directory, [name])
        except GotwistError:
            continue
        with open(descriptor, "rb") as file:
            room -= os.fstat(descriptor).st_size
            if room < 0:
                raise Unavailable(f"{directory} holds more than {MAX_BYTES} bytes.")
            contents[name] = file.read()
    return contents


def _parse_manifest(text: bytes) -> Mapping[str, str]:
    try:
        manifest = json.loads(text)
    except ValueError:
        manifest = None
    if not isinstance(manifest, dict) or not all(isinstance(v, str) for v in manifest.values()):
        raise Unavailable("The browser bundle's manifest.json cannot be read: build it again.")
    return {str(key): str(value) for key, value in manifest.items()}


def _is_variant(name: str, names: set[str]) -> bool:
    return any(name.endswith(end) and name.removesuffix(end) in names for _, end in _ENCODINGS)


def _make_file(name: str, contents: Mapping[str, bytes]) -> StaticFile:
    variants = {"": contents[name]}
    variants |= {c: contents[name + end] for c, end in _ENCODINGS if name + end in contents}
    guessed = _TYPES.get(Path(name).suffix) or mimetypes.guess_type(name)[0]
    kind = guessed or "application/octet-stream"
    if kind.startswith("text/") or kind == "image/svg+xml":
        kind += "; charset=utf-8"
    tagged = {coding: (data, _etag(data)) for coding, data in variants.items()}
    return StaticFile(kind, _HASHED.fullmatch(name) is not None, tagged)


def _etag(data: bytes) -> str:
    return f'"{hashlib.sha256(data).hexdigest()[:32]}"'


def choose_coding(accept: str, available: Mapping[str, object]) -> str:
    """Pick the best coding we have of those the client takes; ``""`` for none."""
    taken = {}
    for member in accept.lower().split(","):
        coding, _, parameter = member.partition(";")
        weight = parameter.replace(" ", "").removeprefix("q=")
        try:
            taken[coding.strip()] = float(weight) if weight else 1.0
        except ValueError:
            taken[coding.strip()] = 0.0
    for coding, _ in _ENCODINGS:
        if coding in available and taken.get(coding, taken.get("*", 0.0)) > 0.0:
            return coding
    return ""


class StaticResource(Leaf):
    """``<url_prefix>static/``; its names are looked up, never joined to a path."""

    def __init__(self, bundle: Bundle) -> None:
        super().__init__()
        self._bundle = bundle

    def getChild(self, path: bytes, request: IRequest) -> Resource:
        segments = decode_path([path, *request.postpath])
        file = self._bundle.files.get("/".join(segments)) if segments else None
        if file is None:
            return NotFound()
        request.postpath.clear()
        return StaticFileResource(file)

    def render_GET(self, request: Request) -> bytes:
        """There is no listing."""
        return request.fail(404)


class StaticFileResource(Leaf):
    """One file."""

    def __init__(self, file: StaticFile) -> None:
        super().__init__()
        self._file = file

    def render_GET(self, request: Request) -> bytes:
        """Give the file in the best coding the client takes."""
        file = self._file
        coding = choose_coding(request.getHeader("accept-encoding") or "", file.variants)
        content, etag = file.variants[coding]
        headers = request.responseHeaders
        headers.setRawHeaders("access-control-allow-origin", ["*"])
        headers.setRawHeaders("etag", [etag])
        headers.setRawHeaders("content-type", [file.content_type])
        age = "public, max-age=31536000, immutable" if file.is_hashed else "no-cache"
        headers.setRawHeaders("cache-control", [age])
        if len(file.variants) > 1:
            headers.setRawHeaders("vary", ["Accept-Encoding"])
        known = request.getHeader("if-none-match")
        if known is not None and etag_matches(known, etag):
            request.setResponseCode(304)
            return b""
        if coding:
            headers.setRawHeaders("content-encoding", [coding])
        return content

    def render_OPTIONS(self, request: Request) -> bytes:
        """Say what may be done."""
        request.setHeader("access-control-allow-origin", "*")
        request.setHeader("allow", "GET,HEAD,OPTIONS")
        return b""
