"""Tests of the kinds of options."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gotwist.settings.kinds import (
    Boolean,
    Choice,
    Duration,
    Integer,
    Kind,
    OctalMode,
    Path,
    Size,
    Text,
    UrlPrefix,
)
from gotwist.settings.lists import TextList, bind_address, network, origin
from gotwist.settings.mappings import Commands, Environment
from gotwist.settings.table import TABLE
from gotwist.settings.values import JSON


class KindTests(SynchronousTestCase):
    def texts(self, kind: Kind, good: dict[str, object], bad: tuple[str, ...]) -> None:
        for text, value in good.items():
            self.assertEqual(value, kind.from_text(text), text)
        for text in bad:
            self.assertRaises(ValueError, kind.from_text, text)

    def refused_json(self, kind: Kind, *bad: JSON) -> None:
        for raw in bad:
            self.assertRaises(ValueError, kind.from_json, raw)

    def test_booleans(self) -> None:
        """Booleans are True and False on the command line, true and false in files."""
        self.texts(Boolean(), {"True": True, "false": False}, ("", "1", "yes", "None"))
        self.assertIs(True, Boolean().from_json(True))
        self.refused_json(Boolean(), 1, "true", None)

    def test_integers(self) -> None:
        """Numbers are whole and in range; true is not 1."""
        self.texts(Integer(0, 65535), {"0": 0, "65535": 65535}, ("-1", "65536", "1.5", "", " 1"))
        self.refused_json(Integer(0, 9), True, 1.0, "1", 10)

    def test_durations(self) -> None:
        """Times have units, digits alone are milliseconds, the value is seconds."""
        self.texts(
            Duration(),
            {
                "30s": 30.0,
                "5m": 300.0,
                "2h": 7200.0,
                "5d": 432_000.0,
                "1M": 2_592_000.0,
                "1y": 31_536_000.0,
                "500": 0.5,
                "0": 0.0,
            },
            ("", "5x", "-1s", "1.5h", "s", "5 m", "999999999999y", "1m1s"),
        )
        self.assertEqual(0.5, Duration().from_json(500))
        self.assertIsInstance(Duration().from_json("1s"), float)
        self.refused_json(Duration(), True, 1.5, None, [])

    def test_least_duration(self) -> None:
        """An interval cannot be so short that the daemon does nothing else."""
        self.texts(Duration(60), {"60s": 60.0}, ("59s", "0"))
        self.texts(Duration(60, zero=True), {"0": 0.0, "0s": 0.0}, ("1s",))

    def test_sizes(self) -> None:
        """Sizes have units of 1024."""
        self.texts(
            Size(1, 2**30),
            {"1": 1, "64K": 65536, "1M": 2**20, "1 MiB": 2**20, "1g": 2**30},
            ("0", "", "K", "2G", "-1", "1.5M"),
        )
        self.texts(Size(1, 2**30, power_of_two=True), {"1M": 2**20}, ("3M", "1000"))
        self.refused_json(Size(1, 9), True, 1.0, None)

    def test_modes(self) -> None:
        """Modes are octal texts; a JSON number would be read as decimal."""
        self.texts(OctalMode(), {"0600": 0o600, "660": 0o660}, ("", "0800", "600 ", "01777"))
        self.refused_json(OctalMode(), 600, None)

    def test_choices(self) -> None:
        """Choices are exact."""
        self.texts(Choice(("none", "token")), {"none": "none"}, ("None", "", "pam"))
        self.refused_json(Choice(("none",)), None, True)

    def test_paths(self) -> None:
        """Paths are absolute and without control characters."""
        self.texts(Path(), {"/a b/c": "/a b/c"}, ("", "a", "./a", "~/a", "/a\nb", "/a\x00"))

    def test_texts(self) -> None:
        """Texts hold no control characters."""
        self.texts(Text(), {"": "", "ä b": "ä b"}, ("a\nb", "\x1b"))
        self.refused_json(Text(), 1, None)

    def test_url_prefixes(self) -> None:
        """Missing slashes are added to a prefix."""
        self.texts(
            UrlPrefix(),
            {"": "/", "/": "/", "a": "/a/", "/a/b": "/a/b/", "/a/b/": "/a/b/"},
            ("/../", "/a//b", "/a b/", "/a?x", "/.a/", "/%2e/"),
        )

    def test_lists(self) -> None:
        """Lists have ; between their items, or are JSON lists; none stands twice."""
        self.texts(TextList(), {"": (), "a": ("a",), "a; b;a;": ("a", "b")}, ("a\nb",))
        self.assertEqual(("a", "b"), TextList().from_json(["a", "b"]))
        self.assertEqual(("a", "b"), TextList().from_json("a;b"))
        self.refused_json(TextList(), 1, [1], {"a": "b"}, [""], None)

    def test_addresses(self) -> None:
        """Addresses to listen on are IP addresses; empty means all."""
        self.texts(
            TextList(bind_address, may_be_blank=True),
            {
                "": ("",),
                "127.0.0.1;::1": ("127.0.0.1", "::1"),
                "localhost": ("127.0.0.1",),
                "[::1]": ("::1",),
            },
            ("example.org", "127.0.0.1:80", "300.1.1.1"),
        )

    def test_networks(self) -> None:
        """Trusted proxies are addresses or networks."""
        self.texts(
            TextList(network),
            {"10.0.0.5;10.1.2.3/16;::1": ("10.0.0.5/32", "10.1.0.0/16", "::1/128")},
            ("example.org", "10.0.0.0/99"),
        )

    def test_origins(self) -> None:
        """Origins have no path, and may lack scheme and port."""
        self.texts(
            TextList(origin),
            {
                "https://A.example.org:8443;localhost;[::1]:80;*": (
                    "https://a.example.org:8443",
                    "localhost",
                    "[::1]:80",
                    "*",
                )
            },
            ("https://a/", "null", "a b", "ftp://a", "http://", "*.example.org", "https://a:b"),
        )

    def test_commands(self) -> None:
        """A command is a text or an object with one; quotes are closed."""
        kind = Commands()
        full = {"command": "top", "description": "Load", "icon": ""}
        self.assertEqual(
            {"t": full}, kind.from_json({"t": {"command": "top", "description": "Load"}})
        )
        self.assertEqual(
            {"s": {"command": "%SHELL% -l", "description": "", "icon": ""}},
            kind.from_json({"s": "%SHELL% -l"}),
        )
        self.refused_json(
            kind,
            None,
            [],
            "top",
            {"a": ""},
            {"a": "sh 'open"},
            {"a": {"description": "x"}},
            {"a": {"command": "x", "colour": "red"}},
            {"a": {"command": ["x"]}},
            {"a": "x\ny"},
            {"a": "''\n"},
            {"": "x"},
        )

    def test_environment(self) -> None:
        """Variables are texts, and never those that load code into programs."""
        kind = Environment()
        self.assertEqual({"TERM": "xterm"}, kind.from_json({"TERM": "xterm"}))
        self.refused_json(kind, None, {"A": 1}, {"A B": "x"}, {"LD_PRELOAD": "x"}, {"ENV": "x"})

    def test_mappings_are_frozen(self) -> None:
        """Nobody can change a value of the settings."""
        value = Commands().from_json({"t": "top"})
        with self.assertRaises(TypeError):
            value["x"] = 1  # type: ignore[index]

    @given(st.integers(0, 10**11))
    def test_durations_round_trip(self, milliseconds: int) -> None:
        """A time that is written down is read back."""
        kind = Duration()
        value = kind.from_text(str(milliseconds))
        self.assertEqual(value, kind.from_json(kind.to_json(value)))

    @given(st.integers(0, 2**40))
    def test_sizes_round_trip(self, size: int) -> None:
        """A size that is written down is read back."""
        kind = Size(0, 2**40)
        self.assertEqual(size, kind.from_json(kind.to_json(size)))

    @given(
        st.sampled_from(sorted({type(o.kind).__name__: o.kind for o in TABLE}.items())),
        st.text(max_size=30),
    )
    def test_any_text(self, named: tuple[str, Kind], text: str) -> None:
        """Any text gives a value that can be written and read back, or a ValueError."""
        kind = named[1]
        try:
            value = kind.from_text(text)
        except ValueError:
            return
        self.assertEqual(value, kind.from_json(kind.to_json(value)))
