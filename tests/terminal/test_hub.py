"""Tests of the hub: who gets which bytes, who waits for whom, what is found again."""

from __future__ import annotations

from collections.abc import Awaitable

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from gotwist.applications.terminal.hub import Hub, Start
from gotwist.applications.terminal.places import Place
from gotwist.applications.terminal.terminal import PATIENCE_S, Terminal
from gotwist.applications.terminal.viewer import WINDOW, Viewer
from gotwist.errors import Malformed, NotFound, Unavailable
from gotwist.gateway import frames
from tests.terminal.fakes import MemoryKeeper, MemoryPort

HERE = Place("s" * 45, "default")


def start(place: Place = HERE, upn: str = "anna", program: str = "sh", limit: int = 10) -> Start:
    return Start(
        place=place,
        upn=upn,
        command="shell",
        argv=(program,),
        environment=lambda number: {"GO_TERM": str(number)},
        cwd="/",
        rows=24,
        columns=80,
        created=1,
        max_of_user=limit,
        max_of_server=3,
    )


class HubTestCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.keeper = MemoryKeeper()
        self.hub = self.make_hub()

    def make_hub(self) -> Hub:
        def spawn(context: str, awaitable: Awaitable[object]) -> None:
            self.wait(awaitable)

        return Hub(self.keeper, self.clock.seconds, spawn)

    def wait(self, awaitable: Awaitable[object]) -> object:
        async def run() -> object:
            return await awaitable

        return self.successResultOf(Deferred.fromCoroutine(run()))

    def refuse(self, awaitable: Awaitable[object], *errors: type[Exception]) -> None:
        async def run() -> object:
            return await awaitable

        self.failureResultOf(Deferred.fromCoroutine(run()), *errors)

    def open(self, number: int | None = None) -> Terminal:
        terminal = self.wait(self.hub.open(start(), number))
        assert isinstance(terminal, Terminal)
        return terminal

    def look(
        self, terminal: Terminal, rows: int = 24, columns: int = 80, have: int | None = None
    ) -> tuple[MemoryPort, Viewer]:
        port = MemoryPort()
        viewer = Viewer(port, terminal.slot, terminal.label.term, 7, rows, columns)
        self.wait(self.hub.view(terminal, viewer, have))
        return port, viewer

    def print(self, terminal: Terminal, data: bytes) -> None:
        self.hub.on_bell([self.keeper.print(terminal.id, data)])


class OpeningTests(HubTestCase):
    def test_numbers_are_the_lowest_free_ones_of_a_place(self) -> None:
        """Each location counts for itself, and a closed terminal's number is used again."""
        first, second = self.open(), self.open()
        self.assertEqual((first.label.term, second.label.term), (1, 2))
        self.wait(self.hub.end(first))
        self.assertEqual(self.open().label.term, 1)

    def test_somebody_elses_terminal_does_not_exist(self) -> None:
        """A number of another session is answered like one that was never opened."""
        self.open()
        with self.assertRaises(NotFound) as mine:
            self.hub.places.get(Place("t" * 45, "default"), 1)
        with self.assertRaises(NotFound) as nobodys:
            self.hub.places.get(HERE, 1_000)
        self.assertEqual(mine.exception.message, nobodys.exception.message.replace("1000", "1"))

    def test_limits_are_kept(self) -> None:
        """A user's and the server's limit refuse the next terminal and start nothing."""
        self.open()
        self.refuse(self.hub.open(start(limit=1), None), Unavailable)
        self.open()
        self.open()
        other = Place("t" * 45, "default")
        self.refuse(self.hub.open(start(other, "bert"), None), Unavailable)
        self.assertEqual(len(self.keeper.opened), 3)

    def test_program_that_does_not_exist_leaves_nothing(self) -> None:
        """The number of a terminal that could not be opened is free again."""
        self.refuse(self.hub.open(start(program="no-such"), None), NotFound)
        self.assertEqual(len(self.hub.places), 0)
        self.assertEqual(self.open().label.term, 1)

    def test_restarted_daemon_finds_terminals_by_label(self) -> None:
        """A new hub takes up what the keeper holds, at its place and with its title."""
        self.hub.set_manual_title(self.open(), "build \x1b[31mbox")
        again = self.make_hub()
        self.assertEqual(self.wait(again.restore()), 1)
        self.assertEqual(again.places.get(HERE, 1).title, "build [31mbox")

    def test_end_tells_viewers(self) -> None:
        """Whoever looks at a terminal that is ended is told, once."""
        terminal = self.open()
        port, _ = self.look(terminal)
        self.wait(self.hub.end(terminal))
        self.hub.on_gone(terminal.id)
        self.assertEqual(port.named("terminal:term_ended"), [1])
        self.assertEqual(self.keeper.held, {})


