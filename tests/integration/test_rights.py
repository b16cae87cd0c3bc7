"""A daemon started by root for another account, and terminals of those who sign in."""

from __future__ import annotations

import http.client
import os
import re
import signal
import socket
import ssl
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlencode

from twisted.trial.unittest import SynchronousTestCase

from gotwist.applications.terminal.commands import Command, command_id
from gotwist.auth.ask import authenticate
from gotwist.errors import Unavailable
from gotwist.tap.rights import Rights, check_way
from tests.integration.daemon import PATIENCE_S, Daemon, until
from tests.integration.signing_in import connect
from tests.integration.test_pam_signin import PamTestCase
from tests.integration.websocket import Screen, WebSocket
from tests.keeper.accounts import PASSWORD, add_user, as_user, need_root, run, unix_service
from tests.keeper.keeping import Peer, is_alive

STATUS = ("Uid", "Gid", "Groups", "CapInh", "CapPrm", "CapEff", "NoNewPrivs")


def status_of(pid: int) -> dict[str, str]:
    """What the kernel says of a process's rights."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    fields = dict(line.split(":", 1) for line in lines)
    return {name: " ".join(fields[name].split()) for name in STATUS}


class RightsTestCase(SynchronousTestCase):
    """A test with accounts, a PAM service and a daemon."""

    def setUp(self) -> None:
        """Make the accounts."""
        need_root()
        self.account = add_user(self, "-r", "-M", "-s", "/usr/sbin/nologin")
        self.alice = add_user(self).pw_name
        self.service = unix_service(self, "session required pam_unix.so")

    def daemon(self, *options: str) -> Daemon:
        """Make a daemon of this account."""
        daemon = Daemon(
            *([] if any(one.startswith("--auth=") for one in options) else ["--auth=pam"]),
            f"--uid={self.account.pw_name}",
            f"--pam_service={self.service}",
            "--pam_realm=",
            f"--pam_services={self.service}",
            *options,
        )
        daemon.home.chmod(0o755)
        self.addCleanup(daemon.close)
        return daemon

    def sign_in(self, daemon: Daemon, user: str, password: str = PASSWORD) -> str:
        """Fill the form in; answers the cookie, or nothing."""
        status, headers, _ = self.post(daemon, user, password)
        if status not in (302, 303):
            return ""
        return headers["set-cookie"].split(";")[0]

    def post(self, daemon: Daemon, user: str, password: str) -> tuple[int, dict[str, str], bytes]:
        """Send the form."""
        return self.send(daemon, {"user": user, "password": password})

    def send(
        self, daemon: Daemon, fields: dict[str, str], cookie: str = ""
    ) -> tuple[int, dict[str, str], bytes]:
        """Send a form with these fields."""
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        connection = http.client.HTTPSConnection("127.0.0.1", daemon.port, context=context)
        try:
            connection.request(
                "POST",
                "/auth",
                urlencode(fields),
                {
                    "Cookie": cookie,
                    "Content-Type": "application/x-www-form-urlencoded",
                    "Origin": daemon.base.rstrip("/"),
                },
            )
            answer = connection.getresponse()
            headers = {name.lower(): value for name, value in answer.getheaders()}
            return answer.status, headers, answer.read()
        finally:
            connection.close()

    def screen(self, daemon: Daemon, user: str) -> tuple[WebSocket, Screen]:
        """Sign in and open a terminal."""
        websocket = connect(daemon, self.sign_in(daemon, user))
        self.addCleanup(websocket.close)
        return websocket, Screen(websocket)


class RightsTests(RightsTestCase):
    """Who has which rights."""

    def test_rights(self) -> None:
        """The daemon has no rights but its account's, the keeper has no network."""
        daemon = self.daemon().start()
        assert daemon.process is not None
        keeper = daemon.keeper_pid()
        assert keeper is not None
        uid, gid = self.account.pw_uid, self.account.pw_gid
        self.assertEqual(
            status_of(daemon.process.pid),
            {
                "Uid": f"{uid} {uid} {uid} {uid}",
                "Gid": f"{gid} {gid} {gid} {gid}",
                "Groups": str(gid),
                "CapInh": "0000000000000000",
                "CapPrm": "0000000000000000",
                "CapEff": "0000000000000000",
                "NoNewPrivs": "1",
            },
        )
        self.assertEqual(status_of(keeper)["Uid"], "0 0 0 0")
        for task in Path(f"/proc/{daemon.process.pid}/task").iterdir():
            self.assertIn(f"Uid:\t{uid}\t{uid}\t{uid}\t{uid}\n", (task / "status").read_text())
        listening = run("ss", "-Hltunp")
        self.assertIn(f"pid={daemon.process.pid},", listening)
        self.assertNotIn(f"pid={keeper},", listening)
        for name in ("run/control.sock", "run/authservice.sock", "log"):
            self.assertEqual((daemon.home / ".gotwist" / name).stat().st_uid, uid)
        self.assertNotIn("denied", daemon.log.read_text().lower())

    def test_certificate(self) -> None:
        """A directory that was there stays as it was, with a new certificate in it."""
        daemon = self.daemon()
        place = daemon.home / "shared"
        place.mkdir(0o755)
        daemon.options += [f"--certificate={place}/c.pem", f"--keyfile={place}/new/k.pem"]
        daemon.start()
        gid = self.account.pw_gid
        for name, owner, mode in (
            (".", 0, 0o755),
            ("c.pem", gid, 0o640),
            ("new", gid, 0o750),
            ("new/k.pem", gid, 0o640),
        ):
            found = (place / name).stat()
            self.assertEqual((found.st_uid, found.st_gid), (0, owner), name)
            self.assertEqual(found.st_mode & 0o777, mode, name)
        self.assertNotIn("cannot read the key", daemon.log.read_text())

    def test_audit_log(self) -> None:
        """The audit log is the daemon's account's, which finds it again; root adds to it."""
        daemon = self.daemon("--audit_log_max_size=1K", "--audit_log_backups=50").start()
        log = daemon.home / ".gotwist" / "log" / "audit.log"

        def told() -> str:
            return "".join(path.read_text() for path in log.parent.glob("audit.log*"))

        for _ in range(2):
            self.assertEqual("", self.sign_in(daemon, self.alice, "wrong"))
        self.screen(daemon, self.alice)
        until(lambda: "terminal_opened" in told(), "the terminal to be told")
        self.assertEqual(2, told().count('"event":"sign_in_refused"'))
        self.assertIn('"method":"pam","sign_in":', told())
        self.assertNotIn("wrong-", told())
        until(log.with_name("audit.log.1").exists, "the log to be renamed")
        for path in log.parent.glob("audit.log*"):
            found = path.stat()
            self.assertEqual((self.account.pw_uid, 0o600), (found.st_uid, found.st_mode & 0o777))
        self.assertIn(b"ended", daemon.run("--kill", *daemon.options).stdout)
        until(lambda: '"terminals_killed","uid":0' in told(), "root's act to be told")

    def test_audit_log_of_root(self) -> None:
        """A directory in which the account may not write is told in one sentence."""
        daemon = self.daemon()
        place = daemon.home / "log"
        place.mkdir(mode=0o755)
        daemon.options.append(f"--audit_log={place}/audit.log")
        answer = subprocess.run(
            daemon.command, env=daemon.environment, capture_output=True, text=True, check=False
        )
        self.assertNotEqual(0, answer.returncode)
        told = answer.stdout + answer.stderr
        self.assertIn("the audit log cannot be written: permission denied", told)
        self.assertNotIn("Traceback", told)

    def test_terminal(self) -> None:
        """Each who signs in has terminals of their own account, and only of that."""
        daemon = self.daemon().start()
        bob = add_user(self).pw_name
        for user in (self.alice, bob):
            _, screen = self.screen(daemon, user)
            screen.type(b"id -un; echo $LOGNAME:$HOME:$GO_USER:$GO_TERM; tty; kill -0 1\n")
            screen.type(b"exit 3\n")
            while screen.exited is None:
                screen.read_one()
            output = screen.output.decode()
            self.assertIn(f"{user}\r\n{user}:/home/{user}:{user}:1\r\n/dev/pts/", output)
            self.assertIn("ot permitted", output)
            self.assertEqual(screen.exited["code"], 3)

    def test_refused(self) -> None:
        """Wrong passwords, root, and names that are none get no further than the form."""
        daemon = self.daemon().start()
        for user, password in (
            (self.alice, "wrong"),
            ("root", PASSWORD),
            (self.account.pw_name, "x"),
            ("a" * 129, "x"),
            ("-x y", "x"),
            (self.alice, "p" * 1_025),
            (self.alice, "a\0b"),
        ):
            self.assertEqual(self.sign_in(daemon, user, password), "", user)
        # None of that cost the connection to the keeper.
        self.assertNotIn("the keeper is gone", daemon.log.read_text())
        self.screen(daemon, self.alice)

    def test_restart(self) -> None:
        """After a kill of the daemon its terminals are there, and the sign-in opens more."""
        daemon = self.daemon().start()
        cookie = self.sign_in(daemon, self.alice)
        websocket = connect(daemon, cookie)
        screen = Screen(websocket)
        screen.type(b"stay=her''e; echo $stay\n")
        screen.until_text(b"here\r")
        daemon.kill()
        daemon.start()
        websocket = connect(daemon, cookie)
        self.addCleanup(websocket.close)
        screen = Screen(websocket, term=screen.term)
        screen.type(b"echo still $stay\n")
        screen.until_text(b"still here\r")
        more = Screen(websocket)
        more.type(b"id -un\n")
        more.until_text(f"{self.alice}\r".encode())

    def test_killed_keeper(self) -> None:
        """Without its keeper the daemon says who has to do what, and goes on when it is done."""
        daemon = self.daemon().start()
        websocket, _ = self.screen(daemon, self.alice)
        keeper = daemon.keeper_pid()
        assert keeper is not None
        os.kill(keeper, signal.SIGKILL)
        websocket.until_action("terminal:term_ended")
        until(lambda: "root has to start it" in daemon.log.read_text(), "a word to the operator")
        websocket.send("terminal:new_terminal", {"rows": 24, "columns": 80})
        refused = websocket.until(lambda message: "go:error" in message)
        self.assertEqual(refused["go:error"]["code"], "unavailable")
        self.assertEqual(self.post(daemon, self.alice, PASSWORD)[0], 503)
        # The second way of starting it: in the foreground, under a supervisor.
        supervisor = self.start_keeper(daemon)
        until(lambda: daemon.log.read_text().count("keeper: process") == 2, "the daemon to be back")
        websocket.send("terminal:new_terminal", {"rows": 24, "columns": 80})
        refused = websocket.until(lambda message: "go:error" in message)
        self.assertEqual(refused["go:error"]["code"], "denied")
        self.assertIn("sign in again", refused["go:error"]["message"])
        self.screen(daemon, self.alice)
        self.assertTrue(is_alive(supervisor))
        self.assertEqual(status_of(supervisor)["Uid"], "0 0 0 0")

    def start_keeper(self, daemon: Daemon) -> int:
        """Run ``gotwist keeper`` until it says that everything is prepared."""
        supervisor = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(supervisor.close)
        supervisor.settimeout(PATIENCE_S)
        place = str(daemon.home / "notify")
        supervisor.bind(place)
        process = subprocess.Popen(
            [sys.executable, "-m", "gotwist", "keeper"],
            env={**daemon.environment, "NOTIFY_SOCKET": place},
            cwd=daemon.home,
            stdin=subprocess.DEVNULL,
        )

        def end() -> None:
            process.kill()
            process.wait()

        self.addCleanup(end)
        self.assertEqual(supervisor.recv(100), b"READY=1")
        return process.pid

    def become(self) -> list[str]:
        """Words that start a program as the daemon's account."""
        uid, gid = self.account.pw_uid, self.account.pw_gid
        words = ["setpriv", f"--reuid={uid}", f"--regid={gid}", "--clear-groups"]
        try:
            check_way(os.__file__, Rights("", uid, gid, ""))
        except Unavailable:
            # This Python is where other accounts cannot go: let this one read, not write.
            words += [f"--{kind}-caps=+dac_read_search" for kind in ("inh", "ambient")]
        return words

    def test_two_units(self) -> None:
        """A daemon that never was root uses the keeper that root has started."""
        daemon = self.daemon().start()
        daemon.terminate()
        self.assertEqual(daemon.run("--kill").returncode, 0)
        self.start_keeper(daemon)
        daemon.prefix = self.become()
        daemon.start()
        until(lambda: daemon.log.read_text().count("keeper: process") == 2, "the keeper")
        _, screen = self.screen(daemon, self.alice)
        screen.type(b"id -un\n")
        screen.until_text(f"{self.alice}\r".encode())

    def test_sign_out(self) -> None:
        """A sign-in that has ended opens no more terminals, not even for its daemon."""
        daemon = self.daemon().start()
        cookie = self.sign_in(daemon, self.alice)
        websocket = connect(daemon, cookie)
        Screen(websocket)
        tickets = re.findall(r'"ticket": "([0-9a-f]{64})"', self.signins(daemon))
        self.assertEqual(len(tickets), 1)
        request = {
            "do": "open",
            "user": self.alice,
            "ticket": tickets[0],
            "command": command_id(Command("shell", "%SHELL%")),
            "variables": {},
            "place": {},
            "rows": 24,
            "columns": 80,
            "label": "",
        }
        with as_user(self.account.pw_uid, self.account.pw_gid):
            peer = Peer(str(daemon.home / ".gotwist" / "run-keeper" / "keeper.sock"))
        self.addCleanup(peer.close)
        self.assertTrue(peer.ask(**request)["ok"])
        websocket.send("go:sign_out", None)
        until(lambda: not peer.ask(**request)["ok"], "the ticket to end", 10)

    def test_trusted(self) -> None:
        """Users of a trusted way of signing in get their own account too, and no system's."""
        daemon = self.daemon("--auth=file", "--trusted_methods=file")
        daemon.start()
        for name in (self.alice, self.account.pw_name, "stranger"):
            done = daemon.run("passwd", name, given=b"Another-horse8\n")
            self.assertEqual(done.returncode, 0, done.stderr)
        (path,) = [
            one for one in (daemon.home / ".gotwist").rglob("*") if one.name.startswith("password")
        ]
        os.chown(path, self.account.pw_uid, self.account.pw_gid)
        websocket = connect(daemon, self.sign_in(daemon, self.alice, "Another-horse8"))
        self.addCleanup(websocket.close)
        screen = Screen(websocket)
        screen.type(b"id -un\n")
        screen.until_text(f"{self.alice}\r".encode())
        for name in (self.account.pw_name, "stranger"):
            websocket = connect(daemon, self.sign_in(daemon, name, "Another-horse8"))
            self.addCleanup(websocket.close)
            websocket.send("terminal:new_terminal", {"rows": 24, "columns": 80})
            refused = websocket.until(lambda message: "go:error" in message)
            self.assertEqual(refused["go:error"]["code"], "denied")

    def signins(self, daemon: Daemon) -> str:
        return (daemon.home / ".gotwist" / "sessions" / "signins.json").read_text()

    def test_authentication_service(self) -> None:
        """The authentication service asks the keeper, and gives nobody a ticket."""
        daemon = self.daemon().start()
        path = str(daemon.home / ".gotwist" / "run" / "authservice.sock")
        self.assertTrue(authenticate(self.alice, PASSWORD, self.service, socket=path))
        self.assertFalse(authenticate(self.alice, "wrong", self.service, socket=path))
        self.assertFalse(authenticate(self.alice, PASSWORD, "su", socket=path))


