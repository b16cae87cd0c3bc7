"""A privileged keeper with real accounts: who is believed, and as whom programs run."""

from __future__ import annotations

import os
import signal
import socket
from pathlib import Path
from typing import Any

from gotwist.keeper import wire
from tests.keeper.accounts import (
    DAEMON_GID,
    DAEMON_UID,
    PASSWORD,
    add_service,
    add_user,
    as_user,
    need_root,
    public_directory,
    run,
    unix_service,
    write_rules,
)
from tests.keeper.keeping import KeeperCase, Peer, is_alive, wait_until


class PrivilegedCase(KeeperCase):
    """A test with a privileged keeper, and a connection of its daemon."""

    def setUp(self) -> None:
        """Make an account, a service and the rules."""
        need_root()
        self.base = public_directory(self)
        self.account = add_user(self)
        self.name = self.account.pw_name
        self.rules = self.base / "rules.json"
        self.service = self.make_service()
        self.write_rules()
        self.options = ("--daemon-uid", str(DAEMON_UID), "--daemon-gid", str(DAEMON_GID),
                        "--rules", str(self.rules))  # fmt: skip
        super().setUp()

    def make_service(self) -> str:
        """The PAM service of this test."""
        return unix_service(self)

    def write_rules(self, **changes: object) -> None:
        """Write the rules of this test."""
        services = {"login": self.service}
        write_rules(self.rules, **{"services": services, "session": self.service, **changes})

    def join(self, persist: bool = True) -> Peer:
        """Connect as the daemon."""
        os.chmod(self.directory, 0o711)
        with as_user(DAEMON_UID, DAEMON_GID):
            return super().join(persist)

    def start(self, *options: str) -> int:
        """Start a keeper in a directory that its daemon can reach."""
        os.chmod(self.directory, 0o711)
        return super().start(*options)

    def authenticate(self, user: str = "", password: str = PASSWORD, **more: Any) -> dict[str, Any]:
        """Have a user checked."""
        request = {"user": user or self.name, "password": password, "service": "login",
                   "rhost": "192.0.2.7", "ticket": True}  # fmt: skip
        return self.peer.ask(do="authenticate", **{**request, **more})

    def ticket(self, user: str = "", password: str = PASSWORD) -> str:
        """Prove a user."""
        return str(self.authenticate(user, password)["ticket"])

    def request(self, ticket: str, user: str = "", command: str = "shell", **more: Any) -> Any:
        """Ask for a terminal."""
        request: dict[str, object] = {
            "user": user or self.name,
            "ticket": ticket,
            "command": command,
            "variables": {},
            "place": {},
            "rows": 30,
            "columns": 100,
            "label": "",
        }
        return self.peer.ask(do="open", **{**request, **more})

    def opened(self, ticket: str, user: str = "", command: str = "shell", **more: Any) -> int:
        """Open a terminal."""
        answer = self.request(ticket, user, command, **more)
        self.assertTrue(answer["ok"], answer)
        return self.peer._keep(answer)

    def type(self, number: int, text: str) -> None:
        """Type a line into a terminal."""
        os.write(self.peer.masters[number], text.encode() + b"\r")

    def said(self, number: int, *lines: str) -> str:
        """Type lines and an end, and give all output."""
        for line in (*lines, "exit 5"):
            self.type(number, line)
        event = self.peer.event("exited")
        self.assertEqual((event["code"], event["signal"]), (5, None))
        return self.peer.output(number).decode().replace("\r", "").replace("$ ", "")

    def session_of(self, number: int) -> int:
        """The process id of a terminal's program, once it runs."""
        found: list[int] = []

        def is_there() -> bool:
            for one in self.peer.ask(do="list")["terminals"]:
                if one["terminal"] == number and one["pid"] not in self.guards():
                    found.append(one["pid"])
            return bool(found)

        wait_until(is_there)
        return found[0]

    def guards(self) -> list[int]:
        """The programs above terminals."""
        return self.helpers("helper.py login")

    def helpers(self, what: str = "helper.py") -> list[int]:
        """The small programs of the keeper."""
        found = run("pgrep", "-f", "-P", str(self.keeper), what, check=False)
        return [int(pid) for pid in found.split()]

    def refused(self, answer: dict[str, Any], code: str, text: str = "") -> None:
        """A request was answered, with a refusal."""
        self.assertEqual((answer["ok"], answer["code"]), (False, code), answer)
        self.assertIn(text, answer["message"])
        self.assertNotIn("ticket", answer)

    def hung_up(self, ask: Any) -> None:
        """A request ended its connection, and only that."""
        with self.assertRaises(ConnectionError):
            ask()
        self.peer = self.join()


