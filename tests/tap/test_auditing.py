"""Tests of where the audit stream goes, and what the command line tells it."""

from __future__ import annotations

import json
import os
import stat

from prometheus_client import generate_latest
from twisted.internet.defer import Deferred

from gotwist.events.service import AuditService
from gotwist.metrics.http import MetricsDoor
from gotwist.settings.error import SettingsError
from gotwist.settings.start import open_settings
from gotwist.settings.values import Value
from gotwist.tap import acts, auditing
from gotwist.tap.actions import parse, places, run_action
from tests.gateway.support import MemoryAudit
from tests.tap.support import HomeTestCase, printed, service_of


class PlacesTests(HomeTestCase):
    def test_default(self) -> None:
        """By default there is a private file in a private directory."""
        self.build()
        log = self.home / "log" / "audit.log"
        self.assertEqual(0o600, stat.S_IMODE(log.stat().st_mode))
        self.assertEqual(0o700, stat.S_IMODE(log.parent.stat().st_mode))

    def test_off(self) -> None:
        """Who wants none has none, and events are counted all the same."""
        daemon = self.build("--audit=False")
        self.assertFalse((self.home / "log").exists())
        self.assertIsNone(service_of(daemon, AuditService).writer)

    def test_elsewhere(self) -> None:
        """Another file may lie in a directory that is others' too."""
        directory = self.home.parent / "var"
        directory.mkdir(mode=0o755)
        self.build(f"--audit_log={directory}/gotwist.log")
        self.assertTrue((directory / "gotwist.log").is_file())

    def test_refused(self) -> None:
        """A file that cannot be had is refused at the start, in a sentence that says what to do."""
        self.assertIn("--audit_log", self.refuse("--audit_log=/dev/full"))
        self.assertIn("--audit=False", self.refuse(f"--audit_log={self.home.parent}"))

    def test_before_rights_are_given_up(self) -> None:
        """Whoever will write the file makes it: nothing is made before."""
        snapshot = open_settings({}, places()).source.current
        (file,) = auditing.sinks(snapshot)
        self.assertFalse((self.home / "log").exists())
        (self.home / "log").mkdir()
        file.write([b"x\n"])
        file.close()
        self.assertTrue((self.home / "log" / "audit.log").is_file())

    def test_system_log(self) -> None:
        """The stream goes to the system log where that is wanted, with the file or alone."""
        for words, count in (
            (("--audit_syslog",), 2),
            (("--audit_syslog", "--audit=False", "--syslog_facility=local3"), 1),
        ):
            overrides: dict[str, Value] = {
                "audit_syslog": True,
                "audit": count == 2,
                "syslog_facility": "local3",
            }
            opened = open_settings(overrides, places())
            self.assertEqual(count, len(auditing.sinks(opened.source.current)), words)
        self.assertIn("must be one of", self.refuse("--syslog_facility=nobody"))


class CommandLineTests(HomeTestCase):
    def test_act(self) -> None:
        """What somebody does on the command line stands in the file, with who it was."""
        snapshot = open_settings({}, places()).source.current
        auditing.open_places(snapshot, auditing.sinks(snapshot))
        acts.record_now(snapshot, "terminals_killed", running=True)
        read = json.loads((self.home / "log" / "audit.log").read_text())
        self.assertEqual(
            ("terminals_killed", os.getuid(), True, None),
            (read["event"], read["uid"], read["running"], read["seq"]),
        )

    def test_nowhere(self) -> None:
        """Where there is no directory for it, none is made by whoever happens to come."""
        snapshot = open_settings({}, places()).source.current
        acts.record_now(snapshot, "terminals_killed", running=True)
        self.assertFalse((self.home / "log").exists())
        off = open_settings({"audit": False}, places()).source.current
        acts.record_now(off, "terminals_killed", running=True)
        self.assertFalse((self.home / "log").exists())


class NewsTests(HomeTestCase):
    def test_settings(self) -> None:
        """Of changed settings the names are told, of wrong ones the place, never the content."""
        audit = MemoryAudit()
        news = auditing.SettingsNews(audit)
        news.reloaded(("50x.conf",), ("terminal.max_terms",))
        news.refused(SettingsError("/etc/x/50x.conf", 3, 7, "is wrong", '"api_keys": "secret"'))
        self.assertEqual(
            [
                ("settings_reloaded", {"files": ("50x.conf",), "options": ("terminal.max_terms",)}),
                ("settings_refused", {"file": "50x.conf", "line": 3}),
            ],
            audit.events,
        )

    def test_link(self) -> None:
        """A launch link is told with whom it is for, and without itself."""
        daemon = self.build()
        link = self.successResultOf(Deferred.fromCoroutine(daemon.greeting.link()))
        counts = service_of(daemon, AuditService).trail.counts
        self.assertEqual({("link_made", "control"): 1}, dict(counts))
        self.assertIn("token=", str(link["link"]))


class MetricsTests(HomeTestCase):
    def test_off(self) -> None:
        """Nobody is offered metrics who does not want them."""
        daemon = self.build()
        self.assertNotIn(MetricsDoor, [type(service) for service in daemon.services])

    def test_on(self) -> None:
        """Where they are wanted, all families are there and every number can be read."""
        daemon = self.build("--metrics", "--metrics_port=0")
        door = service_of(daemon, MetricsDoor)
        self.assertIsNone(door.listening)
        service_of(daemon, AuditService).record("signed_in", method="token")
        service_of(daemon, AuditService).record("sign_in_refused", method="token")
        text = generate_latest(door.registry).decode()
        for line in (
            'gotwist_sign_ins_total{method="token",result="accepted"} 1.0',
            'gotwist_sign_ins_total{method="token",result="refused"} 1.0',
            "gotwist_clients 0.0",
            "gotwist_terminals 0.0",
            "gotwist_terminal_output_bytes_total 0.0",
            "gotwist_flow_control_pauses_total 0.0",
            'gotwist_chore_seconds_total{chore="expired sessions"} 0.0',
            "gotwist_audit_lines_lost_total 0.0",
        ):
            self.assertIn(line, text.splitlines())

    def test_refused(self) -> None:
        """They are offered to this machine only."""
        for address in ("0.0.0.0", "192.0.2.1", "::", "1.2.3"):
            said = self.refuse("--metrics", f"--metrics_address={address}")
            self.assertIn("loopback", said)
        self.assertIn("address", self.refuse("--metrics", "--metrics_address=localhost"))


class KeyTests(HomeTestCase):
    def test_new_key(self) -> None:
        """A new API key is told by its public half."""
        (self.home / "log").mkdir(mode=0o700, parents=True)
        key = printed(lambda: run_action(parse(["--new_api_key"]))).strip()
        read = json.loads((self.home / "log" / "audit.log").read_text())
        self.assertEqual(("key_made", key), (read["event"], read["key"]))
        secret = (self.home / "conf.d" / "30api_keys.conf").read_text().split('"')[-2]
        self.assertNotIn(secret, (self.home / "log" / "audit.log").read_text())
