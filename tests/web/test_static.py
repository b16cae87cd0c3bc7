"""The browser bundle."""

from __future__ import annotations

import json
import os
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from gotwist.errors import Unavailable
from gotwist.web.static import choose_coding, load_bundle
from tests.web.support import House

NAME = "/static/main-ABCDEFGH.js"


class StaticTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.house = House()

    def test_hashed_file(self) -> None:
        """A hashed file may be kept for a year and read by other sites."""
        answer = self.house.ask(NAME)
        self.assertEqual((answer.status, answer.body), (200, b"plain"))
        self.assertEqual(answer.header("cache-control"), "public, max-age=31536000, immutable")
        self.assertEqual(answer.header("access-control-allow-origin"), "*")
        self.assertEqual(answer.header("vary"), "Accept-Encoding")
        self.assertEqual(answer.header("content-type"), "text/javascript; charset=utf-8")

    def test_other_file(self) -> None:
        """A file without a hash in its name is asked for anew each time."""
        answer = self.house.ask("/static/icon.svg")
        self.assertEqual(answer.header("cache-control"), "no-cache")
        self.assertIsNone(answer.header("vary"))

    def test_codings(self) -> None:
        """The best ready-made coding that the client takes is sent, with a tag of its own."""
        for accept, coding, body in (
            ("gzip, deflate, br", "br", b"brotli"),
            ("gzip", "gzip", b"gzip"),
            ("br;q=0, gzip;q=0.5", "gzip", b"gzip"),
            ("*", "br", b"brotli"),
            ("identity", None, b"plain"),
            ("br;q=x", None, b"plain"),
        ):
            answer = self.house.ask(NAME, Accept_Encoding=accept)
            self.assertEqual((answer.header("content-encoding"), answer.body), (coding, body))
        self.assertEqual(choose_coding("br", {"": 0}), "")

    def test_known_file(self) -> None:
        """A client that has the file gets 304, per coding."""
        tag = self.house.ask(NAME, Accept_Encoding="br").header("etag") or ""
        answer = self.house.ask(NAME, Accept_Encoding="br", If_None_Match=f'"x", W/{tag}')
        self.assertEqual((answer.status, answer.body), (304, b""))
        self.assertIsNone(answer.header("content-length"))
        self.assertEqual(self.house.ask(NAME, If_None_Match=tag).status, 200)

    def test_options(self) -> None:
        """OPTIONS answers 200 with Allow and nothing else."""
        answer = self.house.ask(NAME, "OPTIONS")
        self.assertEqual((answer.status, answer.body), (200, b""))
        self.assertEqual(answer.header("allow"), "GET,HEAD,OPTIONS")

    def test_head(self) -> None:
        """HEAD tells the size without the file."""
        self.assertEqual(self.house.ask(NAME, "HEAD").header("content-length"), "5")

    def test_hostile_names(self) -> None:
        """Names are looked up: none leads out."""
        for name in ("../index.html", "%2e%2e/index.html", "..%2findex.html", "%252e%252e/x"):
            self.assertEqual(self.house.ask(f"/static/{name}").status, 404, name)
        self.assertEqual(self.house.ask(NAME + "/x").status, 404)


class LoadTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.directory = Path(self.mktemp())
        (self.directory / "dist").mkdir(parents=True)

    def write(self, name: str, content: str) -> None:
        """Put a file into the static directory."""
        (self.directory / name).write_text(content)

    def test_load(self) -> None:
        """The page, the built files with their variants, and other files are read."""
        self.write("index.html", "page")
        self.write("favicon.svg", "<svg/>")
        self.write("dist/main-ABCDEFGH.js", "js")
        self.write("dist/main-ABCDEFGH.js.br", "br")
        self.write("dist/manifest.json", json.dumps({"main.js": "main-ABCDEFGH.js"}))
        os.symlink("/etc/passwd", self.directory / "dist" / "passwd.txt")
        bundle = load_bundle(self.directory)
        self.assertEqual(set(bundle.files), {"main-ABCDEFGH.js", "favicon.svg"})
        self.assertEqual(set(bundle.files["main-ABCDEFGH.js"].variants), {"", "br"})
        self.assertTrue(bundle.files["main-ABCDEFGH.js"].is_hashed)
        self.assertFalse(bundle.files["favicon.svg"].is_hashed)
        self.assertEqual(
            (bundle.template, bundle.manifest["main.js"]), ("page", "main-ABCDEFGH.js")
        )

    def test_nothing_there(self) -> None:
        """Without a static directory there is an empty bundle, not a crash."""
        self.assertEqual(load_bundle(self.directory / "none").files, {})

    def test_bad_manifest(self) -> None:
        """A broken manifest is a clear sentence."""
        self.write("dist/manifest.json", "[1]")
        self.assertRaises(Unavailable, load_bundle, self.directory)
