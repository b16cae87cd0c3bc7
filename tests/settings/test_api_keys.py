"""Tests of API keys in the settings, and of the file into which new ones are written."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gotwist.errors import Unavailable
from gotwist.settings.api_key_file import API_KEYS, add_api_key, with_key
from gotwist.settings.error import SettingsError
from gotwist.settings.load import SettingsFile, load
from gotwist.settings.mappings import ApiKeys
from gotwist.settings.snapshot import Snapshot
from gotwist.settings.values import JSON, freeze
from tests.settings.helpers import files, makings

ONE, TWO = "1" * 32, "2" * 45


def keys_file(keys: str, application: str = "gotwist") -> str:
    return f'{{"*": {{"{application}": {{"api_keys": {keys}}}}}}}'


def keys_of(snapshot: Snapshot) -> dict[str, object]:
    return dict(snapshot.mapping("api_keys"))


class KindTests(SynchronousTestCase):
    def refused(self, raw: JSON, word: str) -> None:
        with self.assertRaises(ValueError) as refused:
            ApiKeys().from_json(raw)
        message = str(refused.exception)
        self.assertIn(word, message)
        if isinstance(raw, dict):
            for text in (*raw, *raw.values()):
                if isinstance(text, str) and len(text) > 3:
                    self.assertNotIn(text, message)

    def test_file(self) -> None:
        """A file gives secrets by key."""
        self.assertEqual(ApiKeys().from_json({"a": ONE, "b": TWO}), {"a": ONE, "b": TWO})
        self.assertEqual(ApiKeys().from_json({}), {})

    def test_command_line(self) -> None:
        """The command line gives pairs; a secret may hold a colon, for a key cannot."""
        self.assertEqual(ApiKeys().from_text(f"a:{ONE},b:x:{TWO}"), {"a": ONE, "b": f"x:{TWO}"})
        self.assertEqual(ApiKeys().from_text(f"a:{ONE}, b:{TWO}"), {"a": ONE, "b": TWO})
        self.assertEqual(ApiKeys().from_text(""), {})
        for text in ("a", f"a:{ONE},", f":{ONE}", f"a:{ONE},a:{TWO}", "a:short"):
            self.assertRaises(ValueError, ApiKeys().from_text, text)

    def test_refused(self) -> None:
        """A bad key or secret is refused by its number, without showing either."""
        self.refused("a:b", "object")
        self.refused([["a", ONE]], "object")
        for key in ("", "k" * 129, "white space", "key:colon", "key,comma", "schlüssel"):
            self.refused({"k1": ONE, key: TWO}, "number 2")
        for secret in ("short", "s" * 513, "white space" * 4, "comma," * 8, 5, "ß" * 40, "\n" * 40):
            self.refused({"k1": ONE, "other": secret}, "number 2")

    def test_one_secret_each(self) -> None:
        """Two keys with one secret are refused: one could sign for the other."""
        self.refused({"key1": ONE, "key1x": ONE}, "one secret for two keys")

    @given(st.dictionaries(st.from_regex(r"\A[a-zA-Z0-9+/=]{1,40}\Z"), st.uuids(), max_size=5))
    def test_round_trip(self, keys: dict[str, object]) -> None:
        """What is written is read back, from a file as from the command line."""
        kind = ApiKeys()
        value = kind.from_json({key: f"{secret}" for key, secret in keys.items()})
        self.assertEqual(value, kind.from_json(kind.to_json(value)))
        text = ",".join(f"{key}:{secret}" for key, secret in keys.items())
        self.assertEqual(value, kind.from_text(text))


class LoadTests(SynchronousTestCase):
    def test_merged(self) -> None:
        """Keys of several files hold together; a later file may take one away."""
        both = [keys_file(f'{{"a": "{ONE}"}}', "gateone"), keys_file(f'{{"b": "{TWO}"}}')]
        self.assertEqual(keys_of(load(files(*both), makings())), {"a": ONE, "b": TWO})
        fewer = load(files(*both, keys_file('{"a": null}')), makings())
        self.assertEqual(keys_of(fewer), {"b": TWO})

    def test_public_file(self) -> None:
        """A file with secrets that everybody can read is refused, and shows none."""
        text = keys_file(f'{{"a": "{ONE}"}}')
        public = SettingsFile("30api_keys.conf", text, is_public=True)
        with self.assertRaises(SettingsError) as refused:
            load([public], makings())
        self.assertIn("chmod o-r 30api_keys.conf", str(refused.exception))
        self.assertNotIn(ONE, str(refused.exception))

    def test_secrets_are_not_shown(self) -> None:
        """Neither an error in the file nor the snapshot shows a secret."""
        with self.assertRaises(SettingsError) as refused:
            load(files(keys_file(f'{{\n"a": "{ONE}",\n"b": "{TWO} "}}')), makings())
        for text in (ONE, TWO):
            self.assertNotIn(text, str(refused.exception))
        self.assertNotIn(ONE, repr(load(files(keys_file(f'{{"a": "{ONE}"}}')), makings())))


class FileTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.directory = Path(self.mktemp()).absolute()
        self.directory.mkdir(0o700)
        self.path = self.directory / API_KEYS

    def read(self) -> dict[str, object]:
        file = SettingsFile(str(self.path), self.path.read_text())
        return keys_of(load([file], makings()))

    def test_first(self) -> None:
        """The first key makes the file, for its owner alone, with a secret of 256 bits or more."""
        before = os.umask(0)
        self.addCleanup(os.umask, before)
        key = add_api_key(str(self.directory))
        self.assertEqual(stat.S_IMODE(self.path.stat().st_mode), 0o600)
        self.assertEqual(os.listdir(self.directory), [API_KEYS])
        ((found, secret),) = self.read().items()
        self.assertEqual(found, key)
        self.assertGreaterEqual(len(str(secret)), 43)

    def test_more(self) -> None:
        """Further keys are put beside those that are there, and everything else stays."""
        key = add_api_key(str(self.directory))
        text = self.path.read_text()
        other = add_api_key(str(self.directory))
        self.assertEqual(list(self.read()), [key, other])
        self.assertEqual(self.read()[key], keys_of(load(files(text), makings()))[key])

    def test_what_else_stands_there(self) -> None:
        """Comments go, other settings and scopes stay, under the name the file uses."""
        text = with_key(
            "f",
            '{"*": {"gateone": {"api_keys": {"old": null}, "port": 1 /* x */}},'
            ' "user=a": {"terminal": {"max_terms": 1}}}',
            "new",
            ONE,
        )
        body = text[text.index("{") :]
        self.assertEqual(
            json.loads(body),
            {
                "*": {"gateone": {"api_keys": {"old": None, "new": ONE}, "port": 1}},
                "user=a": {"terminal": {"max_terms": 1}},
            },
        )
        self.assertEqual(keys_of(load(files(text), makings())), {"new": ONE})

    def test_comments_only(self) -> None:
        """A file without any settings gets its first."""
        text = with_key("f", "// nothing yet\n", "new", ONE)
        self.assertEqual(keys_of(load(files(text), makings())), {"new": ONE})

    def test_broken(self) -> None:
        """A file that cannot be read is told by line, and stays as it is."""
        self.path.write_text('{"*": {\n"gotwist": }}')
        self.path.chmod(0o600)
        with self.assertRaises(SettingsError) as refused:
            add_api_key(str(self.directory))
        self.assertIn(f"{self.path}:2", str(refused.exception))
        self.assertEqual(self.path.read_text(), '{"*": {\n"gotwist": }}')

    def test_cannot_be_written(self) -> None:
        """What cannot be written is one sentence, and nothing is left behind."""
        with self.assertRaises(Unavailable) as refused:
            add_api_key(str(self.directory / "missing"))
        self.assertIn("missing", refused.exception.message)
        self.path.mkdir()
        self.assertRaises(Unavailable, add_api_key, str(self.directory))
        self.assertEqual(os.listdir(self.directory), [API_KEYS])

    def test_frozen(self) -> None:
        """Nobody can change the keys in force."""
        value = ApiKeys().from_json({"a": ONE})
        with self.assertRaises(TypeError):
            value["b"] = TWO  # type: ignore[index]
        self.assertEqual(freeze({"a": ONE}), value)