class TerminalTests(PrivilegedCase):
    """A terminal of a proven user."""

    def make_service(self) -> str:
        (self.base / "limits").write_text(f"{self.name} - nofile 777\n")
        (self.base / "motd").write_text("Mind the gap\n")
        (self.base / "env").write_text("GW_COLOUR DEFAULT=green\n")
        return unix_service(
            self,
            f"session required pam_limits.so conf={self.base}/limits",
            f"session required pam_env.so conffile={self.base}/env",
            f"session optional pam_motd.so motd={self.base}/motd",
            "session required pam_unix.so",
        )

    def test_runs_as_the_user(self) -> None:
        """A program runs as the user who was proven, with all that belongs to them."""
        run("groupadd", group := f"{self.name}g")
        self.addCleanup(run, "groupdel", group, check=False)
        run("usermod", "-aG", group, self.name)
        number = self.opened(self.ticket(), place={"GO_TERM": "7"})
        said = self.said(
            number,
            "id; ulimit -n; umask; pwd; tty; echo =$0=$HOME=$SHELL=$LOGNAME=$USER=$TERM=$GO_TERM=",
            "echo $GW_COLOUR; stat -c '%U:%G:%a' $(tty); stty size",
            "ls /proc/self/fd | tr '\\n' ,; echo; grep -E 'CapEff|SigIgn|SigBlk' /proc/self/status",
            "env | cut -d= -f1 | sort | tr '\\n' ,",
        )
        account = self.account
        self.assertIn(f"uid={account.pw_uid}({self.name}) gid={account.pw_gid}", said)
        self.assertIn(f"({group})", said)
        self.assertNotIn("(root)", said)
        lines = said.split("\n")
        self.assertIn("Mind the gap", lines)
        self.assertIn("777", lines)
        self.assertIn("0022", lines)
        self.assertIn(account.pw_dir, lines)
        self.assertIn(f"=-sh={account.pw_dir}=/bin/sh={self.name}={self.name}=xterm-test=7=", lines)
        self.assertIn("green", lines)
        self.assertIn(f"{self.name}:tty:620", lines)
        self.assertIn("30 100", lines)
        self.assertIn("0,1,2,3,", lines)
        self.assertIn("CapEff:\t0000000000000000", lines)
        self.assertIn("SigBlk:\t0000000000000000", lines)
        (names,) = [line for line in lines if line.startswith("COLORTERM,")]
        self.assertEqual(
            set(names.strip(",").split(",")) - {"_", "OLDPWD", "PWD"},
            {"COLORTERM", "GO_TERM", "GW_COLOUR", "HOME", "LANG", "LOGNAME", "PATH", "SHELL",
             "TERM", "USER", "MOTD_SHOWN"},
        )  # fmt: skip
        wait_until(lambda: not self.helpers())

    def test_only_there(self) -> None:
        """What a session sets up is set up for that session, not for the keeper or others."""
        number = self.opened(self.ticket())
        self.session_of(number)
        limits = Path(f"/proc/{self.keeper}/limits").read_text()
        self.assertNotIn(" 777 ", limits)
        status = Path(f"/proc/{self.keeper}/status").read_text()
        self.assertIn("Uid:\t0\t0\t0\t0", status)
        self.assertNotIn("libpam", Path(f"/proc/{self.keeper}/maps").read_text())

    def test_command(self) -> None:
        """Values come into single words of a command; what is unknown stays as it is."""
        number = self.opened(self.ticket(), command="words", variables={"TIME": "12"})
        self.peer.event("exited")
        self.assertIn(f"<{self.name}><12><%NOBODY%>", self.peer.output(number).decode())

    def test_no_program(self) -> None:
        """A program that does not exist is named in the terminal."""
        number = self.opened(self.ticket(), command="nothing")
        self.assertEqual(self.peer.event("exited")["code"], 127)
        self.assertIn(b"there is no program '/no/such/program'", self.peer.output(number))

    def test_no_home(self) -> None:
        """Without a home directory the shell starts in the root, and says so."""
        run("usermod", "-d", "/no/such/home", self.name)
        said = self.said(self.opened(self.ticket()), "pwd")
        self.assertIn("No home directory", said)
        self.assertIn("\n/\n", said)

    def test_entry(self) -> None:
        """While the terminal is open, its user is among those who are logged in."""
        path = Path("/run/utmp")
        if not path.exists():
            path.touch()
            self.addCleanup(path.unlink)
        number = self.opened(self.ticket())
        self.session_of(number)
        wait_until(lambda: self.name in run("who"))
        (line,) = [one for one in run("who").splitlines() if self.name in one]
        self.assertIn("pts/", line)
        self.assertIn("(192.0.2.7)", line)
        self.said(number)
        wait_until(lambda: self.name not in run("who"))

    def test_locked_since(self) -> None:
        """A ticket opens nothing any more when the account has expired since."""
        ticket = self.ticket()
        run("usermod", "-e", "1", self.name)
        number = self.opened(ticket)
        self.assertEqual(self.peer.event("exited")["code"], 126)
        self.assertIn(b"no terminal for you", self.peer.output(number))