class OutputTests(HubTestCase):
    def test_every_viewer_gets_every_byte_once(self) -> None:
        """Output is numbered, and continues where a returning page left off."""
        terminal = self.open()
        self.print(terminal, b"before")
        port, _ = self.look(terminal)
        self.print(terminal, b" after")
        self.assertEqual(port.output(), b"before after")
        self.assertEqual([offset for _, _, offset, _ in port.frames], [0, 6])
        again, _ = self.look(terminal, have=9)
        self.assertEqual(again.output(), b"ter")
        self.assertEqual(again.frames[0][2], 9)

    def test_window_stops_and_acknowledgement_goes_on(self) -> None:
        """No more than the window is under way, and drawing makes room for the rest."""
        terminal = self.open()
        port, viewer = self.look(terminal)
        data = bytes(range(256)) * (3 * WINDOW // 256)
        self.print(terminal, data)
        self.assertEqual(len(port.output()), WINDOW)
        self.hub.acknowledge(terminal, viewer, 100_000)
        self.assertEqual(len(port.output()), WINDOW + 100_000)
        while viewer.acked < len(data):
            self.hub.acknowledge(terminal, viewer, viewer.sent)
        self.assertEqual(port.output(), data)

    def test_acknowledging_what_was_never_sent_is_refused(self) -> None:
        """A page cannot open its window by claiming to have drawn the future."""
        terminal = self.open()
        _, viewer = self.look(terminal)
        with self.assertRaises(Malformed):
            self.hub.acknowledge(terminal, viewer, 1)

    def test_socket_that_is_full_waits(self) -> None:
        """Nothing is sent while the client's transport is above its mark."""
        terminal = self.open()
        port, _ = self.look(terminal)
        port.is_writable = False
        self.print(terminal, b"x")
        self.assertEqual(port.output(), b"")
        port.is_writable = True
        self.hub.pump(terminal)
        self.assertEqual(port.output(), b"x")

    def test_slowest_active_viewer_sets_the_pace(self) -> None:
        """The keeper is told how far the slowest viewer has drawn."""
        terminal = self.open()
        _, quick = self.look(terminal)
        _, slow = self.look(terminal)
        self.print(terminal, b"x" * 300_000)
        self.hub.acknowledge(terminal, quick, 300_000)
        self.hub.acknowledge(terminal, slow, 180_000)
        self.assertEqual(self.keeper.needs[-1], (terminal.id, 180_000))

    def test_stalled_viewer_is_put_aside_and_comes_back(self) -> None:
        """A viewer that draws nothing holds the others for a few seconds, then no longer."""
        terminal = self.open()
        port, stalled = self.look(terminal)
        _, quick = self.look(terminal)
        self.print(terminal, b"x" * (WINDOW + 1))
        self.hub.acknowledge(terminal, quick, WINDOW)
        self.clock.advance(PATIENCE_S - 1)
        self.hub.watch_patience()
        self.assertFalse(stalled.aside)
        self.clock.advance(2)
        self.hub.watch_patience()
        self.assertTrue(stalled.aside)
        self.assertEqual(self.keeper.needs[-1], (terminal.id, WINDOW))
        self.hub.acknowledge(terminal, stalled, WINDOW)
        self.assertEqual(len(port.output()), WINDOW + 1)

    def test_alone_and_stalled_means_nobody_watches(self) -> None:
        """The last viewer put aside lets the program go on unseen."""
        terminal = self.open()
        self.look(terminal)
        self.print(terminal, b"x" * (WINDOW + 1))
        self.clock.advance(PATIENCE_S)
        self.hub.watch_patience()
        self.assertEqual(self.keeper.needs[-1], (terminal.id, None))

    def test_viewer_left_behind_by_the_ring_is_reset(self) -> None:
        """When the ring has moved past a viewer it starts anew at a place that is there."""
        terminal = self.open()
        port, _ = self.look(terminal)
        port.is_writable = False
        self.print(terminal, b"x" * 1000)
        self.keeper.arena.lowest = 600
        port.is_writable = True
        self.hub.pump(terminal)
        self.assertEqual(len(port.named("terminal:attached")), 2)
        self.assertEqual(port.frames[-1][2], 600)

    def test_exit_is_told_after_the_last_byte(self) -> None:
        """The exit code comes once, behind all output."""
        terminal = self.open()
        port, _ = self.look(terminal)
        port.is_writable = False
        self.print(terminal, b"bye")
        self.hub.on_exited(terminal.id, 3, None, 3)
        self.assertEqual(port.named("terminal:term_exited"), [])
        port.is_writable = True
        self.hub.pump(terminal)
        self.hub.pump(terminal)
        self.assertEqual(
            port.named("terminal:term_exited"),
            [{"term": 1, "code": 3, "signal": None, "offset": 3}],
        )


class SizeTests(HubTestCase):
    def test_smallest_viewer_sets_the_size(self) -> None:
        """A terminal is as large as every viewer can show, and grows when the small one goes."""
        terminal = self.open()
        wide, viewer = self.look(terminal, 40, 120)
        self.assertEqual(self.keeper.sizes[-1], (terminal.id, 40, 120))
        _, small = self.look(terminal, 30, 200)
        self.assertEqual(self.keeper.sizes[-1], (terminal.id, 30, 120))
        self.hub.leave(terminal, small)
        self.assertEqual(self.keeper.sizes[-1], (terminal.id, 40, 120))
        self.hub.resize(terminal, viewer, 0, 99_999)
        self.assertEqual(self.keeper.sizes[-1], (terminal.id, 2, 1000))
        told = wide.named("terminal:resize")[-1]
        self.assertEqual(told, {"term": 1, "rows": 2, "columns": 1000, "offset": 0})

    def test_one_viewer_answers_queries(self) -> None:
        """Only the first viewer's emulator answers; the next takes over when it leaves."""
        terminal = self.open()
        first, viewer = self.look(terminal)
        second, _ = self.look(terminal)
        self.assertTrue(first.named("terminal:attached")[0]["answers"])  # type: ignore[index]
        self.assertFalse(second.named("terminal:attached")[0]["answers"])  # type: ignore[index]
        self.hub.leave(terminal, viewer)
        self.assertEqual(second.named("terminal:answers"), [{"term": 1, "answers": True}])


class InputTests(HubTestCase):
    def test_paste_is_acknowledged_at_once_and_typing_after_a_pause(self) -> None:
        """A keystroke costs no frame of its own; a paste is told often enough to go on."""
        terminal = self.open()
        port, viewer = self.look(terminal)
        later: list[object] = []
        viewer.note_applied(self.hub.type(terminal, viewer, 0, b"l"), lambda: later.append(1))
        viewer.note_applied(self.hub.type(terminal, viewer, 1, b"s"), lambda: later.append(1))
        self.assertEqual((len(later), port.frames), (1, []))
        viewer.tell_applied()
        self.assertEqual(port.frames, [(frames.Kind.INPUT_ACK, 1, 2, b"")])
        viewer.note_applied(
            self.hub.type(terminal, viewer, 2, b"x" * 32_768), lambda: later.append(1)
        )
        self.assertEqual(port.frames[-1], (frames.Kind.INPUT_ACK, 1, 32_770, b""))
