"""Attacks through terminals: pastes, floods, hostile output, and what is left of programs."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import threading
import time

from gotwist.gateway import frames
from tests.faults.processes import children, descriptors, is_alive, memory_kib
from tests.faults.support import FaultTestCase, keeper_of
from tests.integration.daemon import Daemon, until
from tests.integration.websocket import BINARY, Closed, Screen, WebSocket

MANY = 1_000
MIB = 1_024


def pid_of(daemon: Daemon) -> int:
    """The daemon's process."""
    assert daemon.process is not None
    return daemon.process.pid


def program_of(screen: Screen) -> int:
    """The process of a shell, asked from itself."""
    screen.type(b"echo pid-$$-\n")
    found = re.search(rb"pid-(\d+)-", screen.until(lambda out: re.search(rb"pid-\d+-", out)))
    assert found
    return int(found[1])


class PasteTests(FaultTestCase):
    kind = None

    def test_two_gigabytes(self) -> None:
        """Up to two gigabytes, as far as eight seconds reach, for a program that does not read:
        what cannot be kept is refused in a clear sentence, memory stays bounded, other
        terminals stay quick."""
        daemon = self.own_daemon(
            "--byte_rate=4G", "--message_rate=1000000", "--max_websockets_per_user=100"
        ).start()
        websocket, other = self.client(daemon), self.client(daemon)
        deaf = self.screen(websocket, command="deaf")
        living = self.screen(other, command="cat")
        before = memory_kib(pid_of(daemon))
        errors: list[dict[str, str]] = []
        reader = threading.Thread(target=self.collect, args=(websocket, errors))
        reader.start()
        # A mask of zeros leaves the bytes as they are: this end must not be the slow one.
        size = 32_768
        body = frames.pack_header(frames.Kind.INPUT, deaf.term, 0) + b"x" * size
        head = b"\x82\xfe" + len(body).to_bytes(2, "big") + bytes(4)
        sent = 0
        slowest = 0.0
        peak = before
        started = time.monotonic()
        while sent < 2 * 1_024**3 and time.monotonic() - started < 8:
            pieces = []
            for _ in range(128):
                header = frames.pack_header(frames.Kind.INPUT, deaf.term, sent)
                pieces.append(head + header + body[16:])
                sent += size
            websocket.socket.sendall(b"".join(pieces))
            if sent % (64 * 1_024**2) == 0:
                asked = time.monotonic()
                mark = b"key-%d\n" % sent
                living.type(mark)
                living.until_text(mark.strip())
                slowest = max(slowest, time.monotonic() - asked)
                peak = max(peak, memory_kib(pid_of(daemon)))
        self.assertLess(peak - before, 32 * MIB)
        self.assertLess(slowest, 2)
        websocket.close()
        reader.join(20)
        self.assertTrue(errors)
        self.assertEqual("unavailable", errors[0]["code"])
        self.assertIn("does not read", errors[0]["message"])
        self.assertGreaterEqual(sent, 64 * 1_024**2)
        again = self.client(daemon)
        again.send("terminal:kill_terminal", deaf.term)
        again.until(lambda found: "terminal:term_ended" in found)

    def collect(self, websocket: WebSocket, errors: list[dict[str, str]]) -> None:
        with contextlib.suppress(OSError, Closed):
            while True:
                found = websocket.until(lambda message: "go:error" in message)
                if len(errors) < 10:
                    errors.append(found["go:error"])

    def test_at_the_default_rate(self) -> None:
        """With the limits as they are such a paste ends with 4429 before it is two megabytes."""
        daemon = self.own_daemon().start()
        deaf = self.screen(self.client(daemon), command="deaf")
        before = memory_kib(pid_of(daemon))
        with contextlib.suppress(OSError):
            for at in range(4_000):
                deaf.websocket.send_frame(frames.Kind.INPUT, deaf.term, at * 32_768, b"x" * 32_768)
        self.assert_closed(deaf.websocket, 4429, None)
        self.assertLess(memory_kib(pid_of(daemon)) - before, 4 * MIB)
        other = self.client(daemon)
        other.send("terminal:get_terminals", None)
        self.assertEqual([str(deaf.term)], [*other.until_action("terminal:terminals")])


