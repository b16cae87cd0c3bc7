"""Disks that are full, read-only or gone: terminals go on, and what does not is told."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
from pathlib import Path

from tests.faults.raw import get
from tests.faults.support import FaultTestCase, mint, sign_in
from tests.integration.daemon import Daemon, until
from tests.integration.websocket import Screen


class DiskTests(FaultTestCase):
    kind = None

    def mount(self, path: Path, size: str = "256k") -> None:
        """Put a small disk of its own at a place."""
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        if os.geteuid() != 0:
            self.skipTest("only root can mount a small disk to fill")
        mounted = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={size},mode=0700", "gotwist-test", str(path)],
            capture_output=True,
            check=False,
        )
        if mounted.returncode:
            self.skipTest(f"no disk can be mounted here: {mounted.stderr.decode().strip()}")
        self.addCleanup(subprocess.run, ["umount", "-l", str(path)], check=False)

    def fill(self, path: Path) -> Path:
        """Leave no byte free."""
        filler = path / "filler"
        with filler.open("wb", buffering=0) as file, contextlib.suppress(OSError):
            while True:
                file.write(bytes(4_096))
        return filler

    def places(self, daemon: Daemon) -> list[Path]:
        return [daemon.home / ".gotwist" / name for name in ("sessions", "users", "run")]

    def assert_works(self, daemon: Daemon) -> None:
        """Somebody can sign in, open a terminal and type."""
        screen = self.screen(self.client(daemon))
        screen.type(b"echo alive-$((6*7))\n")
        screen.until_text(b"alive-42")

    def test_full_while_running(self) -> None:
        """With no byte left anywhere open terminals go on, new ones open, people sign in; it is
        told that sign-ins are not kept; with room again they are."""
        daemon = self.own_daemon()
        for place in self.places(daemon):
            self.mount(place)
        daemon.start()
        before = self.screen(self.client(daemon), command="cat")
        fillers = [self.fill(place) for place in self.places(daemon)]
        before.type(b"still-here\n")
        before.until_text(b"still-here")
        self.assert_works(daemon)
        self.assertIn("sign-ins are not kept", daemon.log.read_text())
        self.assertEqual(200, get(daemon, "/healthz").status)
        for filler in fillers:
            filler.unlink()
        cookie = sign_in(daemon)
        daemon.kill()
        daemon.start()
        check = get(daemon, "/auth?check=1", f"Cookie: {cookie}")
        self.assertEqual(b"authenticated", check.body)
        again = Screen(self.client(daemon, cookie), term=before.term)
        again.until_text(b"still-here")

    def test_full_audit_log(self) -> None:
        """A full disk of the audit log costs its lines and nothing else; how many is told, in the
        daemon's log and, with room again, in the audit log itself."""
        daemon = self.own_daemon()
        place = daemon.home / ".gotwist" / "log"
        self.mount(place)
        daemon.start()
        filler = self.fill(place)
        audit = place / "audit.log"
        # What is left of the file's last page is filled as well.
        for _ in range(100):
            mint(daemon)
            if "lines of the audit log are lost" in daemon.log.read_text():
                break
        until(
            lambda: "lines of the audit log are lost: No space left" in daemon.log.read_text(),
            "the daemon to tell that lines are lost",
        )
        self.assert_works(daemon)
        filler.unlink()
        mint(daemon)
        until(lambda: b"audit_lost" in audit.read_bytes(), "the audit log to tell what it lost")
        whole = []
        for line in audit.read_text().splitlines():
            with contextlib.suppress(ValueError):
                whole.append(json.loads(line))
        (lost,) = [event for event in whole if event["event"] == "audit_lost"]
        self.assertGreaterEqual(lost["lines"], 4)
        self.assertEqual("No space left on device", lost["reason"])
        self.assertEqual("link_made", whole[-1]["event"])
        self.assertEqual(1, daemon.log.read_text().count("lines of the audit log are lost"))
        self.assertIn("the audit log is written again", daemon.log.read_text())

    def test_full_at_the_start(self) -> None:
        """A full disk at the start keeps nobody from starting, or is named in one sentence."""
        daemon = self.own_daemon()
        for place in self.places(daemon)[:2]:
            self.mount(place)
            self.fill(place)
        daemon.start()
        self.assert_works(daemon)

    def test_settings_at_the_first_start(self) -> None:
        """Settings that cannot be written keep the daemon from starting half-made."""
        daemon = Daemon(plain=True)
        self.addCleanup(daemon.close)
        directory = daemon.home / ".gotwist" / "conf.d"
        self.mount(directory, "8k")
        filler = self.fill(directory)
        ended = daemon.run("--disable_ssl", f"--port={daemon.port}")
        said = (ended.stdout + ended.stderr).decode()
        self.assertNotEqual(0, ended.returncode, said)
        self.assertIn("free some space", said)
        self.assertNotIn("Traceback", said)
        self.assertEqual([filler.name], os.listdir(directory))
        filler.unlink()
        subprocess.run(["mount", "-o", "remount,size=1m", str(directory)], check=True)
        daemon.start()

    def test_read_only(self) -> None:
        """A disk that has become read-only costs what would be written, nothing else."""
        daemon = self.own_daemon()
        for place in self.places(daemon)[:2]:
            self.mount(place)
        daemon.start()
        for place in self.places(daemon)[:2]:
            subprocess.run(["mount", "-o", "remount,ro", str(place)], check=True)
        self.assert_works(daemon)
        self.assertIn("sign-ins are not kept", daemon.log.read_text())

    def test_log(self) -> None:
        """A log that cannot be written stops nothing."""
        daemon = self.own_daemon()
        self.mount(daemon.home / "log")
        daemon.log = daemon.home / "log" / "daemon.log"
        daemon.start()
        self.fill(daemon.home / "log")
        for _ in range(5):
            self.assert_works(daemon)
        self.assertEqual(200, get(daemon, "/healthz").status)

    def test_runtime_directory_removed(self) -> None:
        """Without its runtime directory the daemon goes on with the terminals it has, and says
        plainly what is missing; the next start makes it anew."""
        daemon = self.own_daemon().start()
        cookie = sign_in(daemon)
        screen = self.screen(self.client(daemon, cookie), command="cat")
        token = mint(daemon)
        shutil.rmtree(daemon.home / ".gotwist" / "run")
        screen.type(b"still-here\n")
        screen.until_text(b"still-here")
        self.assertEqual(303, get(daemon, f"/auth?token={token}").status)
        another = self.screen(self.client(daemon, cookie), command="cat")
        another.type(b"new-one\n")
        another.until_text(b"new-one")
        asked = daemon.run("link")
        self.assertNotEqual(0, asked.returncode)
        self.assertIn(b"no gotwist daemon answers", asked.stdout + asked.stderr)
        self.assertEqual(0, daemon.terminate())
        daemon.start()
        self.assert_works(daemon)

    def test_terminals_are_found_after_the_runtime_directory_was_removed(self) -> None:
        """The keeper offers its socket anew, so that the next daemon finds its terminals."""
        daemon = self.own_daemon().start()
        cookie = sign_in(daemon)
        screen = self.screen(self.client(daemon, cookie))
        screen.type(b"X=kept; echo ta''ken\n")
        screen.until_text(b"taken")
        run = daemon.home / ".gotwist" / "run"
        shutil.rmtree(run)
        until(lambda: (run / "keeper.sock").exists(), "the keeper's socket")
        daemon.kill()
        daemon.start()
        again = self.screen(self.client(daemon, cookie), term=1)
        again.type(b"echo $X-there\n")
        again.until_text(b"kept-there")

    def test_session_directory_removed(self) -> None:
        """Without the session directory people still sign in and work."""
        daemon = self.own_daemon().start()
        shutil.rmtree(daemon.home / ".gotwist" / "sessions")
        shutil.rmtree(daemon.home / ".gotwist" / "users")
        self.assert_works(daemon)
