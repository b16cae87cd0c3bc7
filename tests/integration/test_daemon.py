"""Tests of the whole daemon as its operator starts and kills it, without a browser."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import stat

from twisted.trial.unittest import SynchronousTestCase

from tests.integration.daemon import Daemon, until
from tests.integration.signing_in import connect, cookie_of, request
from tests.integration.websocket import Closed, Refused, Screen, WebSocket

COUNT = b"i=0; while [ $i -lt 4000 ]; do i=$((i+1)); echo n$i.; sleep 0.0005; done; echo do''ne\n"
COMMANDS = {"shell": "%SHELL%", "odd": "/no/such/program --x"}
NUMBER = re.compile(rb"n(\d+)\.")


class DaemonTestCase(SynchronousTestCase):
    def daemon(self, *options: str, plain: bool = False) -> Daemon:
        daemon = Daemon(*options, plain=plain)
        self.addCleanup(daemon.close)
        return daemon


class FirstStartTests(DaemonTestCase):
    def test_first_start_needs_nothing(self) -> None:
        """It binds loopback, writes its settings, makes a certificate and prints a link."""
        daemon = self.daemon().start()
        cookie = cookie_of(daemon, daemon.first_link())
        home = daemon.home / ".gotwist"
        self.assertEqual(
            sorted(path.name for path in (home / "conf.d").iterdir()),
            ["10server.conf", "20authentication.conf", "20cookie_secret.conf", "50terminal.conf"],
        )
        keys = list(home.rglob("keyfile.pem"))
        self.assertEqual([stat.S_IMODE(key.stat().st_mode) for key in keys], [0o600])
        for option in ("HttpOnly", "Secure", "SameSite"):
            status, headers, _ = request(daemon, "GET", daemon.link())
            self.assertIn(option, headers["set-cookie"])
        status, _, body = request(daemon, "GET", "/", {"Cookie": cookie})
        self.assertEqual(status, 200)
        self.assertIn(b"static/main-", body)
        log = daemon.log.read_text()
        self.assertRegex(log, rf"https://127\.0\.0\.1:{daemon.port}/")

    def test_launch_link_works_once(self) -> None:
        """The second use of a link signs nobody in, and a made-up token never does."""
        daemon = self.daemon().start()
        link = daemon.first_link()
        cookie_of(daemon, link)
        for url in (link, re.sub(r"wstoken[0-9a-f]+", "wstoken" + "0" * 64, link)):
            status, headers, _ = request(daemon, "GET", url)
            self.assertNotIn("set-cookie", headers)
            self.assertIn(status, (401, 403))

    def test_nothing_is_reachable_without_a_credential(self) -> None:
        """Without a cookie there is no page, no terminal, and no WebSocket beyond a ping."""
        daemon = self.daemon().start()
        _, _, body = request(daemon, "GET", "/")
        self.assertNotIn(b"static/main-", body)
        websocket = WebSocket(daemon.base)
        websocket.send("go:ping", 1)
        self.assertEqual(websocket.until_action("go:pong"), 1)
        websocket.send("terminal:new_terminal", {"rows": 24, "columns": 80})
        with self.assertRaises(AssertionError):
            websocket.until_action("terminal:attached")
        websocket.send("go:authenticate", {"auth": None, "location": "default"})
        self.assertEqual(websocket.until_action("go:reauthenticate"), True)
        with self.assertRaises(Refused):
            WebSocket(daemon.base, origin="https://evil.example")

    def test_dangerous_combinations_do_not_start(self) -> None:
        """The refusal is one sentence that names the override."""
        for options, name in (
            (("--auth=none", "--address=0.0.0.0"), "allow_auth_none_off_loopback"),
            (("--disable_ssl", "--address=0.0.0.0"), "allow_plain_http_off_loopback"),
            (("--origins=*",), "allow_any_origin"),
        ):
            daemon = self.daemon(*options)
            ended = daemon.run(*daemon.options, f"--port={daemon.port}")
            self.assertNotEqual(ended.returncode, 0)
            self.assertIn(name, (ended.stdout + ended.stderr).decode())
            self.assertNotIn("Traceback", (ended.stdout + ended.stderr).decode())


class BadInputTests(DaemonTestCase):
    def refuse(self, daemon: Daemon, *words: str) -> str:
        ended = daemon.run(f"--port={daemon.port}", *words)
        said = (ended.stdout + ended.stderr).decode()
        self.assertNotEqual(ended.returncode, 0, said)
        self.assertNotIn("Traceback", said)
        return said

    def test_unknown_option_names_the_nearest(self) -> None:
        """A slip of the pen is told what was probably meant."""
        self.assertIn("url_prefix", self.refuse(self.daemon(), "--url_prefx=/x/"))

    def test_settings_file_with_a_trailing_comma(self) -> None:
        """The file, the line and the column are named, and nothing listens."""
        daemon = self.daemon()
        daemon.write_settings("10bad.conf", '{"*": {"gotwist": {\n  "port": 1,\n}}}')
        said = self.refuse(daemon)
        self.assertRegex(said, r"10bad\.conf:(2|3):\d+")
        self.assertIn("comma", said)

    def test_port_in_use_names_who_has_it(self) -> None:
        """The sentence names the address and the process."""
        daemon = self.daemon()
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", daemon.port))
            taken.listen()
            said = self.refuse(daemon)
        self.assertIn(str(daemon.port), said)
        self.assertIn(str(os.getpid()), said)

    def test_unreadable_certificate_is_named(self) -> None:
        """A certificate that is none is named, with what to do."""
        daemon = self.daemon()
        bad = daemon.home / "bad.pem"
        bad.write_text("not a certificate")
        said = self.refuse(daemon, f"--certificate={bad}", f"--keyfile={bad}")
        self.assertIn("bad.pem", said)


class TerminalTests(DaemonTestCase):
    def test_shell_answers(self) -> None:
        """A command typed is run, and its output comes back byte for byte."""
        daemon = self.daemon().start()
        screen = Screen(connect(daemon, cookie_of(daemon, daemon.first_link())))
        screen.type(b"echo $((6*7))-$TERM-$GO_TERM; tty\n")
        self.assertIn(b"42-xterm-256color-1", screen.until_text(b"/dev/pts"))
        screen.type(b"exit 3\n")
        while screen.exited is None:
            screen.read_one()
        self.assertEqual(screen.exited["code"], 3)

    def test_killed_daemon_loses_and_repeats_nothing(self) -> None:
        """A counting program goes on over kill -9, and every number comes exactly once."""
        daemon = self.daemon().start()
        cookie = cookie_of(daemon, daemon.first_link())
        screen = Screen(connect(daemon, cookie), viewer="0123456789abcdef")
        screen.type(COUNT)
        screen.until_text(b"n500.")
        daemon.kill()
        try:
            while True:
                screen.read_one()
        except (Closed, OSError):
            pass
        keeper = daemon.keeper_pid()
        daemon.start()
        self.assertEqual(daemon.keeper_pid(), keeper)
        again = Screen(
            connect(daemon, cookie),
            term=screen.term,
            viewer="0123456789abcdef",
            have=screen.offset,
            epoch=screen.attached["epoch"],
        )
        self.assertFalse(again.attached["reset"])
        self.assertEqual(again.typed, len(COUNT))
        again.until_text(b"done")
        numbers = [int(n) for n in NUMBER.findall(bytes(screen.output + again.output))]
        self.assertEqual(numbers, list(range(1, 4001)))

    def test_keystrokes_sent_twice_are_typed_once(self) -> None:
        """Input below the applied offset is a resend and is dropped; a gap is an error."""
        daemon = self.daemon().start()
        screen = Screen(connect(daemon, cookie_of(daemon, daemon.first_link())))
        screen.type(b"echo once-$((1+1)) #\n")
        screen.typed = 0
        screen.type(b"echo once-$((1+1)) #\n")
        screen.type(b"echo end-$((2+2))\n")
        self.assertEqual(screen.until_text(b"end-4").count(b"once-2"), 1)
        screen.typed += 100
        screen.type(b"x")
        self.assertEqual(screen.websocket.until_action("go:error")["code"], "malformed")

    def test_without_dtach_terminals_end_with_the_daemon(self) -> None:
        """dtach=false: what the daemon started ends when it ends, by whatever means."""
        daemon = self.daemon("--dtach=False").start()
        cookie = cookie_of(daemon, daemon.first_link())
        screen = Screen(connect(daemon, cookie))
        screen.type(b"echo pid-$$-\n")
        found = re.search(rb"pid-(\d+)-", screen.until(lambda o: re.search(rb"pid-\d+-", o)))
        assert found
        pid = int(found[1])
        os.kill(pid, 0)
        daemon.kill()
        until(lambda: not _is_alive(pid), "the shell to end with its daemon")

    def test_kill_ends_terminals_and_keeper(self) -> None:
        """``--kill`` leaves no program, no keeper and no socket."""
        daemon = self.daemon().start()
        screen = Screen(connect(daemon, cookie_of(daemon, daemon.first_link())))
        screen.type(b"trap '' HUP; echo pid-$$-\n")
        found = re.search(rb"pid-(\d+)-", screen.until(lambda o: re.search(rb"pid-\d+-", o)))
        assert found
        daemon.terminate()
        self.assertIsNotNone(daemon.keeper_pid())
        self.assertEqual(daemon.run("--kill").returncode, 0)
        until(lambda: not _is_alive(int(found[1])), "the shell to end")
        until(lambda: daemon.keeper_pid() is None, "the keeper to end")

    def test_other_peoples_terminals_do_not_exist(self) -> None:
        """A number that is not yours is answered like one that was never opened."""
        daemon = self.daemon("--auth=none", plain=True).start()
        mine = WebSocket(daemon.base)
        mine.send("go:authenticate", {"auth": None, "location": "default"})
        mine.until_action("go:applications")
        Screen(mine)
        other = WebSocket(daemon.base)
        other.send("go:authenticate", {"auth": None, "location": "default"})
        other.until_action("go:applications")
        errors = []
        for number in (1, 2):
            other.send("terminal:kill_terminal", number)
            error = other.until_action("go:error")
            errors.append(json.dumps(error).replace(str(number), "N"))
        self.assertEqual(errors[0], errors[1])
        mine.send("terminal:get_terminals", None)
        self.assertEqual(list(mine.until_action("terminal:terminals")), ["1"])

    def test_program_that_does_not_exist(self) -> None:
        """The sentence names the program; nothing is left open."""
        daemon = self.daemon(plain=True)
        daemon.write_settings("60odd.conf", {"*": {"terminal": {"commands": COMMANDS}}})
        daemon.start()
        websocket = connect(daemon, cookie_of(daemon, daemon.first_link()))
        websocket.send("terminal:new_terminal", {"rows": 24, "columns": 80, "command": "odd"})
        error = websocket.until_action("go:error")
        self.assertEqual(error["code"], "not_found")
        self.assertIn("/no/such/program", error["message"])
        websocket.send("terminal:new_terminal", {"rows": 24, "columns": 80, "command": "none"})
        self.assertIn("none", websocket.until_action("go:error")["message"])

    def test_messages_that_make_no_sense_harm_nobody(self) -> None:
        """Each is answered by an error that names the action; the connection stays."""
        daemon = self.daemon(plain=True).start()
        websocket = connect(daemon, cookie_of(daemon, daemon.first_link()))
        for text in (b"{", b"[1]", b'"x"', b'{"go:nonsense": 1}', b'{"terminal:resize": {}}'):
            websocket.send_raw(1, text)
            self.assertIn("message", websocket.until_action("go:error"))
        websocket.send("go:ping", "still here")
        self.assertEqual(websocket.until_action("go:pong"), "still here")

    def test_sign_out_closes_every_tab(self) -> None:
        """Signing out ends each WebSocket of the sign-in with 4401, and the cookie."""
        daemon = self.daemon(plain=True).start()
        cookie = cookie_of(daemon, daemon.first_link())
        one, other = connect(daemon, cookie), connect(daemon, cookie)
        one.send("go:sign_out", None)
        with self.assertRaises(Closed) as closed:
            other.until_action("nothing")
        self.assertEqual(closed.exception.code, 4401)
        again = WebSocket(daemon.base, cookie=cookie)
        again.send("go:authenticate", {"auth": None, "location": "default"})
        self.assertEqual(again.until_action("go:reauthenticate"), True)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as status:
            return status.read().rpartition(")")[2].split()[0] != "Z"
    except (ProcessLookupError, FileNotFoundError):
        return False


class StopTests(DaemonTestCase):
    def test_stops_politely(self) -> None:
        """SIGTERM closes WebSockets with 1001, exits 0, and the terminals live on."""
        daemon = self.daemon(plain=True).start()
        cookie = cookie_of(daemon, daemon.first_link())
        screen = Screen(connect(daemon, cookie))
        screen.type(b"X=kept; echo ta''ken\n")
        screen.until_text(b"taken")
        self.assertEqual(daemon.terminate(), 0)
        with self.assertRaises(Closed) as closed:
            screen.until_text(b"never printed")
        self.assertEqual(closed.exception.code, 1001)
        daemon.start()
        again = Screen(connect(daemon, cookie), term=1)
        again.type(b"echo $X-there\n")
        again.until_text(b"kept-there")

    def test_keeper_killed_is_told(self) -> None:
        """When the keeper itself dies, viewers hear it and new terminals open again."""
        daemon = self.daemon(plain=True).start()
        screen = Screen(connect(daemon, cookie_of(daemon, daemon.first_link())))
        pid = daemon.keeper_pid()
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        self.assertEqual(screen.websocket.until_action("terminal:term_ended"), 1)

        def opens() -> bool:
            screen.websocket.send("terminal:new_terminal", {"rows": 24, "columns": 80})
            try:
                screen.websocket.until_action("terminal:attached")
            except AssertionError:
                return False
            return True

        until(opens, "a new keeper")
