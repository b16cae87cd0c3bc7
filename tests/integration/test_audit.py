"""Tests of the audit log, the policies and the metrics of a real daemon, read by real programs."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import stat
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from gotwist.events.audit import render_event
from tests.integration.daemon import Daemon, free_port, until
from tests.integration.signing_in import connect, cookie_of, request
from tests.integration.websocket import Screen, WebSocket

CONF = Path(__file__).resolve().parents[2] / "conf"
FILTER = CONF / "fail2ban" / "gotwist.filter.conf"
JAIL = CONF / "fail2ban" / "gotwist.jail.conf"


class AuditTestCase(SynchronousTestCase):
    def daemon(self, *options: str) -> Daemon:
        daemon = Daemon("--file_check_interval=500", *options, plain=True)
        self.addCleanup(daemon.close)
        return daemon

    def path(self, daemon: Daemon) -> Path:
        return daemon.home / ".gotwist" / "log" / "audit.log"

    def events(self, daemon: Daemon, name: str = "") -> list[dict[str, Any]]:
        lines = self.path(daemon).read_text().splitlines()
        return [event for line in lines if name in ("", (event := json.loads(line))["event"])]

    def wait(self, daemon: Daemon, name: str, count: int = 1) -> list[dict[str, Any]]:
        """Wait for so many events of a name; the writer is another thread."""
        until(lambda: len(self.events(daemon, name)) >= count, f"{count} {name}")
        return self.events(daemon, name)


class StreamTests(AuditTestCase):
    def test_a_day(self) -> None:
        """From the start to the end everything is told that the schema knows, and no secret."""
        daemon = self.daemon().start()
        link = daemon.first_link()
        cookie = cookie_of(daemon, link)
        request(daemon, "GET", link)
        websocket = connect(daemon, cookie)
        screen = Screen(websocket)
        screen.type(b"echo my-typed-secret; exit 3\n")
        (ended,) = self.wait(daemon, "terminal_ended")
        self.assertEqual((3, None, "exited"), (ended["code"], ended["signal"], ended["reason"]))
        self.assertEqual("shell", ended["command"])
        daemon.write_settings("60x.conf", {"*": {"terminal": {"max_terms": 7}}})
        (reloaded,) = self.wait(daemon, "settings_reloaded")
        self.assertEqual(["60x.conf"], reloaded["files"])
        self.assertEqual(["terminal.max_terms"], reloaded["options"])
        daemon.write_settings("60x.conf", '{"*": {"terminal": {"max_terms": 0}}}')
        (refused,) = self.wait(daemon, "settings_refused")
        self.assertEqual(("60x.conf", 1), (refused["file"], refused["line"]))
        websocket.send("go:sign_out", None)
        (out,) = self.wait(daemon, "signed_out")
        self.assertEqual(("signed_out", "token"), (out["reason"], out["method"]))
        (self.path(daemon).parents[1] / "conf.d" / "60x.conf").unlink()
        daemon.run("--kill")
        (killed,) = self.wait(daemon, "terminals_killed")
        self.assertEqual(os.getuid(), killed["uid"])
        self.assertEqual(0, daemon.terminate())
        events = self.events(daemon)
        names = [event["event"] for event in events]
        self.assertEqual(("daemon_started", "daemon_stopped"), (names[0], names[-1]))
        for name in ("link_made", "signed_in", "sign_in_refused", "connected", "terminal_opened"):
            self.assertIn(name, names)
        self.assertIn("disconnected", names)
        numbers = [event["seq"] for event in events if event["seq"] is not None]
        self.assertEqual(list(range(1, len(numbers) + 1)), numbers)
        (signed_in,) = self.events(daemon, "signed_in")
        (opened,) = self.events(daemon, "terminal_opened")
        self.assertEqual(signed_in["sign_in"], opened["sign_in"])
        self.assertEqual("127.0.0.1", opened["address"])
        text = self.path(daemon).read_text()
        for secret in (link, cookie.partition("=")[2], "my-typed-secret", "wstoken"):
            self.assertNotIn(secret, text)
        self.assertIsNone(re.search(r"[0-9a-f]{64}|[^\n -~]", text))
        self.assertEqual(0o600, stat.S_IMODE(self.path(daemon).stat().st_mode))

    def test_rotation(self) -> None:
        """The file is renamed above its size, and found again when somebody else renames it."""
        daemon = self.daemon("--audit_log_max_size=300", "--audit_log_backups=3").start()
        for _ in range(12):
            daemon.link()
        until(self.path(daemon).with_name("audit.log.3").exists, "the third renamed file")
        logs = sorted(self.path(daemon).parent.iterdir())
        self.assertEqual(
            ["audit.log", "audit.log.1", "audit.log.2", "audit.log.3"], [p.name for p in logs]
        )
        for path in logs:
            self.assertLessEqual(path.stat().st_size, 300)
            for line in path.read_text().splitlines():
                json.loads(line)
        self.path(daemon).rename(self.path(daemon).with_name("taken"))
        daemon.link()
        until(self.path(daemon).exists, "a new file")


class Fail2banTests(AuditTestCase):
    """``fail2ban-regex`` reads; fail2ban itself is not started."""

    def read(self, log: Path) -> list[tuple[str, float]]:
        """The addresses that the filter finds, each with its time."""
        program = shutil.which("fail2ban-regex")
        if program is None:
            self.skipTest("fail2ban-regex is not installed: apt-get install fail2ban")
        answer = subprocess.run(
            [program, "--print-no-missed", "-o", "<ip> <time>", str(log), str(FILTER)],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        found = re.findall(r"^(\S+) (\d+(?:\.\d+)?)$", answer.stdout, re.MULTILINE)
        return [(address, float(when)) for address, when in found]

    def test_real_log(self) -> None:
        """Failed sign-ins of a real daemon are found with address and time; good ones are not."""
        daemon = self.daemon().start()
        link = daemon.link()
        cookie_of(daemon, link)
        began = time.time()
        for _ in range(3):
            request(daemon, "GET", link)
        request(daemon, "GET", "/", {"Cookie": "gotwist=" + "0" * 64 + "." + "0" * 64})
        self.wait(daemon, "sign_in_refused", 3)
        found = self.read(self.path(daemon))
        self.assertEqual(["127.0.0.1"] * 3, [address for address, _ in found])
        for _, when in found:
            self.assertLess(abs(when - began), 60)

    def test_forged_lines(self) -> None:
        """No name that somebody tries has another address banned, or its own one spared."""
        names = (
            'x","address":"198.51.100.1","reason":"wrong"',
            '"}\n{"v":1,"time":"2026-11-24T10:41:36.730Z","seq":1,'
            '"event":"sign_in_refused","address":"198.51.100.1","method":"token",'
            '"reason":"wrong","user":"x"}',
            '"time":"2020-01-01T00:00:00.000Z"',
            "198.51.100.1",
            "\r\x1b[2K\u202e",
        )
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        log = Path(directory.name) / "audit.log"
        now = time.time()
        with log.open("wb") as file:
            for name in names:
                for reason in ("wrong", "too_many", "unavailable"):
                    fields = {"address": "2001:db8::7", "method": "password", "reason": reason}
                    file.write(render_event("sign_in_refused", {**fields, "user": name}, now, 1))
            file.write(render_event("signed_in", {"address": "192.0.2.9"}, now, 1))
            file.write(render_event("sign_in_refused", {"address": "unix"}, now, 1))
        found = self.read(log)
        self.assertEqual(["2001:db8::7"] * 2 * len(names), [address for address, _ in found])
        self.assertTrue(all(abs(when - now) < 2 for _, when in found), found)

    def test_jail(self) -> None:
        """The jail names the filter, and the file in which root's daemon writes."""
        jail = JAIL.read_text()
        self.assertIn("filter   = gotwist", jail)
        self.assertIn("/var/log/gotwist/audit.log", jail)


