"""Tests of how long sessions last, and of the files that belong to them, in a real daemon."""

from __future__ import annotations

import stat
from pathlib import Path

from tests.integration.daemon import Daemon, until
from tests.integration.signing_in import connect, cookie_of, request
from tests.integration.test_daemon import DaemonTestCase
from tests.integration.websocket import Screen


class SessionsTestCase(DaemonTestCase):
    def newcomer(self, daemon: Daemon) -> str:
        """The cookie, and so the session, of somebody whom nobody asks for a name."""
        _, headers, _ = request(daemon, "GET", "/")
        return headers["set-cookie"].split(";")[0]


class DownloadTests(SessionsTestCase):
    def test_program_leaves_a_file(self) -> None:
        """What a program puts into its session's directory can be downloaded, by its user only."""
        daemon = self.daemon("--auth=none", plain=True).start()
        cookie, other = self.newcomer(daemon), self.newcomer(daemon)
        screen = Screen(connect(daemon, cookie))
        screen.type(b'echo hi > "$GO_USER_SESSION_DIR/downloads/a.txt" && echo wri""tten\n')
        screen.until_text(b"written")
        status, headers, body = request(daemon, "GET", "/downloads/a.txt", {"Cookie": cookie})
        self.assertEqual((status, body), (200, b"hi\n"))
        self.assertIn("attachment", headers["content-disposition"])
        self.assertEqual(request(daemon, "GET", "/downloads/a.txt")[0], 401)
        self.assertEqual(request(daemon, "GET", "/downloads/a.txt", {"Cookie": other})[0], 404)
        (downloads,) = (daemon.home / ".gotwist").rglob("downloads")
        for directory in (downloads, downloads.parent):
            self.assertEqual(stat.S_IMODE(directory.stat().st_mode), 0o700)

    def test_without_a_directory(self) -> None:
        """Where the directory cannot be made, the terminal opens all the same."""
        daemon = self.daemon(plain=True).start()
        cookie = cookie_of(daemon, daemon.first_link())
        websocket = connect(daemon, cookie)
        (found,) = (p for p in (daemon.home / ".gotwist").rglob("signins.json"))
        sessions = found.parent
        moved = sessions.with_name("moved")
        sessions.rename(moved)
        sessions.write_text("a file is in the way")
        screen = Screen(websocket)
        screen.type(b"echo still-he''re\n")
        screen.until_text(b"still-here")
        self.assertIn("no downloads", daemon.log.read_text())
        sessions.unlink()
        moved.rename(sessions)


class TimeoutTests(SessionsTestCase):
    def test_unseen_sessions_end(self) -> None:
        """Programs of a session unseen for its time are ended; those somebody sees are not."""
        daemon = self.daemon(
            "--auth=none",
            "--session_timeout=1s",
            "--session_timeout_check_interval=1s",
            plain=True,
        ).start()
        seen, unseen = (Screen(connect(daemon, self.newcomer(daemon))) for _ in range(2))
        seen_pid = self.pid_of(seen, daemon.home / "seen")
        unseen_pid = self.pid_of(unseen, daemon.home / "unseen")
        unseen.websocket.close()
        until(lambda: not _is_there(unseen_pid), "the unseen session's program to end")
        self.assertTrue(_is_there(seen_pid))
        seen.type(b"echo still-he''re\n")
        seen.until_text(b"still-here")

    def test_no_sessions_are_kept(self) -> None:
        """With a timeout of 0 a session ends with its last browser, and not before."""
        daemon = self.daemon("--session_timeout=0", plain=True).start()
        cookie = cookie_of(daemon, daemon.first_link())
        screen, other = Screen(connect(daemon, cookie)), connect(daemon, cookie)
        pid = self.pid_of(screen, daemon.home / "pid")
        screen.websocket.close()
        other.send("go:ping", 1)
        self.assertEqual(other.until_action("go:pong"), 1)
        self.assertTrue(_is_there(pid))
        other.close()
        until(lambda: not _is_there(pid), "the program to end with the last browser")

    def test_restart_is_no_leaving(self) -> None:
        """A daemon that stops takes no session along, not even where none are kept."""
        daemon = self.daemon("--session_timeout=0", plain=True).start()
        cookie = cookie_of(daemon, daemon.first_link())
        screen = Screen(connect(daemon, cookie))
        pid = self.pid_of(screen, daemon.home / "pid")
        daemon.terminate()
        screen.websocket.close()
        daemon.start()
        again = Screen(connect(daemon, cookie), term=1)
        again.type(b"echo $$ aga''in\n")
        again.until_text(b"%d again" % pid)

    def pid_of(self, screen: Screen, path: Path) -> int:
        """The process id of a terminal's shell, by way of a file."""
        screen.type(b"echo $$ > %s.new && mv %s.new %s\n" % ((str(path).encode(),) * 3))
        until(path.exists, "the shell to tell its process id")
        return int(path.read_text())


def _is_there(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()