class FloodTests(FaultTestCase):
    def test_viewer_that_never_reads(self) -> None:
        """A program floods a page that reads nothing: the daemon gathers nothing for it, and
        somebody else's keys are echoed meanwhile."""
        flood = self.screen(command="flood")
        other = self.screen(command="cat")
        pid = pid_of(self.daemon)
        other.type(b"start\n")
        other.until_text(b"start")
        before = memory_kib(pid)
        slowest = 0.0
        for at in range(150):
            asked = time.monotonic()
            mark = b"key-%d-" % at
            other.type(mark + b"\n")
            other.until_text(mark)
            slowest = max(slowest, time.monotonic() - asked)
        self.assertLessEqual(memory_kib(pid) - before, 2 * MIB)
        self.assertLess(slowest, 1)
        self.assertTrue(flood)

    def test_viewer_that_acknowledges_too_much(self) -> None:
        """Acknowledging what was never sent opens no window: it is an error."""
        flood = self.screen(command="flood")
        flood.until(lambda out: len(out) > 100_000)
        websocket = flood.websocket
        websocket.send_frame(frames.Kind.ACK, flood.term, flood.offset + 10**9)
        error = websocket.until(lambda found: "go:error" in found)["go:error"]
        self.assertEqual("malformed", error["code"])

    def test_flood_is_bounded_without_viewers(self) -> None:
        """A flood that nobody watches stays in its ring."""
        flood = self.screen(command="flood")
        flood.until(lambda out: len(out) > 200_000)
        websocket = flood.websocket
        websocket.send("terminal:detach", flood.term)
        before = memory_kib(keeper_of(self.daemon)), memory_kib(pid_of(self.daemon))
        for at in range(50):
            self.assert_still_talks(websocket, at)
        after = memory_kib(keeper_of(self.daemon)), memory_kib(pid_of(self.daemon))
        self.assertLess(after[0] - before[0], 2 * MIB)
        self.assertLess(after[1] - before[1], 2 * MIB)

    def test_resize_storm(self) -> None:
        """Resizing as fast as allowed leaves a terminal that works, within its bounds."""
        screen = self.screen()
        for at in range(400):
            rows, columns = (at * 7) % 700, (at * 13) % 1_300
            screen.websocket.send(
                "terminal:resize", {"term": screen.term, "rows": rows, "columns": columns}
            )
        screen.websocket.send(
            "terminal:resize", {"term": screen.term, "rows": 100_000, "columns": 100_000}
        )
        screen.type(b"stty size\n")
        screen.until_text(b"500 1000")


class HostileOutputTests(FaultTestCase):
    def feed(self, screen: Screen, script: bytes) -> None:
        """Have a shell print something hostile and then a mark."""
        screen.type(script + b"; printf 'END''%s\\n' MARK\n")
        screen.until_text(b"ENDMARK")

    def test_sequences(self) -> None:
        """Endless strings, huge counters, cut and nested sequences pass through byte by byte,
        and cost neither memory nor the keeper."""
        screen = self.screen()
        keeper = keeper_of(self.daemon)
        screen.type(b"stty -echo\n")
        self.feed(screen, b"true")
        before = memory_kib(keeper)
        big = b"head -c 3000000 /dev/zero | tr '\\0' x"
        for script in (
            b"printf '\\033]0;'; " + big,
            b"printf '\\033P'; " + big + b"; printf '\\033\\\\'",
            b"printf '\\033_'; " + big,
            b"printf '\\033['; head -c 300000 /dev/zero | tr '\\0' ';'; printf m",
            b"printf '\\033['; head -c 300000 /dev/zero | tr '\\0' 9; printf h",
            b"printf '\\033[99999999999999999999999;99999999999b\\033[2147483648L\\033[?1049h'",
            b"printf '\\033[?1049l\\033[%s' 4294967296h",
            b"head -c 500000 /dev/zero | tr '\\0' '\\033'",
            b"head -c 200000 /dev/urandom",
            b"printf '\\033]4;%s\\007' 0;rgb:1/1/1",
            b"for i in $(seq 5000); do printf '\\033]4;%d;#123456\\007\\033[?%dh' $i $i; done",
            b"printf '\\030\\033c'",
        ):
            self.feed(screen, script)
        self.assertLess(memory_kib(keeper) - before, 6 * MIB)
        # Whoever comes now gets a beginning that is bounded, whatever went before.
        again = Screen(self.client(), term=screen.term)
        again.until_text(b"ENDMARK")
        self.assertLess(len(again.output), 1_200_000)

    def test_title(self) -> None:
        """A title set by a program loses controls and marks that turn text, and has an end."""
        screen = self.screen()
        screen.type(
            b"printf '\\033]2;a\\001b\\302\\233c\\342\\200\\256d\\342\\201\\246e"
            b"%s\\007' $(head -c 3000 /dev/zero | tr '\\0' x)\n"
        )
        found = screen.websocket.until(
            lambda message: "x" in message.get("terminal:set_title", {}).get("title", "")
        )
        title = found["terminal:set_title"]["title"]
        self.assertRegex(title, r"^abcdex{10,251}$")

    def test_title_storm(self) -> None:
        """A program that sets a thousand titles is told of a few times, not a thousand."""
        screen = self.screen()
        screen.type(b"for i in $(seq 2000); do printf '\\033]2;t%d\\007' $i; done; echo do''ne\n")
        titles = 0
        while b"done\r\n" not in screen.output:
            opcode, payload = screen.websocket.receive()
            if opcode == BINARY:
                frame = frames.parse_frame(payload)
                screen.output += frame.payload
                screen.offset += len(frame.payload)
                screen.websocket.send_frame(frames.Kind.ACK, screen.term, screen.offset)
            else:
                titles += b"set_title" in payload
        self.assertLess(titles, 200)

    def test_queries_are_not_answered(self) -> None:
        """The server answers no query of a program: nothing it prints is typed back by us."""
        screen = self.screen()
        screen.type(
            b"stty raw -echo min 0 time 5; printf '\\033[21t\\033[c\\033[6n\\005\\033]52;c;?\\007"
            b"\\033P$qm\\033\\\\'; head -c 100 | od -c | head; stty sane; echo END''MARK\n"
        )
        seen = screen.until_text(b"ENDMARK")
        answers = seen.rpartition(b"\x1b\\")[2]
        self.assertNotIn(b"033", answers)