class PolicyTests(AuditTestCase):
    def test_taken_away_while_running(self) -> None:
        """Who may not use terminals any more sees and types nothing within seconds; the program
        is there again when it is given back."""
        daemon = self.daemon().start()
        cookie = cookie_of(daemon, daemon.first_link())
        screen = Screen(connect(daemon, cookie))
        screen.type(b"mark=$((6*7)); echo mark-$mark\n")
        screen.until_text(b"mark-42")
        began = time.monotonic()
        daemon.write_settings("60x.conf", {"address=127.0.0.0/8": {"terminal": {"allow": False}}})
        screen.websocket.until_action("terminal:term_ended")
        self.assertLess(time.monotonic() - began, 30)
        screen.websocket.send("terminal:new_terminal", {"rows": 24, "columns": 80})
        error = screen.websocket.until_action("go:error")
        self.assertEqual("denied", error["code"])
        (refused,) = self.wait(daemon, "action_refused")
        self.assertEqual("terminal:new_terminal", refused["action"])
        fresh = WebSocket(daemon.base, cookie=cookie)
        fresh.send("go:authenticate", {"auth": None})
        told = fresh.until_action("go:applications")
        self.assertNotIn("terminal", [entry["name"] for entry in told])
        (self.path(daemon).parents[1] / "conf.d" / "60x.conf").unlink()
        screen.websocket.until_action("terminal:terminals")
        again = Screen(screen.websocket, term=1)
        again.type(b"echo again-$mark\n")
        again.until_text(b"again-42")


