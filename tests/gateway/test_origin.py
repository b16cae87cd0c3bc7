"""Tests of the rule of origins."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gotwist.gateway.origin import OriginRule, parse_origin

RULE = OriginRule(("https://embed.example", "other.example:8443"), ("gate.example", "::1"))


class OriginTests(SynchronousTestCase):
    """Which pages may connect."""

    def allowed(self, origin: str | None, host: str | None = "gate.example", **more: bool) -> bool:
        """Whether a page over HTTPS may."""
        secure, cookie = more.get("secure", True), more.get("cookie", True)
        return RULE.allows(origin, host, secure, cookie)

    def test_own(self) -> None:
        """A page of the daemon itself may, by name or address, with port or without."""
        self.assertTrue(self.allowed("https://gate.example"))
        self.assertTrue(self.allowed("https://GATE.example:443", "gate.example"))
        self.assertTrue(self.allowed("https://gate.example:10443", "gate.example:10443"))
        self.assertTrue(self.allowed("https://[::1]:10443", "[::1]:10443"))
        self.assertTrue(self.allowed("http://gate.example", secure=False))

    def test_nearly_own(self) -> None:
        """Another scheme, another port, another name is another origin."""
        self.assertFalse(self.allowed("http://gate.example"))
        self.assertFalse(self.allowed("https://gate.example:444"))
        self.assertFalse(self.allowed("https://gate.example.evil.example"))
        self.assertFalse(self.allowed("https://notgate.example"))
        self.assertFalse(self.allowed("https://gate.example."))
        self.assertFalse(self.allowed("https://evil.example", "evil.example"))
        self.assertFalse(self.allowed("https://gate.example", None))

    def test_listed(self) -> None:
        """What is listed may; an entry without a scheme means the door's own."""
        self.assertTrue(self.allowed("https://embed.example"))
        self.assertTrue(self.allowed("https://other.example:8443"))
        self.assertFalse(self.allowed("http://embed.example"))
        self.assertFalse(self.allowed("https://other.example"))
        self.assertFalse(self.allowed("http://other.example:8443"))

    def test_no_page(self) -> None:
        """What is no web page's origin is refused."""
        for origin in ("null", "", "file://", "file:///x", "chrome-extension://abc", "https://"):
            self.assertFalse(self.allowed(origin), origin)
        for origin in (
            "https://gate.example/",
            "https://gate.example?",
            "https://gate.example#",
            "https://x@gate.example",
            "https://gate.example:x",
            "https://gate.example https://evil.example",
        ):
            self.assertFalse(self.allowed(origin), origin)

    def test_missing(self) -> None:
        """A program without a browser may, if it brings no cookie."""
        self.assertTrue(self.allowed(None, cookie=False))
        self.assertFalse(self.allowed(None, cookie=True))
        self.assertFalse(OriginRule(allow_missing=False).allows(None, "localhost", True, False))

    def test_star(self) -> None:
        """The operator's override lets everybody in."""
        self.assertTrue(OriginRule(("*",)).allows("null", None, True, True))

    @given(st.text(max_size=40))
    def test_anything(self, text: str) -> None:
        """Any text is an origin or none, and never lets in by accident."""
        parse_origin(text)
        self.assertFalse(OriginRule().allows(text, "localhost", True, True))
