"""Bad settings, bad certificates and places that are taken, while the daemon runs or starts."""

from __future__ import annotations

import contextlib
import datetime
import os
import re
import socket
import ssl
import time
from pathlib import Path

from gotwist.web.certificate import make_certificate
from tests.faults.raw import dial, get
from tests.faults.support import FaultTestCase
from tests.integration.daemon import Daemon, until

FAST = "--file_check_interval=500"


class ReloadTests(FaultTestCase):
    kind = None

    def complaints(self, daemon: Daemon) -> list[str]:
        lines = daemon.log.read_text().split("\n")
        return [line for line in lines if "settings not changed" in line]

    def await_complaint(self, daemon: Daemon, before: int, what: str) -> None:
        until(lambda: len(self.complaints(daemon)) > before, what, 10)

    def message_rate(self, daemon: Daemon) -> str:
        found = re.findall(r"new settings in force: (.*)", daemon.log.read_text())
        return found[-1] if found else ""

    def test_every_bad_file(self) -> None:
        """A bad file changes nothing and is told once, with file, line and column; when it is
        good again it is put in force."""
        daemon = self.own_daemon(FAST).start()
        path = daemon.home / ".gotwist" / "conf.d" / "80bad.conf"
        websocket = self.client(daemon)
        good = '{"*": {"gotwist": {"message_rate": %d}}}'
        cases: tuple[tuple[str | bytes, str], ...] = (
            ('{"*": {"gotwist": {\n  "message_rate": 5,\n}}}', r"80bad\.conf:\d+:\d+.*comma"),
            ('{"*": {"gotwist": {"message_rate": 5}}', r"80bad\.conf:1:\d+"),
            ('{"*": {"gotwist": {"mesage_rate": 5}}}', r"80bad\.conf:1:\d+.*message_rate"),
            ('{"*": {"gotwist": {"message_rate": "many"}}}', r"80bad\.conf:1:\d+"),
            ('{"*": {"gotwist": {"message_rate": 5, "message_rate": 6}}}', r"80bad\.conf:1:\d+"),
            ('{"who=(": {"terminal": {"max_terms": 1}}}', r"80bad\.conf:1:\d+"),
            ('{"*": {"gotwist": {"auth": "none", "address": ["0.0.0.0"]}}}', r"allow_auth_none"),
            ('{"*": {"gotwist": {"origins": ["*"]}}}', r"allow_any_origin"),
            ("[" * 10_000, r"80bad\.conf:1:\d+"),
            ("[]", r"80bad\.conf:1:\d+"),
            (b"{\xff}", r"80bad\.conf:1:2.*UTF-8"),
            (b"{\x00}", r"80bad\.conf:1:\d+"),
        )
        for text, expected in cases:
            before = len(self.complaints(daemon))
            self.put(path, text)
            self.await_complaint(daemon, before, f"a complaint for {text!r}")
            self.assertRegex(self.complaints(daemon)[-1], expected)
            self.assert_still_talks(websocket)
        # Two looks later it has not been told again.
        told, since = len(self.complaints(daemon)), time.monotonic()
        until(lambda: time.monotonic() - since > 2.2, "two more looks")
        self.assertEqual(told, len(self.complaints(daemon)))
        self.put(path, good % 50)
        until(lambda: "message_rate" in self.message_rate(daemon), "the good file")
        quick = self.client(daemon)
        with contextlib.suppress(OSError):
            for number in range(300):
                quick.send("go:ping", number)
        self.assert_closed(quick, 4429, None)

    def put(self, path: Path, text: str | bytes) -> None:
        new = path.with_suffix(".new")
        new.write_bytes(text if isinstance(text, bytes) else text.encode())
        new.chmod(0o600)
        new.rename(path)

    def test_file_that_others_may_write(self) -> None:
        """Settings that somebody else could have written are not read, running or starting."""
        daemon = self.own_daemon(FAST).start()
        path = daemon.home / ".gotwist" / "conf.d" / "80open.conf"
        path.write_text('{"*": {"gotwist": {"message_rate": 50}}}')
        path.chmod(0o666)
        until(lambda: self.complaints(daemon), "a complaint")
        self.assertIn("chmod go-w", self.complaints(daemon)[0])
        self.assertEqual("", self.message_rate(daemon))
        ended = daemon.run(*daemon.options, f"--port={daemon.port + 1}")
        self.assertNotEqual(0, ended.returncode)
        self.assertIn(b"chmod go-w", ended.stdout + ended.stderr)
        path.chmod(0o600)
        until(lambda: "message_rate" in self.message_rate(daemon), "the file to be read")

    def test_no_file_at_all(self) -> None:
        """A FIFO, a directory or a link to nothing in place of a file holds nobody up."""
        daemon = self.own_daemon(FAST).start()
        directory = daemon.home / ".gotwist" / "conf.d"
        os.mkfifo(directory / "80fifo.conf")
        until(lambda: self.complaints(daemon), "a complaint")
        self.assertIn("80fifo.conf", self.complaints(daemon)[0])
        self.assert_still_talks(self.client(daemon))
        (directory / "80fifo.conf").unlink()
        (directory / "80directory.conf").mkdir()
        until(lambda: "80directory" in self.complaints(daemon)[-1], "another complaint")
        self.assertEqual(200, get(daemon, "/healthz").status)


