"""A real keeper: programs, flow, hostile clients, and killing things."""

from __future__ import annotations

import os
import signal
import socket
import stat

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gotwist.keeper import wire
from tests.keeper.keeping import RING, KeeperCase, Peer, is_alive, wait_until

COUNT = "i=0; while [ $i -lt 3000 ]; do i=$((i+1)); echo n$i; done; read x"


class ProgramTests(KeeperCase):
    """Starting and ending programs."""

    def test_exit(self) -> None:
        """A program's end is told with its code, and all it printed is there."""
        number = self.peer.open("/bin/sh", "-c", "seq 1 9000; printf end; exit 7")
        event = self.peer.event("exited")
        self.assertEqual((event["code"], event["signal"]), (7, None))
        self.assertEqual(event["offset"], self.peer.head(number))
        want = b"".join(b"%d\r\n" % n for n in range(1, 9001)) + b"end"
        self.assertEqual(self.peer.output(number), want)
        self.assertEqual(self.peer.ask(do="list")["terminals"][0]["exited"], [7, None])
        self.peer.ask(do="close", terminal=number)
        self.peer.event("gone")
        self.assertEqual(self.peer.ask(do="list")["terminals"], [])

    def test_signal(self) -> None:
        """A killed program is told with its signal; the foreground can be signalled."""
        number = self.peer.open("sleep", "99")
        self.assertTrue(self.peer.ask(do="signal", terminal=number, signal=15)["ok"])
        event = self.peer.event("exited")
        self.assertEqual((event["code"], event["signal"]), (None, 15))
        self.assertFalse(self.peer.ask(do="signal", terminal=number, signal=15)["ok"])

    def test_missing(self) -> None:
        """A program that does not exist or cannot be executed is named, and leaves nothing."""
        self.peer.ask(do="list")
        before = os.listdir(f"/proc/{self.keeper}/fd")
        for name in ("/no/such", "no-such", "/etc/passwd", "/"):
            answer = self.peer.ask(
                do="open", argv=[name], env={}, cwd="/", rows=2, columns=2, label=""
            )
            self.assertEqual((answer["ok"], answer["code"]), (False, "not_found"))
            self.assertIn(repr(name), answer["message"])
        self.assertEqual(os.listdir(f"/proc/{self.keeper}/fd"), before)

    def test_surroundings(self) -> None:
        """A program gets exactly its environment, directory, size, and a clean terminal."""
        text = "env; pwd; stty size; stty -a; umask; ls -1 /proc/self/fd; cat /proc/self/status"
        number = self.peer.open("sh", "-c", text, cwd=self.directory, rows=31, columns=97)
        self.peer.event("exited")
        output = self.peer.output(number).decode()
        lines = output.split("\r\n")
        self.assertIn("TERM=xterm-256color", lines)
        self.assertNotIn("HOME=", output)
        self.assertIn(self.directory, lines)
        self.assertIn("31 97", lines)
        self.assertIn(" iutf8", output)
        self.assertIn("0022" if os.umask(0o22) == 0o22 else "00", output)
        at = lines.index("0")
        self.assertEqual(lines[at : at + 5][:4], ["0", "1", "2", "3"])
        # 32 and 33 are the C library's own; its posix_spawn ignores them.
        (ignored,) = [int(line[7:], 16) for line in lines if line.startswith("SigIgn")]
        self.assertEqual(ignored & 0x7FFFFFFF, 0)
        self.assertIn("SigBlk:\t0000000000000000", lines)

    def test_no_directory(self) -> None:
        """When the directory is gone the program starts in the root."""
        number = self.peer.open("pwd", cwd="/no/such/place")
        self.peer.event("exited")
        self.assertEqual(self.peer.output(number), b"/\r\n")

    def test_controlling_terminal(self) -> None:
        """The terminal is the program's own: Ctrl-C interrupts, a resize is heard."""
        number = self.peer.open(
            "sh", "-c", "trap 'stty size' WINCH; echo go; while :; do sleep 0.05; done"
        )
        wait_until(lambda: b"go" in self.peer.output(number))
        answer = self.peer.ask(do="resize", terminal=number, rows=1, columns=5000)
        self.assertGreater(answer["offset"], 0)
        wait_until(lambda: b"2 1000" in self.peer.output(number))
        self.peer.ask(do="redraw", terminal=number)
        os.write(self.peer.masters[number], b"\x03")
        self.assertEqual(self.peer.event("exited")["signal"], signal.SIGINT)

    def test_close_kills(self) -> None:
        """Closing ends everything of the session, also what ignores the hang-up."""
        text = "trap '' HUP; (trap '' HUP TERM; sleep 98 & echo child $!; wait) & echo go; wait"
        number = self.peer.open("sh", "-c", text)
        wait_until(lambda: b"child" in self.peer.output(number))
        child = int(self.peer.output(number).split(b"child ")[1].split()[0])
        pid = self.peer.ask(do="list")["terminals"][0]["pid"]
        self.assertTrue(is_alive(child) and is_alive(pid))
        self.assertTrue(self.peer.ask(do="close", terminal=number)["ok"])
        self.assertEqual(self.peer.ask(do="close", terminal=number)["code"], "not_found")
        self.peer.event("gone")
        wait_until(lambda: not is_alive(child) and not is_alive(pid))

    def test_title(self) -> None:
        """A title is told, clean and at most ten times a second."""
        text = (
            "i=0; while [ $i -lt 500 ]; do i=$((i+1)); printf '\\033]2;t%s\\007' $i; done; read x"
        )
        number = self.peer.open("sh", "-c", text)
        while self.peer.event("title")["title"] != "t500":
            pass
        self.assertLess(len(self.peer.events), 5)
        self.assertEqual(self.peer.ask(do="list")["terminals"][0]["title"], "t500")
        self.assertTrue(self.peer.ask(do="close", terminal=number)["ok"])

    def test_room(self) -> None:
        """When all slots are in use, one more is refused; a closed one makes room."""
        numbers = [self.peer.open("cat") for _ in range(16)]
        request: dict[str, object] = {"do": "open", "argv": ["cat"], "env": {"PATH": "/bin"}}
        request |= {"cwd": "/", "rows": 9, "columns": 9, "label": ""}
        self.assertEqual(self.peer.ask(**request)["code"], "unavailable")
        self.peer.ask(do="close", terminal=numbers[3])
        self.peer.event("gone")
        answer = self.peer.ask(**request)
        self.assertEqual((answer["terminal"], answer["slot"]), (17, 3))

    def test_nothing_leaks(self) -> None:
        """A thousand terminals opened and closed leave no process, descriptor or memory."""
        self.peer.open("true")
        self.peer.event("exited")
        self.peer.ask(do="close", terminal=1)
        before = len(os.listdir(f"/proc/{self.keeper}/fd"))
        for _ in range(125):
            numbers = [self.peer.open("true") for _ in range(8)]
            for number in numbers:
                self.peer.ask(do="close", terminal=number)
                os.close(self.peer.masters.pop(number))
            while sum(event["event"] == "gone" for event in self.peer.events) < 8:
                self.peer.receive()
            self.peer.events.clear()
        self.assertEqual(len(os.listdir(f"/proc/{self.keeper}/fd")), before)
        with open(f"/proc/{self.keeper}/task/{self.keeper}/children", encoding="ascii") as file:
            self.assertEqual(file.read(), "")
        self.assertEqual(
            sorted(os.listdir(self.directory)), ["keeper.log", "keeper.sock", "keeper.sock.lock"]
        )


