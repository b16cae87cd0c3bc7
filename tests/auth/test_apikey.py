"""Tests of the objects with which other sites vouch for their users."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from gotwist.auth.apikey import (
    DIGESTS,
    METHOD_API,
    RESERVED,
    ApiKeys,
    ApiRules,
    Refused,
    parse_object,
    parse_text,
    sign,
)
from gotwist.auth.replays import MemoryReplays
from gotwist.auth.user import User
from gotwist.errors import Malformed, Unavailable

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "api.json").read_text())
KEY, SECRET, OTHER_KEY, OTHER = "key-one", "s" * 43, "key-two", "t" * 43
NOW = 1_700_000_000.0


def signed(
    upn: str = "joe@company.com",
    *,
    at: float = NOW,
    key: str = KEY,
    secret: str = SECRET,
    method: str = "HMAC-SHA256",
    **more: object,
) -> dict[str, object]:
    """An object as an embedding site makes it; ``more`` replaces and adds members."""
    timestamp = str(round(at * 1000))
    return {
        "api_key": key,
        "upn": upn,
        "timestamp": timestamp,
        "signature": sign(secret, key, upn, timestamp, method),
        "signature_method": method,
        "api_version": "1.0",
        **more,
    }


def without(name: str) -> dict[str, object]:
    """A good object without one member."""
    fields = signed()
    del fields[name]
    return fields


class VectorTests(SynchronousTestCase):
    def test_signatures(self) -> None:
        """All four methods sign as they always have, byte by byte."""
        self.assertEqual(set(VECTORS["signatures"]), set(DIGESTS))
        for method, signature in VECTORS["signatures"].items():
            made = sign(
                VECTORS["secret"], VECTORS["api_key"], VECTORS["upn"], VECTORS["timestamp"], method
            )
            self.assertEqual(made, signature)

    def test_non_ascii(self) -> None:
        """Key, name and secret are UTF-8."""
        self.assertEqual(
            sign("gêheim", "k", "ü", "1", "HMAC-SHA1"), "11f9809d50ebe8c771218e484baa148982ace9d6"
        )


class FormTests(SynchronousTestCase):
    """What an object must look like."""

    def refused(self, fields: Mapping[str, object], word: str) -> None:
        with self.assertRaises(Malformed) as refused:
            parse_object(fields)
        self.assertIn(word, refused.exception.message)

    def test_members(self) -> None:
        """Each of the six members must be there, and be a text that is not too long."""
        for name in ("api_key", "upn", "timestamp", "signature", "signature_method"):
            self.refused(without(name), "" if name == "upn" else name)
            for bad in ("", None, True, 5.0, ["x"], {"x": 1}, "x" * 5000):
                self.refused({**signed(), name: bad}, "" if name == "upn" else name)
        for bad in ("1.1", "", 1.0, 1, None, "1.0 "):
            self.refused({**signed(), "api_version": bad}, "api_version")

    def test_timestamp(self) -> None:
        """The timestamp has exactly 13 digits, as text or as number."""
        for good in ("1323391717238", 1323391717238):
            parsed = parse_object({**signed(), "timestamp": good})
            self.assertEqual(parsed.timestamp, "1323391717238")
            self.assertEqual(parsed.wall_time, 1323391717.238)
        bad = (132339171723, 13233917172380, 1323391717238.0, -323391717238, 0, True)
        for wrong in (*bad, "132339171723", " 1323391717238", "1323391717238\n", "١٣٢٣٣٩١٧١٧٢٣٨"):
            self.refused({**signed(), "timestamp": wrong}, "timestamp")

    def test_signature(self) -> None:
        """The signature is lower-case hexadecimal."""
        for wrong in ("A" * 64, "g" * 64, "a" * 39, "a" * 129, "a" * 64 + "\n"):
            self.refused({**signed(), "signature": wrong}, "signature")

    def test_method(self) -> None:
        """There are four methods, and none by another spelling."""
        for method in DIGESTS:
            self.assertEqual(parse_object(signed(method=method)).method, method)
        for wrong in ("hmac-sha256", "HMAC-MD5", "sha256", "HMAC-SHA224", "HMAC-SHA256 "):
            self.refused({**signed(), "signature_method": wrong}, "signature_method")

    def test_upn(self) -> None:
        """A name that could be read as a path, an option or a line of its own is refused."""
        for wrong in ("a/../../x", "../x", "-x", "a b", "a\nb", ".hidden", "a..b", "", "x" * 129):
            self.refused(signed(wrong), "")

    def test_attributes(self) -> None:
        """Everything else becomes an attribute: texts as they are, the rest as JSON."""
        parsed = parse_object(
            signed(mail="joe@x.y", floor=3, boss=True, teams=["a", "b"], nothing=None, empty="")
        )
        self.assertEqual(
            parsed.attributes,
            {"mail": "joe@x.y", "floor": "3", "boss": "true", "teams": '["a","b"]', "empty": ""},
        )

    def test_reserved(self) -> None:
        """What means something to the house is not taken from what is not signed."""
        forged = dict.fromkeys(RESERVED - {"upn"}, "root")
        self.assertEqual(parse_object({**signed(mail="m"), **forged}).attributes, {"mail": "m"})
        for name in ("session", "address", "ip_address", "uid", "gid", "role", "roles", "groups"):
            self.assertIn(name, RESERVED)

    def test_certificates(self) -> None:
        """What a CA vouches for elsewhere cannot be claimed without one."""
        names = ("commonName", "organizationName", "organizationalUnitName", "certificate")
        forged = dict.fromkeys(names, "operators")
        self.assertEqual(parse_object({**signed(), **forged}).attributes, {})

    def test_bad_attributes(self) -> None:
        """Attributes have plain names and short values, and there are not too many."""
        for name in ("", "a b", "1a", "a" * 65, "a.b", "__proto__\n", "ä"):
            self.refused({**signed(), name: "x"}, "attribute")
        for value in ("x" * 1025, "a\nb", "a\x00", "\u2028", "\ud800", {"a": "x" * 1025}):
            self.refused({**signed(), "a": value}, "attribute")
        self.refused({**signed(), **{f"a{n}": "x" for n in range(33)}}, "attributes")

    def test_text(self) -> None:
        """An object may come as JSON text; no member stands twice, and nothing else is one."""
        self.assertEqual(parse_text(json.dumps(signed())), signed())
        bad = ("", "[]", "1", "{", '{"a":1,"a":2}', '{"a":1}x', "[" * 4000, '{"a":' * 800)
        for text in (*bad, '{"a": "%s"}' % ("x" * 5000)):
            self.assertRaises(Malformed, parse_text, text)

    def test_deep_value(self) -> None:
        """A value nested as deep as JSON text can be is refused, and nothing more happens."""
        deep: object = "x"
        for _ in range(5000):
            deep = [deep]
        self.refused({**signed(), "a": deep}, "attribute")

    def test_nothing_is_shown(self) -> None:
        """Neither signatures nor secrets nor attributes stand in what might be logged."""
        parsed = parse_object(signed(mail="private"))
        rules = ApiRules({KEY: SECRET}, 30.0, True)
        for text in (repr(parsed), repr(rules)):
            for secret in (SECRET, parsed.signature, "private"):
                self.assertNotIn(secret, text)

    @given(
        st.dictionaries(
            st.sampled_from([*signed(), "mail", "session"]) | st.text(max_size=5),
            st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
        )
    )
    def test_anything(self, fields: dict[str, object]) -> None:
        """Whatever is sent is an object or malformed, and never a fault of ours."""
        usable = {name: value for name, value in fields.items() if not isinstance(value, bytes)}
        for candidate in (usable, {**signed(), **usable}):
            try:
                parse_object(candidate)
            except Malformed:
                continue

    @given(st.text() | st.from_regex(r'\{"[a-z]{1,3}": ?[0-9"\[{a-z]{1,9}\}'))
    def test_any_text(self, text: str) -> None:
        """Any text is an object or malformed."""
        try:
            parse_text(text)
        except Malformed:
            return


class JudgeTests(SynchronousTestCase):
    """Whom an object lets in."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.rules = ApiRules({KEY: SECRET, OTHER_KEY: OTHER}, 30.0, True)
        self.replays = MemoryReplays(self.clock.seconds)
        self.keys = ApiKeys(lambda: self.rules, self.replays, lambda: NOW + self.clock.seconds())

    def judge(self, fields: Mapping[str, object]) -> User:
        return self.successResultOf(Deferred.fromCoroutine(self.keys.judge(fields)))

    def refused(self, fields: Mapping[str, object], reason: str) -> Refused:
        failure = self.failureResultOf(Deferred.fromCoroutine(self.keys.judge(fields)), Refused)
        assert isinstance(failure.value, Refused)
        self.assertIn(reason, failure.value.reason)
        self.assertEqual(failure.value.message, "Please sign in.")
        return failure.value

    def test_good(self) -> None:
        """A signed object lets its user in, with attributes, by each method and each key."""
        for number, method in enumerate(DIGESTS):
            user = self.judge(signed(f"joe{number}@company.com", method=method, mail="m"))
            expected = User(f"joe{number}@company.com", METHOD_API, {"mail": "m"})
            self.assertEqual(user, expected)
        self.judge(signed(key=OTHER_KEY, secret=OTHER))

    def test_tampered(self) -> None:
        """Whatever is signed cannot be changed afterwards."""
        good = signed()
        for change in (
            {"upn": "root@company.com"},
            {"timestamp": str(round(NOW * 1000) + 1)},
            {"api_key": OTHER_KEY},
            {"signature_method": "HMAC-SHA512"},
            {"signature": "0" * 64},
            {"signature": str(good["signature"])[:40]},
            {"signature": str(good["signature"]) + "00"},
        ):
            self.refused({**good, **change}, "wrong signature")
        self.judge(good)

    def test_boundary(self) -> None:
        """What moves between key and name is noticed: keys are found whole or not at all."""
        moved = {**signed(), "api_key": KEY[:-1], "upn": KEY[-1] + "joe@company.com"}
        self.refused(moved, "unknown key")

    def test_unknown_key(self) -> None:
        """An unknown key is refused, and not logged, being whatever a stranger writes."""
        refusal = self.refused(signed(key="other", secret="x"), "unknown key")
        self.assertEqual((refusal.key, refusal.upn), ("", "joe@company.com"))

    def test_no_empty_secret(self) -> None:
        """Signing with nothing, or with the daemon's filler, opens no unknown key."""
        for secret in ("", "nobody's secret"):
            self.refused(signed(key="other", secret=secret), "unknown key")

    def test_window(self) -> None:
        """The window is as wide into the past as into the future, its ends included."""
        for number, offset in enumerate((-30, -29.9, 0, 29.9, 30)):
            self.judge(signed(f"user{number}", at=NOW + offset))
        self.refused(signed(at=NOW - 30.002), "too old")
        self.refused(signed(at=NOW + 30.002), "from the future")
        refusal = self.refused(signed(at=NOW - 86_400), "too old")
        self.assertEqual(refusal.key, KEY)

    def test_replay(self) -> None:
        """An object is good once, as long as its timestamp would be good."""
        ahead = signed(at=NOW + 30)
        self.judge(ahead)
        for _ in range(60):
            self.refused(ahead, "used before")
            self.clock.advance(1)
        self.refused(ahead, "used before")
        self.clock.advance(1)
        self.refused(ahead, "too old")

    def test_replay_in_another_dress(self) -> None:
        """Other unsigned members do not make another object of it."""
        self.judge(signed(mail="a"))
        self.refused(signed(mail="b"), "used before")
        self.refused({**signed(), "timestamp": round(NOW * 1000)}, "used before")

    def test_failures_are_no_use(self) -> None:
        """An object that was refused for its signature or its age is not used up."""
        good = signed(at=NOW + 31)
        self.refused(good, "from the future")
        self.refused({**good, "signature": "0" * 64}, "wrong signature")
        self.clock.advance(1)
        self.judge(good)
        self.assertEqual(len(self.replays), 1)

    def test_sha1_switched_off(self) -> None:
        """SHA-1 is accepted for old sites, until the settings say otherwise."""
        self.judge(signed(method="HMAC-SHA1"))
        self.rules = ApiRules(self.rules.secrets, 30.0, False)
        self.refused(signed("b", method="HMAC-SHA1"), "switched off")
        self.judge(signed("b"))
        self.assertEqual(self.rules.methods, ("HMAC-SHA256", "HMAC-SHA384", "HMAC-SHA512"))

    def test_rotation(self) -> None:
        """A key that is taken away counts no more, and one that is added does, at once."""
        self.rules = ApiRules({OTHER_KEY: OTHER}, 30.0, True)
        self.refused(signed(), "unknown key")
        self.judge(signed(key=OTHER_KEY, secret=OTHER))

    def test_malformed(self) -> None:
        """What is no object at all is refused like any other, and the log learns what was wrong."""
        self.refused({}, "signature_method")
        self.refused(without("timestamp"), "timestamp")

    def test_full(self) -> None:
        """When no more uses can be noted, nobody is let in unnoted."""
        self.replays = MemoryReplays(self.clock.seconds, limit=2)
        self.keys = ApiKeys(lambda: self.rules, self.replays, lambda: NOW + self.clock.seconds())
        self.judge(signed("a"))
        self.judge(signed("b"))
        self.failureResultOf(Deferred.fromCoroutine(self.keys.judge(signed("c"))), Unavailable)
        self.refused(signed("a"), "used before")
        self.clock.advance(61)
        self.judge(signed("c", at=NOW + 61))
