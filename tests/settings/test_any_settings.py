"""Tests with settings that nobody would write."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gotwist.settings.error import SettingsError
from gotwist.settings.load import load
from gotwist.settings.option import Option
from gotwist.settings.table import TABLE
from gotwist.settings.values import JSON
from tests.settings.helpers import files, makings

NAMES = sorted({option.name for option in TABLE} | {"x"})
LEAVES: list[JSON] = [None, True, 0, -1, 1.5, "", "1", "30s", "a;b", "/x", "none", "*", "0600"]
VALUES = st.recursive(
    st.sampled_from(LEAVES),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(st.sampled_from(["shell", "command", "TERM", ""]), inner, max_size=2)
    ),
    max_leaves=4,
)
OPTIONS = VALUES | st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=3)
APPLICATIONS = VALUES | st.dictionaries(
    st.sampled_from(["gotwist", "gateone", "terminal", "notes", "termnal"]), OPTIONS, max_size=2
)
ROOTS = st.dictionaries(
    st.sampled_from(["*", "user=.*", "group=a", "user.x=[", "nobody"]), APPLICATIONS, max_size=3
)


class AnySettingsTests(SynchronousTestCase):
    @given(st.lists(ROOTS, max_size=3))
    def test_any_files(self, roots: list[dict[str, JSON]]) -> None:
        """Any files give a snapshot that answers for anybody, or a settings error."""
        try:
            snapshot = load(files(*(json.dumps(root) for root in roots)), makings())
        except SettingsError:
            return
        for attributes in (None, {}, {"upn": "alice"}):
            for application in TABLE.applications:
                values = snapshot.application(application, attributes, ["a"])
                self.assertEqual({option.name for option in TABLE.of(application)}, set(values))

    @given(st.sampled_from([o for o in TABLE if o.in_files and not o.secret]), VALUES)
    def test_any_value(self, option: Option, raw: JSON) -> None:
        """Any value of any option is accepted, or refused with the option's name and place."""
        text = json.dumps({"*": {option.application: {option.name: raw}}})
        try:
            load(files(text), makings())
        except SettingsError as error:
            self.assertTrue(str(error).startswith("1.conf:1:"), str(error))
            self.assertRegex(str(error).split("\n")[0], r"(; |must |has )")
