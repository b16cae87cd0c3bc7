"""Tests of regular expressions whose time is bounded."""

from __future__ import annotations

import re
import time

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gotwist.settings.expressions import MAX_VALUE, compile_expression, matches


class ExpressionTests(SynchronousTestCase):
    def matches(self, expression: str, value: str) -> bool:
        return matches(compile_expression(expression), value)

    def test_usual(self) -> None:
        """What people write to name users, groups and addresses is understood."""
        for expression, value in (
            (r"alice@example\.org|bob@example\.org", "bob@example.org"),
            (r"[a-z.]+@(sales|support)\.example\.org", "a.b@sales.example.org"),
            (r"(?i)CN=.*,OU=Staff,.*", "cn=alice,ou=staff,dc=example"),
            (r"10\.\d{1,3}\.\d{1,3}\.\d{1,3}", "10.1.2.3"),
            (r"(?!root).*", "alice"),
            (r"(?:ab)*", "ababab"),
            (r"x++y", "xxy"),
        ):
            self.assertTrue(self.matches(expression, value), expression)
            self.assertFalse(self.matches(expression, f"{value}\n"), expression)

    def test_catastrophes(self) -> None:
        """What could take longer than anybody waits is refused when it is read."""
        for expression in (
            "(a+)+b",
            "(a*)*b",
            "(a|aa)+b",
            "(a|a?)+b",
            "(.*)*x",
            "(.*a){12}",
            "([a-z]+)*[0-9]",
            ".*.*.*.*=",
            "(a?){30}a{30}",
            "((a|b|c)+d)+e",
            "(?=(a+)+b)a",
            "(?>(a+)+)b",
        ):
            error = self.assertRaises(ValueError, compile_expression, expression)
            self.assertIn("too long to match", str(error), expression)

    def test_not_understood(self) -> None:
        """What cannot be weighed, or is no expression, is refused."""
        self.assertRaises(ValueError, compile_expression, r"(x)\1")
        self.assertRaises(ValueError, compile_expression, r"(x)?(?(1)y|z)")
        self.assertRaises(ValueError, compile_expression, "(")
        self.assertRaises(ValueError, compile_expression, "a" * 1001)

    def test_long_values(self) -> None:
        """A value that is longer than any name matches nothing, not even everything."""
        self.assertTrue(self.matches(".*", "a" * MAX_VALUE))
        self.assertFalse(self.matches(".*", "a" * (MAX_VALUE + 1)))

    def test_the_worst_that_is_allowed(self) -> None:
        """The heaviest expressions that are allowed still match in a moment."""
        began = time.process_time()
        for expression in ("(?:a?){23}b", ".*.*.*b", "(?:[ab]|[ac]){8}.*.*b", "(a|b|ab){14}c"):
            self.matches(expression, "a" * MAX_VALUE)
            self.matches(expression, "ab" * (MAX_VALUE // 2))
        self.assertLess(time.process_time() - began, 8)

    @given(st.from_regex(r"[ab.?+*()|{}0-9\[\]\\]{0,12}", fullmatch=True))
    def test_any(self, expression: str) -> None:
        """Whatever is written is refused with a sentence or matches in a moment."""
        try:
            pattern = compile_expression(expression)
        except ValueError as error:
            self.assertTrue(str(error))
            return
        began = time.process_time()
        self.assertEqual(bool(pattern.fullmatch("ab")), bool(re.fullmatch(expression, "ab")))
        matches(pattern, "a" * 100 + "c")
        self.assertLess(time.process_time() - began, 5)