class FlowTests(KeeperCase):
    """What is read when."""

    def outlast_grace(self) -> None:
        """Wait until another flood, that nobody watches, has run on."""
        number = self.peer.open("yes")
        self.peer.need(number, None)
        wait_until(lambda: self.peer.head(number) > 2 * RING)
        self.peer.ask(do="close", terminal=number)

    def test_window(self) -> None:
        """A flood stands still when its viewer is a window behind, and goes on when it is not.

        Whoever opened a terminal counts as a viewer that has drawn nothing yet.
        """
        number = self.peer.open("yes")
        wait_until(lambda: self.peer.head(number) >= RING // 2)
        self.outlast_grace()
        mark = self.peer.head(number)
        self.assertLess(mark, RING - 65_536)
        self.peer.need(number, mark)
        wait_until(lambda: self.peer.head(number) >= mark + RING // 2)
        self.assertLess(self.peer.head(number), mark + RING)

    def test_grace(self) -> None:
        """Unwatched, a flood stands still for the grace and then runs on into the ring."""
        number = self.peer.open("yes")
        self.peer.need(number, None)
        wait_until(lambda: self.peer.head(number) >= RING // 2)
        self.assertLess(self.peer.head(number), RING)
        wait_until(lambda: self.peer.head(number) > 5 * RING)

    def test_slowest(self) -> None:
        """Of several daemons the slowest sets the pace, until it is gone."""
        other = self.join()
        number = self.peer.open("yes")
        other.adopt(number)
        other.need(number, 0)
        self.peer.need(number, 0)
        wait_until(lambda: self.peer.head(number) >= RING // 2)
        self.peer.need(number, self.peer.head(number))
        self.peer.ask(do="list")
        self.assertLess(self.peer.head(number), RING)
        other.close()
        before = self.peer.head(number)
        wait_until(lambda: self.peer.head(number) > before)

    def test_attach_holds(self) -> None:
        """What a viewer begins with stays in the ring until it has told how far it is."""
        number = self.peer.open("yes")
        self.peer.need(number, None)
        wait_until(lambda: self.peer.head(number) > 3 * RING)
        begin = self.peer.ask(do="attach", terminal=number, have=None)
        self.assertTrue(begin["reset"])
        self.outlast_grace()
        data = self.peer.read(number, begin["offset"], self.peer.head(number))
        self.assertEqual(data, (b"y\r\n" * len(data))[: len(data)])

    def test_bell(self) -> None:
        """The bell rings for what was opened here; one that nobody reads harms nobody."""
        number = self.peer.open("cat")
        os.write(self.peer.masters[number], b"x")
        self.assertEqual(os.read(self.peer.bell, 4), self.peer.slots[number].to_bytes(4, "little"))
        other = self.peer.open("sh", "-c", "while :; do echo x; done")
        wait_until(lambda: self.peer.head(other) > 100_000)
        self.assertTrue(self.peer.ask(do="list")["ok"])


class ConnectionTests(KeeperCase):
    """Daemons come and go, and are not believed."""

    def test_daemon_killed(self) -> None:
        """A program goes on counting while the daemon is away; each number is there once."""
        first = self.join()
        number = first.open("sh", "-c", COUNT)
        wait_until(lambda: first.head(number) > 500)
        seen = first.output(number)
        first.close()
        again = self.join()
        self.assertEqual(again.hello["epoch"], self.peer.hello["epoch"])
        self.assertEqual(again.adopt(number)["label"], "test")
        begin = again.ask(do="attach", terminal=number, have=len(seen))
        self.assertEqual((begin["offset"], begin["reset"]), (len(seen), False))
        wait_until(lambda: again.output(number).endswith(b"n3000\r\n"))
        rest = again.read(number, len(seen), again.head(number))
        self.assertEqual(seen + rest, b"".join(b"n%d\r\n" % n for n in range(1, 3001)))
        os.write(again.masters[number], b"\r")
        self.assertEqual(again.event("exited")["code"], 0)

    def test_not_persistent(self) -> None:
        """Terminals of a daemon that does not persist end with its connection."""
        first = self.join(persist=False)
        first.open("sleep", "97")
        pid = first.ask(do="list")["terminals"][0]["pid"]
        kept = self.peer.open("sleep", "96")
        first.close()
        wait_until(lambda: not is_alive(pid))
        self.assertEqual([t["terminal"] for t in self.peer.ask(do="list")["terminals"]], [kept])

    def test_keeper_killed(self) -> None:
        """When the keeper is killed its programs are hung up, and a new one takes the socket."""
        self.peer.open("cat")
        pid = self.peer.ask(do="list")["terminals"][0]["pid"]
        os.kill(self.keeper, signal.SIGKILL)
        wait_until(lambda: not self.peer.receive())
        self.peer.close()
        wait_until(lambda: not is_alive(pid))
        self.assertEqual(self.start(), 0)
        again = self.join()
        self.assertNotEqual(again.hello["epoch"], self.peer.hello["epoch"])
        self.assertEqual(again.ask(do="list")["terminals"], [])
        again.ask(do="shutdown")
        self.assertFalse(again.receive())

    def test_two_keepers(self) -> None:
        """A second keeper for the same socket steps back and leaves the first alone."""
        self.assertEqual(self.start(), 0)
        self.assertEqual(self.join().hello["pid"], self.keeper)

    def test_modes(self) -> None:
        """The socket is only ours; a directory that others can enter is refused."""
        self.assertEqual(stat.S_IMODE(os.stat(self.path).st_mode), 0o600)
        os.chmod(self.directory, 0o755)
        path, self.path = self.path, self.path + "2"
        self.assertEqual(self.start(), 1)
        with open(self.log, "r+", encoding="utf-8") as file:
            self.assertIn("mode 0700", file.read())
            file.truncate(0)
        self.path = path

    def test_in_the_way(self) -> None:
        """What lies in the socket's place and is no socket is not removed."""
        self.path += "3"
        with open(self.path, "w", encoding="utf-8") as file:
            file.write("mine")
        self.assertEqual(self.start(), 1)
        with open(self.path, encoding="utf-8") as file:
            self.assertEqual(file.read(), "mine")
        os.truncate(self.log, 0)

    def test_shutdown(self) -> None:
        """Shutdown ends the terminals and the keeper, and leaves no socket."""
        self.peer.open("cat")
        self.assertTrue(self.peer.ask(do="shutdown")["ok"])
        wait_until(lambda: not is_alive(self.keeper))
        self.assertFalse(os.path.exists(self.path))

    def test_refused(self) -> None:
        """A request of the wrong form ends its connection and no other."""
        good = {"do": "open", "argv": ["true"], "env": {}, "cwd": "/", "rows": 9, "columns": 9}
        good["label"] = ""
        bad: list[dict[str, object]] = [
            {"do": "fly"}, {"do": "hello", "version": 1, "persist": True}, {"do": "close"},
            {"do": "attach", "terminal": 1, "have": -1}, {**good, "argv": []},
            {**good, "argv": ["a\0"]}, {**good, "env": {"A=B": "c"}}, {**good, "env": {"A": 1}},
            {**good, "rows": "9"}, {**good, "label": "x" * 2049}, {**good, "cwd": None},
            {"do": "signal", "terminal": 1, "signal": 99},
        ]  # fmt: skip
        for request in bad:
            peer = self.join()
            self.assertRaises(ConnectionError, peer.ask, **request)
            peer.close()
        peer = Peer(self.path, greet=False)
        self.addCleanup(peer.close)
        self.assertRaises(ConnectionError, peer.ask, do="list")
        self.assertTrue(self.peer.ask(do="list")["ok"])

    @settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(st.binary(min_size=1, max_size=200), st.booleans())
    def test_nonsense(self, data: bytes, framed: bool) -> None:
        """Nonsense from one client harms nobody else."""
        peer = Peer(self.path)
        if framed:
            data = (len(data) + 1).to_bytes(4, "little") + b"J" + data
        peer.sock.sendall(data)
        peer.sock.shutdown(socket.SHUT_WR)
        try:
            while peer.receive():
                pass
        except (ConnectionError, wire.Odd):
            pass
        peer.close()
        self.assertTrue(self.peer.ask(do="list")["ok"])


class IdleTests(KeeperCase):
    """A keeper nobody needs."""

    options = ("--idle", "0.3", "--forget", "0.3")

    def test_leaves(self) -> None:
        """With no connection and no terminal the keeper leaves after a while, and not before."""
        self.peer.open("sh", "-c", "read x; exit 5")
        master = os.dup(self.peer.masters[1])
        self.addCleanup(os.close, master)
        self.peer.close()
        path, self.path = self.path, self.path + "2"
        self.start(*self.options)
        # The same times, but nothing to keep: when that one has left, this one had a reason.
        wait_until(lambda: not os.path.exists(self.path))
        self.path = path
        self.assertTrue(is_alive(self.keeper))
        os.write(master, b"\r")
        wait_until(lambda: not is_alive(self.keeper))
        self.assertFalse(os.path.exists(self.path))