class LeakTests(FaultTestCase):
    kind = None

    def test_a_thousand_terminals(self) -> None:
        """Opened and closed, a thousand terminals leave no process, no descriptor, no file."""
        daemon = self.own_daemon("--message_rate=100000", "--byte_rate=1G").start()
        websocket = self.client(daemon)
        keeper, pid = keeper_of(daemon), pid_of(daemon)
        self.open_and_close(websocket, 20)
        until(lambda: not children(keeper), "the first programs to be gone")
        # The last of the first may just be closing: then there is less afterwards, never more.
        before = self.state(daemon)
        memory = memory_kib(pid), memory_kib(keeper)
        self.open_and_close(websocket, MANY)
        until(lambda: not children(keeper), "the programs to be gone")

        def nothing_is_left() -> bool:
            now = self.state(daemon)
            return now[0] <= before[0] and now[1] <= before[1] and now[2] == before[2]

        until(nothing_is_left, f"the state before: {before}", 20)
        self.assertLess(memory_kib(pid) - memory[0], 4 * MIB)
        # What the keeper knows of a terminal is let go with the grace for it, ten seconds later.
        self.assertLess(memory_kib(keeper) - memory[1], 4 * MIB)

    def open_and_close(self, websocket: WebSocket, count: int) -> None:
        at_once = 8
        wanted = {"rows": 24, "columns": 80, "command": "cat"}
        for _ in range(count // at_once):
            for _ in range(at_once):
                websocket.send("terminal:new_terminal", wanted)
            for _ in range(at_once):
                term = websocket.until_action("terminal:attached")["term"]
                websocket.send("terminal:kill_terminal", term)
            for _ in range(at_once):
                websocket.until_action("terminal:term_ended")

    def state(self, daemon: Daemon) -> tuple[int, int, tuple[str, ...]]:
        names = {
            os.path.join(folder, name)
            for folder, _, files in os.walk(daemon.home)
            for name in files
            if "__pycache__" not in folder
        }
        return (
            len(descriptors(pid_of(daemon))),
            len(descriptors(keeper_of(daemon))),
            tuple(sorted(names)),
        )


class OrphanTests(FaultTestCase):
    def test_program_that_ignores_the_end(self) -> None:
        """A program that ignores HUP and TERM, and its children in the background, are dead
        about five seconds after the terminal was closed."""
        screen = self.screen()
        screen.type(
            b"trap '' HUP TERM INT; sh -c 'trap \"\" HUP TERM; echo bg-$$-; "
            b"while :; do sleep 1; done' &\n"
        )
        found = re.search(rb"bg-(\d+)-", screen.until(lambda out: re.search(rb"bg-\d+-", out)))
        assert found
        background, shell = int(found[1]), program_of(screen)
        started = time.monotonic()
        screen.websocket.send("terminal:kill_terminal", screen.term)
        screen.websocket.until(lambda message: "terminal:term_ended" in message)
        until(lambda: not is_alive(shell) and not is_alive(background), "both to be dead", 15)
        self.assertLess(time.monotonic() - started, 8)

    def test_program_killed_from_outside(self) -> None:
        """A program that is killed is told with its signal, and leaves no zombie."""
        screen = self.screen()
        pid = program_of(screen)
        os.kill(pid, signal.SIGKILL)
        while screen.exited is None:
            screen.read_one()
        self.assertEqual(signal.SIGKILL, screen.exited["signal"])
        screen.websocket.send("terminal:kill_terminal", screen.term)
        screen.websocket.until(lambda message: "terminal:term_ended" in message)
        until(lambda: pid not in children(keeper_of(self.daemon)), "it to be collected")

    def test_what_programs_inherit(self) -> None:
        """A program has its terminal and nothing else: no descriptor, no secret of the daemon."""
        screen = self.screen()
        pid = program_of(screen)
        found = descriptors(pid)
        self.assertTrue(all("/dev/pts" in where or "/dev/tty" in where for where in found.values()))
        with open(f"/proc/{pid}/environ", "rb") as file:
            environment = file.read()
        for name in (b"PYTHON", b"GOTWIST", b"LD_", b"SSH_", b"JOURNAL", b"NOTIFY", b"secret"):
            self.assertNotIn(name, environment)

    def test_stopped_program(self) -> None:
        """A stopped program is ended like any other."""
        screen = self.screen()
        pid = program_of(screen)
        os.kill(pid, signal.SIGSTOP)
        screen.websocket.send("terminal:kill_terminal", screen.term)
        screen.websocket.until(lambda message: "terminal:term_ended" in message)
        until(lambda: not is_alive(pid), "it to end", 10)
