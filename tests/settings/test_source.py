"""Tests of the source of settings."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from gotwist.settings.error import SettingsError
from gotwist.settings.snapshot import Snapshot
from gotwist.settings.source import SettingsSource
from tests.settings.helpers import files, makings

OLD = '{"*": {"gotwist": {"port": 1, "origins": ["a"]}}}'
NEW = '{"*": {"gotwist": {"port": 2, "origins": ["b"]}}}'


class SourceTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.source = SettingsSource(files(OLD), makings())
        self.told: list[tuple[object, object]] = []

    def listen(self, old: Snapshot, new: Snapshot) -> None:
        self.told.append((old["port"], new["port"]))

    def test_reload(self) -> None:
        """New settings replace the old ones whole; what was taken before stays as it was."""
        before = self.source.current
        changed = self.source.reload(files(NEW))
        self.assertEqual(("gotwist.origins", "gotwist.port"), changed)
        self.assertEqual((2, ("b",)), (self.source.current["port"], self.source.current["origins"]))
        self.assertEqual((1, ("a",)), (before["port"], before["origins"]))

    def test_bad_file_changes_nothing(self) -> None:
        """One bad file, and none of the new settings counts."""
        self.source.subscribe(self.listen)
        before = self.source.current
        for bad in ('{"*": {"gotwist": {"port": "x"}}}', "{,}", '{"*": {"gotwist": {"q": 1}}}'):
            self.assertRaises(SettingsError, self.source.reload, files(NEW, bad))
        self.assertIs(before, self.source.current)
        self.assertEqual([], self.told)

    def test_bad_at_the_start(self) -> None:
        """Bad settings stop the start."""
        self.assertRaises(SettingsError, SettingsSource, files("{"), makings())

    def test_subscribers(self) -> None:
        """Subscribers are told of each change until they leave."""
        leave = self.source.subscribe(self.listen)
        self.source.reload(files(NEW))
        self.assertEqual([(1, 2)], self.told)
        leave()
        leave()
        self.source.reload(files(OLD))
        self.assertEqual([(1, 2)], self.told)

    def test_nothing_changed(self) -> None:
        """Files that say the same, in other words or places, are no change."""
        self.source.subscribe(self.listen)
        same = '{"*": {"gateone": {"origins": "a"}}}', '{"*": {"gotwist": {"port": 1}}} // same'
        self.assertEqual((), self.source.reload(files(*same)))
        self.assertEqual([], self.told)

    def test_change_for_some(self) -> None:
        """A change for some users only is a change."""
        scoped = '{"user=bob": {"terminal": {"max_terms": 1}}}'
        changed = self.source.reload(files(OLD, scoped))
        self.assertEqual(("terminal.max_terms for user=bob",), changed)

    def test_failing_subscriber(self) -> None:
        """A subscriber that fails keeps nobody else from being told."""

        def fail(old: Snapshot, new: Snapshot) -> None:
            raise RuntimeError("no")

        self.source.subscribe(fail)
        self.source.subscribe(self.listen)
        self.assertRaises(ExceptionGroup, self.source.reload, files(NEW))
        self.assertEqual([(1, 2)], self.told)
        self.assertEqual(2, self.source.current["port"])

    def test_restart_needed(self) -> None:
        """It is known which changes wait for the next start."""
        changed = self.source.reload(files(NEW))
        self.assertEqual(("gotwist.port",), self.source.restart_needed_for(changed))