class SessionTests(PrivilegedCase):
    """The PAM session is closed, however its terminal ends."""

    def make_service(self) -> str:
        self.log_path = self.base / "sessions"
        script = self.base / "note"
        script.write_text(f"#!/bin/sh\necho $PAM_TYPE $PAM_USER $PAM_RHOST >>{self.log_path}\n")
        script.chmod(0o755)
        return unix_service(self, f"session required pam_exec.so {script}")

    def sessions(self) -> list[str]:
        """What was opened and closed."""
        return self.log_path.read_text().splitlines() if self.log_path.exists() else []

    def closed(self) -> bool:
        """Tell whether the one session was opened and closed."""
        both = [f"{kind} {self.name} 192.0.2.7" for kind in ("open_session", "close_session")]
        return self.sessions() == both

    def test_exit(self) -> None:
        """A session is opened before its program and closed after it."""
        self.said(self.opened(self.ticket()))
        wait_until(self.closed)

    def test_close(self) -> None:
        """A terminal that is closed leaves nothing of its session, however stubborn."""
        number = self.opened(self.ticket())
        shell = self.session_of(number)
        self.type(number, "trap '' HUP; (trap '' HUP; sleep 98) &")
        wait_until(lambda: len(run("pgrep", "-s", str(shell), check=False).split()) > 1)
        members = [int(pid) for pid in run("pgrep", "-s", str(shell)).split()]
        self.peer.ask(do="close", terminal=number)
        self.peer.event("gone")
        self.assertEqual([pid for pid in members if is_alive(pid)], [])
        wait_until(self.closed)
        wait_until(lambda: not self.helpers())

    def test_stuck(self) -> None:
        """A session that does not open does not keep its terminal from being closed."""
        (self.base / "note").write_text("#!/bin/sh\nexec sleep 97\n")
        number = self.opened(self.ticket())
        wait_until(lambda: run("pgrep", "-P", str(self.guards()[0]), check=False) != "")
        (module,) = run("pgrep", "-P", str(self.guards()[0])).split()
        # What a module has started in a session of its own is nobody's terminal.
        self.addCleanup(os.kill, int(module), signal.SIGKILL)
        self.peer.ask(do="close", terminal=number)
        self.peer.event("gone")
        wait_until(lambda: not self.helpers())

    def test_shutdown(self) -> None:
        """The end of the keeper ends the programs of all users, and their sessions."""
        shells = [self.session_of(self.opened(self.ticket()))]
        self.peer.ask(do="shutdown")
        wait_until(lambda: not is_alive(self.keeper))
        self.assertFalse(is_alive(shells[0]))
        wait_until(self.closed)

    def test_killed_guard(self) -> None:
        """When the program above a terminal is killed, the terminal ends, and it is told."""
        number = self.opened(self.ticket())
        shell = self.session_of(number)
        (guard,) = self.guards()
        os.kill(guard, signal.SIGKILL)
        event = self.peer.event("exited")
        self.assertEqual((event["code"], event["signal"]), (None, 9))
        wait_until(lambda: not is_alive(shell))

    def test_killed_keeper(self) -> None:
        """When the keeper is killed, programs are hung up and sessions closed."""
        shell = self.session_of(self.opened(self.ticket()))
        os.kill(self.keeper, signal.SIGKILL)
        wait_until(lambda: not is_alive(shell))
        wait_until(self.closed)

    def test_lost_daemon(self) -> None:
        """Terminals go on when their daemon is killed; the next one takes them up."""
        number = self.opened(self.ticket())
        shell = self.session_of(number)
        self.peer.close()
        self.peer = self.join()
        self.peer.adopt(number)
        self.said(number)
        wait_until(lambda: not is_alive(shell))
        wait_until(self.closed)