class MetricsTests(AuditTestCase):
    def curl(self, *words: str) -> tuple[str, str]:
        """What curl is told: status and body."""
        answer = subprocess.run(
            ["curl", "--silent", "--max-time", "20", "--write-out", "\n%{http_code}", *words],
            capture_output=True,
            text=True,
            check=True,
        )
        body, _, status = answer.stdout.rpartition("\n")
        return status, body

    def test_numbers(self) -> None:
        """curl reads what happens; the public door and other names have nothing of it."""
        port = free_port()
        daemon = self.daemon("--metrics", f"--metrics_port={port}").start()
        url = f"http://127.0.0.1:{port}/metrics"
        cookie = cookie_of(daemon, daemon.first_link())
        screen = Screen(connect(daemon, cookie))
        screen.type(b"seq 1 20000; echo do''ne\n")
        screen.until_text(b"done")
        status, body = self.curl(url)
        self.assertEqual("200", status)
        numbers = dict(
            line.rsplit(" ", 1) for line in body.splitlines() if not line.startswith("#")
        )
        self.assertEqual("1.0", numbers['gotwist_sign_ins_total{method="token",result="accepted"}'])
        self.assertEqual("1.0", numbers["gotwist_clients"])
        self.assertEqual("1.0", numbers["gotwist_terminals"])
        self.assertGreater(float(numbers["gotwist_terminal_output_bytes_total"]), 100_000)
        self.assertGreaterEqual(float(numbers["gotwist_terminal_input_bytes_total"]), 25)
        self.assertIn('gotwist_chore_rounds_total{chore="changed settings"}', numbers)
        self.assertEqual("403", self.curl("-H", "Host: evil.example", url)[0])
        self.assertEqual("404", self.curl(daemon.base + "metrics")[0])
        self.assertEqual("404", self.curl("-b", cookie, daemon.base + "metrics")[0])

    def test_port_that_is_taken(self) -> None:
        """A port that cannot be had is told in one sentence, and the daemon does not start."""
        daemon = self.daemon("--metrics", f"--metrics_port={self.taken()}")
        answer = subprocess.run(
            daemon.command,
            env=daemon.environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        self.assertNotEqual(0, answer.returncode)
        self.assertIn("--metrics_port", answer.stdout + answer.stderr)

    def taken(self) -> int:
        holder = socket.socket()
        self.addCleanup(holder.close)
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        assert isinstance(port, int)
        return port