class ConversationTests(PamTestCase):
    """What PAM asks reaches the person, and the answers PAM, through the keeper."""

    def test_expired_password(self) -> None:
        """Who has to choose another password does so, and has terminals afterwards."""
        need_root()
        account = add_user(self, "-r", "-M", "-s", "/usr/sbin/nologin")
        alice = add_user(self).pw_name
        run("chage", "--lastday", "0", alice)
        daemon = Daemon(
            "--auth=pam",
            f"--uid={account.pw_name}",
            f"--pam_service={unix_service(self, 'session required pam_unix.so')}",
            "--pam_realm=",
            plain=True,
        )
        daemon.home.chmod(0o755)
        self.addCleanup(daemon.close)
        daemon.start()
        status, asked = self.converse(daemon, alice, old=PASSWORD, new="Another-horse8")
        self.assertEqual((status, asked), (303, 3))
        websocket = connect(daemon, self.cookie)
        self.addCleanup(websocket.close)
        screen = Screen(websocket)
        screen.type(b"id -un\n")
        screen.until_text(f"{alice}\r".encode())
        self.cookies.clear()
        self.assertEqual(self.post(daemon, user=alice, password=PASSWORD)[0], 401)


class RefusedStartTests(RightsTestCase):
    """What is no start."""

    def test_refused(self) -> None:
        """Accounts that are none, root's, or open to everybody are refused in one sentence."""
        for options, text in (
            (("--uid=root",), "not root's"),
            (("--uid=gwtnobody",), "no such account"),
            (("--gid=gwtnobody",), "no such group"),
            (("--auth=none",), "nobody signs in"),
        ):
            daemon = self.daemon(*options)
            with self.assertRaises(AssertionError) as refused:
                daemon.start()
            self.assertIn(text, str(refused.exception))
            self.assertNotIn("Traceback", str(refused.exception))
            daemon.process = None