class TicketTests(PrivilegedCase):
    """What opens a terminal, and what does not."""

    def test_result(self) -> None:
        """Who is proven is told with what the account is, and a ticket."""
        answer = self.authenticate()
        account = self.account
        self.assertEqual(
            answer["proven"],
            {
                "user": self.name,
                "uid": account.pw_uid,
                "gid": account.pw_gid,
                "groups": [self.name],
                "home": account.pw_dir,
                "shell": "/bin/sh",
            },
        )
        self.assertRegex(answer["ticket"], "^[0-9a-f]{64}$")
        self.assertEqual(answer["life"], 600.0)
        self.assertNotIn("ticket", self.authenticate(ticket=False))

    def test_refused(self) -> None:
        """Wrong passwords, unknown users and locked accounts get no ticket, all alike."""
        self.refused(self.authenticate(password="wrong"), "denied")
        self.refused(self.authenticate(password=""), "denied")
        self.refused(self.authenticate("gwtnobody"), "denied")
        self.refused(self.authenticate(service="su"), "denied")
        run("usermod", "-e", "1", self.name)
        self.refused(self.authenticate(), "denied")

    def test_root(self) -> None:
        """Root is nobody here, whatever PAM says."""
        self.service = add_service(
            self, *(f"{kind} required pam_permit.so" for kind in ("auth", "account", "session"))
        )
        self.write_rules(trusted=["token"])
        self.peer = self.join()
        self.assertIn("ticket", self.authenticate(password="anything"))
        self.refused(self.authenticate("root"), "denied", "user id 0")
        answer = self.peer.ask(do="vouch", user="root", rhost="", method="token")
        self.refused(answer, "denied", "user id 0")

    def test_tickets(self) -> None:
        """Only a ticket of this user opens a terminal; made up, revoked, none: none."""
        ticket = self.ticket()
        other = add_user(self).pw_name
        before = os.listdir(f"/proc/{self.keeper}/fd")
        self.refused(self.request(ticket, other), "denied", "sign in again")
        self.refused(self.request(ticket, "root"), "denied")
        self.refused(self.request("0" * 64), "denied")
        self.refused(self.request(ticket.upper()), "denied")
        self.refused(self.request(""), "denied")
        self.assertTrue(self.peer.ask(do="forget_ticket", ticket=ticket)["ok"])
        self.refused(self.request(ticket), "denied")
        self.assertEqual(self.peer.ask(do="list")["terminals"], [])
        self.assertEqual(os.listdir(f"/proc/{self.keeper}/fd"), before)

    def test_expiry(self) -> None:
        """A ticket ends by itself."""
        self.write_rules(ticket_s=1)
        self.peer = self.join()
        ticket = self.ticket()
        self.opened(ticket, command="cat")
        wait_until(lambda: not self.request(ticket)["ok"])

    def test_another_account(self) -> None:
        """A ticket does not open the terminal of an account that got the name later."""
        ticket = self.ticket()
        run("usermod", "-u", str(self.account.pw_uid + 4_000), self.name)
        number = self.opened(ticket)
        self.assertEqual(self.peer.event("exited")["code"], 126)
        self.assertIn(b"not the account that signed in", self.peer.output(number))

    def test_other_daemon(self) -> None:
        """Tickets hold over a restart of the daemon, and end with the keeper."""
        ticket = self.ticket()
        self.peer.close()
        self.peer = self.join()
        self.opened(ticket, command="cat")
        os.kill(self.keeper, signal.SIGKILL)
        wait_until(lambda: not is_alive(self.keeper))
        self.assertEqual(self.start("--ring", "262144", *self.options), 0)
        self.peer = self.join()
        self.keeper = wire.integer(self.peer.hello, "pid", 1, 2**31)
        self.refused(self.request(ticket), "denied")

    def test_vouch(self) -> None:
        """The daemon's word opens terminals only where the rules say so, and for persons."""

        def vouch(user: str, method: str = "token") -> dict[str, Any]:
            return self.peer.ask(do="vouch", user=user, rhost="", method=method)

        self.refused(vouch(self.name), "denied")
        self.write_rules(trusted=["token"])
        self.peer = self.join()
        self.refused(vouch(self.name, "api"), "denied")
        self.refused(vouch("daemon"), "denied", "may not be used")
        self.refused(vouch("gwtnobody"), "denied")
        self.opened(vouch(self.name)["ticket"], command="cat")
        run("usermod", "-e", "1", self.name)
        self.refused(vouch(self.name), "denied")

    def test_unknown_command(self) -> None:
        """A command that is not in the keeper's list is none."""
        ticket = self.ticket()
        for command in ("bash", "/bin/sh", "../shell", ""):
            self.refused(self.request(ticket, command=command), "not_found")