class CertificateTests(FaultTestCase):
    kind = None

    def shown(self, daemon: Daemon) -> bytes:
        line = dial(daemon)
        assert isinstance(line, ssl.SSLSocket)
        found = line.getpeercert(binary_form=True)
        line.close()
        assert found
        return found

    def test_swapped_while_running(self) -> None:
        """A new pair is used for new connections, open ones stay; a bad pair keeps the old."""
        daemon = self.own_daemon(FAST, plain=False).start()
        websocket = self.client(daemon)
        first = self.shown(daemon)
        ssl_dir = daemon.home / ".gotwist" / "ssl"
        certificate, keyfile = ssl_dir / "certificate.pem", ssl_dir / "keyfile.pem"
        now = datetime.datetime.now(datetime.UTC)
        # The key of another certificate: both files are good, together they are not.
        _, other_key = make_certificate(["other"], now)
        keyfile.write_bytes(other_key)
        until(lambda: b"does not belong" in daemon.log.read_bytes(), "the complaint", 40)
        self.assertEqual(first, self.shown(daemon))
        made, key = make_certificate(["new"], now)
        for path, data in ((keyfile, key), (certificate, made)):
            new = path.with_suffix(".new")
            new.write_bytes(data)
            new.rename(path)
        until(lambda: self.shown(daemon) != first, "the new certificate", 40)
        self.assertEqual(ssl.PEM_cert_to_DER_cert(made.decode()), self.shown(daemon))
        self.assert_still_talks(websocket)
        self.assertEqual(1, daemon.log.read_bytes().count(b"does not belong"))


class TakenTests(FaultTestCase):
    def test_port_in_use(self) -> None:
        """A second daemon on the same port says who has it and starts nothing."""
        second = self.own_daemon()
        ended = second.run("--disable_ssl", f"--port={self.daemon.port}")
        said = (ended.stdout + ended.stderr).decode()
        assert self.daemon.process is not None
        self.assertNotEqual(0, ended.returncode)
        self.assertIn(str(self.daemon.port), said)
        self.assertIn(str(self.daemon.process.pid), said)
        self.assertNotIn("Traceback", said)
        self.assertIsNone(second.keeper_pid())

    def test_places_that_are_not_ours(self) -> None:
        """A link or a directory open to others in place of one of ours is refused by name."""
        for name, make in (
            ("run", self.make_link),
            ("run", self.make_open),
            ("sessions", self.make_link),
            ("users", self.make_file),
        ):
            daemon = self.own_daemon()
            path = daemon.home / ".gotwist" / name
            make(path)
            ended = daemon.run("--disable_ssl", f"--port={daemon.port}")
            said = (ended.stdout + ended.stderr).decode()
            self.assertNotEqual(0, ended.returncode, said)
            self.assertIn(str(path), said)
            self.assertNotIn("Traceback", said)

    def make_link(self, path: Path) -> None:
        (path.parent / "elsewhere").mkdir(mode=0o700)
        path.symlink_to(path.parent / "elsewhere")

    def make_open(self, path: Path) -> None:
        path.mkdir()
        path.chmod(0o777)

    def make_file(self, path: Path) -> None:
        path.write_text("in the way")

    def test_socket_in_the_way(self) -> None:
        """What lies at the control socket's place and is no socket is not removed."""
        daemon = self.own_daemon()
        runtime = daemon.home / ".gotwist" / "run"
        runtime.mkdir(mode=0o700)
        stale = socket.socket(socket.AF_UNIX)
        stale.bind(str(runtime / "control.sock"))
        stale.close()
        daemon.start()
        self.assertIn(b"token=", daemon.run("link").stdout)
