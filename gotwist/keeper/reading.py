"""The keeper's reading: which terminals are read now, how much, and who is told.

Three rules meet here, and only here: the window (a viewer's backlog is bounded), the hold
(echo first: while a keystroke waits for its echo, flooding terminals stand still) and the
grace (nobody looks: stand still for a while, then run on into the ring).
"""

from __future__ import annotations

import select
import time

from gotwist.keeper.arena import Arena
from gotwist.keeper.connection import Connection
from gotwist.keeper.terminal import CLOSED, HOLD, SILENT, WINDOW, Terminal
from gotwist.keeper.timers import Timers

HOLD_NS = 2_000_000
BOOST_NS = 100_000_000
# Held time may be this share of all time, so that typing cannot starve a neighbour.
HELD_SHARE = 0.3
HELD_CREDIT_NS = 50_000_000
TICK_S = 0.1
NAP_S = 0.0002
LATE_S = 0.004
SILENT_S = 0.2


class Reading:
    """Reads all terminals of one keeper under the brakes."""

    def __init__(self, arena: Arena, epoll: select.epoll, timers: Timers, grace_s: float) -> None:
        self._arena = arena
        self._epoll = epoll
        self._timers = timers
        self._grace_s = grace_s
        self.by_fd: dict[int, Terminal] = {}
        self._by_slot: dict[int, Terminal] = {}
        self._dirty: set[Terminal] = set()
        # Flooding terminals whose bell waits until more has come.
        self._late: set[Terminal] = set()
        self._ticking = False
        self._seen_ns = arena.key_time[0]
        self._key_slot = -1
        self._boost_until = 0
        self._hold_until = 0
        self._held: list[Terminal] = []
        self._held_since = 0
        self._credit_ns = HELD_CREDIT_NS
        self._credit_at = time.monotonic_ns()

    def add(self, terminal: Terminal) -> None:
        """Begin to read a new terminal."""
        self.by_fd[terminal.master] = terminal
        self._by_slot[terminal.slot] = terminal
        self._epoll.register(terminal.master, select.EPOLLIN)
        self.needs_changed(terminal)

    def remove(self, terminal: Terminal) -> None:
        """Never read this terminal again; its master may be closed afterwards."""
        self._brake(terminal, CLOSED)
        self.by_fd.pop(terminal.master, None)
        self._by_slot.pop(terminal.slot, None)
        self._dirty.discard(terminal)

    def _brake(self, terminal: Terminal, reason: int) -> None:
        # Unregistered, not masked: epoll reports a hang-up whatever the mask.
        if not terminal.reasons:
            self._epoll.unregister(terminal.master)
        terminal.reasons |= reason

    def _release(self, terminal: Terminal, reason: int) -> None:
        if terminal.reasons & reason:
            terminal.reasons &= ~reason
            if not terminal.reasons:
                self._epoll.register(terminal.master, select.EPOLLIN)

    def needs_changed(self, terminal: Terminal) -> None:
        """Apply the viewers' offsets; when the last viewer has gone, start the grace."""
        if terminal.update_need():
            terminal.unwatched_since = 0.0
        elif not terminal.unwatched_since:
            terminal.unwatched_since = time.monotonic()
            if not terminal.grace_runs:
                terminal.grace_runs = True
                self._timers.after(self._grace_s, lambda: self._end_grace(terminal))
        self._check_window(terminal)

    def _end_grace(self, terminal: Terminal) -> None:
        terminal.grace_runs = False
        if not terminal.unwatched_since:
            return
        left = terminal.unwatched_since + self._grace_s - time.monotonic()
        if left > 0:
            terminal.grace_runs = True
            self._timers.after(left, lambda: self._end_grace(terminal))
            return
        terminal.need = None
        self._release(terminal, WINDOW)

    def _check_window(self, terminal: Terminal) -> None:
        if terminal.is_full:
            self._brake(terminal, WINDOW)
        else:
            self._release(terminal, WINDOW)

    def look_at_keys(self) -> None:
        """Notice a keystroke; to be called once per wake-up, before the terminals."""
        arena = self._arena
        pressed = arena.key_time[0]
        if pressed == self._seen_ns:
            return
        self._seen_ns = pressed
        now = time.monotonic_ns()
        # The notes are the daemon's: a time that cannot be is no keystroke.
        if not 0 <= now - pressed < HOLD_NS:
            return
        self._key_slot = arena.key_slot[0]
        self._boost_until = pressed + BOOST_NS
        typist = self._by_slot.get(self._key_slot)
        if typist is None or typist.drained_ns > pressed:
            return
        earned = int((now - self._credit_at) * HELD_SHARE)
        self._credit_ns = min(HELD_CREDIT_NS, self._credit_ns + earned)
        self._credit_at = now
        self._charge(now)
        if self._credit_ns > HOLD_NS:
            self._hold_until = pressed + HOLD_NS

    def _charge(self, now: int) -> None:
        """Pay for the time that terminals were held so far."""
        if self._held:
            self._credit_ns -= now - self._held_since
            self._held_since = now

    def read(self, ready: list[Terminal]) -> None:
        """Drain the terminals that have something; the typist's first."""
        now = time.monotonic_ns()
        boost = now < self._boost_until
        if boost:
            ready.sort(key=self._is_other)
        elif NAP_S and all(terminal.is_trickling for terminal in ready):
            time.sleep(NAP_S)
        holding = self._hold_until > now
        for terminal in ready:
            if terminal.reasons:
                continue
            typist = terminal.slot == self._key_slot
            if holding and not typist and terminal.is_flooding:
                self._hold(terminal, now)
                continue
            self._drain(terminal, boost and not typist)
            if typist and holding:
                holding = False
                self._end_hold()

    def _is_other(self, terminal: Terminal) -> bool:
        return terminal.slot != self._key_slot

    def _drain(self, terminal: Terminal, once: bool) -> None:
        before = terminal.head
        dead = terminal.drain(self._arena.key_time, self._seen_ns, once)
        if terminal.head != before:
            self._publish(terminal)
            if terminal.is_full:
                self._brake(terminal, WINDOW)
        if dead:
            self._brake(terminal, SILENT)
            self._timers.after(SILENT_S, lambda: self._release(terminal, SILENT))

    def drain_last(self, terminal: Terminal) -> None:
        """Read what an ended program has left behind, viewers or not."""
        # Bounded: a survivor in the background may go on writing.
        for _ in range(4):
            before = terminal.head
            dead = terminal.drain(self._arena.key_time, self._arena.key_time[0], False)
            if terminal.head != before:
                self._publish(terminal)
            if dead or terminal.head == before:
                break
        terminal.scan()

    def _publish(self, terminal: Terminal) -> None:
        self._arena.heads[terminal.slot] = terminal.head
        if not terminal.may_wait:
            self._ring(terminal)
        else:
            if not self._late:
                self._timers.after(LATE_S, self._ring_late)
            self._late.add(terminal)
        if terminal.must_scan:
            terminal.scan()
        self._dirty.add(terminal)
        if not self._ticking:
            self._ticking = True
            self._timers.after(TICK_S, self._tick)

    def _ring(self, terminal: Terminal) -> None:
        terminal.rung = terminal.head
        for watcher in terminal.watchers:
            if isinstance(watcher, Connection):
                watcher.ring_bell(terminal.bell)

    def _ring_late(self) -> None:
        late, self._late = self._late, set()
        for terminal in late:
            if terminal.rung != terminal.head:
                self._ring(terminal)

    def _tick(self) -> None:
        """Follow slow output too, and tell titles, at most ten a second."""
        dirty, self._dirty = self._dirty, set()
        for terminal in dirty:
            terminal.scan()
            if terminal.title != terminal.title_sent:
                terminal.title_sent = terminal.title
                event: dict[str, object] = {"event": "title", "terminal": terminal.id}
                event["title"] = terminal.title
                tell(terminal, event)
        self._ticking = False

    def _hold(self, terminal: Terminal, now: int) -> None:
        if not self._held:
            self._held_since = now
            self._timers.after((self._hold_until - now) / 1e9, self._check_hold)
        self._held.append(terminal)
        self._brake(terminal, HOLD)

    def _check_hold(self) -> None:
        # Another key may have moved the end meanwhile.
        left = self._hold_until - time.monotonic_ns()
        if self._held and left > 0:
            self._timers.after(left / 1e9, self._check_hold)
        else:
            self._end_hold()

    def _end_hold(self) -> None:
        self._hold_until = 0
        self._charge(time.monotonic_ns())
        for terminal in self._held:
            self._release(terminal, HOLD)
        self._held = []


def tell(terminal: Terminal, event: dict[str, object]) -> None:
    """Send an event to everybody who follows this terminal."""
    for watcher in list(terminal.watchers):
        if isinstance(watcher, Connection):
            watcher.send(event)