class ConversationTests(PrivilegedCase):
    """PAM may ask more than one thing."""

    def test_expired_password(self) -> None:
        """Who must choose another password can, and is in with it."""
        run("passwd", "-e", self.name)
        answer = self.authenticate()
        self.assertTrue(answer["ask"][0][1])
        given = [PASSWORD, "Another-horse8", "Another-horse8"]
        while "ask" in answer:
            texts = [given.pop(0) for _ in answer["ask"]]
            answer = self.peer.ask(do="answer", check=answer["check"], texts=texts)
        self.assertEqual(given, [])
        self.assertIn("ticket", answer)
        self.refused(self.authenticate(), "denied")
        self.assertIn("ticket", self.authenticate(password="Another-horse8"))

    def test_strangers_check(self) -> None:
        """A check belongs to the connection that began it, and ends with it."""
        run("passwd", "-e", self.name)
        answer = self.authenticate()
        other = self.join()
        wrong = other.ask(do="answer", check=answer["check"], texts=[PASSWORD])
        self.refused(wrong, "not_found")
        self.assertEqual(len(self.helpers()), 1)
        self.peer.close()
        wait_until(lambda: not self.helpers())
        self.peer = other

    def test_cancel(self) -> None:
        """A check that nobody will answer is ended by request."""
        run("passwd", "-e", self.name)
        answer = self.authenticate()
        self.assertTrue(self.peer.ask(do="cancel", check=answer["check"])["ok"])
        wait_until(lambda: not self.helpers())
        late = self.peer.ask(do="answer", check=answer["check"], texts=[PASSWORD])
        self.refused(late, "not_found")

    def test_secrets(self) -> None:
        """A password is in no command line, no environment and no log."""
        run("passwd", "-e", self.name)
        self.authenticate()
        (check,) = self.helpers()
        for name in ("cmdline", "environ"):
            self.assertNotIn(PASSWORD, Path(f"/proc/{check}/{name}").read_text())
        self.assertNotIn(PASSWORD, Path(self.log).read_text())


class CrowdTests(PrivilegedCase):
    """Many checks at once."""

    def make_service(self) -> str:
        script = self.base / "slow"
        script.write_text('#!/bin/sh\n[ "$PAM_USER" = ' + self.name + " ] || sleep 1\n")
        script.chmod(0o755)
        return add_service(
            self,
            f"auth required pam_exec.so {script}",
            "auth required pam_unix.so",
            "account required pam_unix.so",
        )

    def test_crowd(self) -> None:
        """Thirty slow checks run sixteen at a time; terminals and a good sign-in go on."""
        number = self.opened(self.ticket(), command="cat")
        for tag in range(1_000, 1_030):
            request = {"tag": tag, "do": "authenticate", "user": "gwtnobody", "password": "x"}
            data = wire.render_json({**request, "service": "login", "rhost": "", "ticket": False})
            self.peer.sock.sendall(data)
        wait_until(lambda: len(self.helpers()) == 17)
        self.type(number, "here")
        wait_until(lambda: b"here" in self.peer.output(number))
        other, self.peer = self.peer, self.join()
        self.assertIn("ticket", self.authenticate())
        while len(other.inbox) < 30:
            other.receive()
        self.assertEqual({one["code"] for one in other.inbox}, {"denied"})
        wait_until(lambda: len(self.helpers()) == 1)

    def test_fairness(self) -> None:
        """An address with hundreds of checks keeps others waiting for one, and not out."""
        flood = self.join()
        for tag in range(1_000, 1_300):
            request = {"tag": tag, "do": "authenticate", "user": "gwtnobody", "password": "x",
                       "service": "login", "rhost": "192.0.2.66", "ticket": False}  # fmt: skip
            flood.sock.sendall(wire.render_json(request))
        wait_until(lambda: len(self.helpers()) == 16)
        self.assertIn("ticket", self.authenticate())
        while len(flood.inbox) < 300 - 16 - 256:
            flood.receive()
        codes = [one["code"] for one in flood.inbox]
        # Some were too many at once; of the others no more were judged than two rounds.
        self.assertIn(codes.count("unavailable"), (300 - 16 - 256, 300 - 16 - 255))
        self.assertLessEqual(codes.count("denied"), 32)


class HostileTests(PrivilegedCase):
    """A daemon in the hands of strangers."""

    def test_no_command_lines(self) -> None:
        """The requests of an ordinary keeper do not exist here: no argv, no directory."""
        ticket = self.ticket()
        self.hung_up(lambda: self.peer.open("/bin/sh"))
        changes: tuple[dict[str, object], ...] = (
            {"variables": {"SHELL": "/bin/evil"}},
            {"variables": {"USER": "root"}},
            {"variables": {"TIME": "-x"}},
            {"variables": {"SESSION": "a b"}},
            {"variables": []},
            {"place": {"LD_PRELOAD": "/tmp/evil.so"}},
            {"place": {"PATH": "/tmp"}},
            {"place": {"GO_USER": "a\nb"}},
            {"place": {"GO_USER": 7}},
            {"user": "../root"},
            {"user": "-root"},
            {"user": " "},
            {"user": "root\0"},
            {"ticket": "x" * 65},
            {"ticket": None},
            {"command": "y" * 65},
            {"rows": "1"},
        )
        for more in changes:
            self.hung_up(lambda more=more: self.request(**{"ticket": ticket, **more}))
        for request in (
            {"do": "authenticate", "user": self.name, "password": "p" * 1_025, "service": "login",
             "rhost": ""},
            {"do": "authenticate", "user": self.name, "password": "a\0b", "service": "login",
             "rhost": ""},
            {"do": "authenticate", "user": "a b", "password": "p", "service": "login", "rhost": ""},
            {"do": "authenticate", "user": self.name, "password": "p", "service": "login",
             "rhost": "a b"},
            {"do": "authenticate", "user": self.name, "password": "p", "service": "login",
             "rhost": ""},
            {"do": "vouch", "user": self.name, "method": 7, "rhost": ""},
            {"do": "answer", "check": 1, "texts": ["x"] * 17},
            {"do": "answer", "check": 1, "texts": "x"},
            {"do": "answer", "check": -1, "texts": []},
            {"do": "forget_ticket", "ticket": {}},
            {"do": "open", "label": "x" * 20_000},
            {"do": "rules"},
        ):  # fmt: skip
            self.hung_up(lambda request=request: self.peer.ask(**request))
        # All the same, the house stands.
        self.opened(ticket, command="cat")

    def test_strangers(self) -> None:
        """Accounts other than the daemon's are not served, and cannot even connect."""
        with as_user(self.account.pw_uid, self.account.pw_gid):
            self.assertRaises(PermissionError, Peer, self.path)
        os.chmod(self.path, 0o666)
        with as_user(self.account.pw_uid, self.account.pw_gid):
            sock = socket.socket(socket.AF_UNIX)
            self.addCleanup(sock.close)
            sock.connect(self.path)
        sock.settimeout(5)
        self.assertEqual(sock.recv(10), b"")

    def test_socket(self) -> None:
        """The socket is the daemon's alone, in a directory that only root writes."""
        found = os.stat(self.path)
        self.assertEqual((found.st_uid, found.st_gid), (DAEMON_UID, DAEMON_GID))
        self.assertEqual(found.st_mode & 0o777, 0o600)
        self.assertTrue(self.peer.hello["privileged"])
        with as_user(DAEMON_UID, DAEMON_GID):
            self.assertRaises(PermissionError, os.unlink, self.path)


class RefusedStartTests(KeeperCase):
    """What does not become a privileged keeper."""

    def test_rules(self) -> None:
        """Rules that others can write, or that are none, start no keeper."""
        need_root()
        path = Path(self.directory) / "rules.json"
        options = ("--daemon-uid", "64123", "--daemon-gid", "64124", "--rules", str(path))
        write_rules(path)
        self.assertNotEqual(self.start(*options[:4]), 0)
        self.assertNotEqual(self.start("--daemon-uid", "0", *options[2:]), 0)
        for spoil in (
            lambda: path.chmod(0o666),
            lambda: os.chown(path, 64_123, 0),
            lambda: write_rules(path, trusted_min_uid=0),
            lambda: write_rules(path, session="../su"),
            lambda: write_rules(path, commands={"shell": "sh -c"}),
            lambda: write_rules(path, more=1),
            lambda: path.write_text("{"),
            path.unlink,
        ):
            write_rules(path)
            spoil()
            self.assertNotEqual(self.start(*options), 0)

    def test_ordinary(self) -> None:
        """A keeper of one's own knows no users: it opens programs as itself, and checks nobody."""
        self.assertFalse(self.peer.hello["privileged"])
        with self.assertRaises(ConnectionError):
            self.peer.ask(do="authenticate", user="a", password="b", service="login", rhost="")
        self.peer = self.join()
        with self.assertRaises(ConnectionError):
            self.peer.ask(do="open", user="a", ticket="b", command="shell", variables={}, place={},
                          rows=2, columns=2, label="")  # fmt: skip
