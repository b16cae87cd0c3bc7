"""Shared memory between keeper and daemon: heads, rings and notes (section 3).

A ring is one memfd per terminal, not a part of one big file: a file that is sealed against
future writing also refuses hole punching, so only closing it gives its memory back.
"""

from __future__ import annotations

import fcntl
import mmap
import os
import struct
import sys
from array import array
from contextlib import suppress

MAGIC = b"gotwist\0"
VERSION = 2
PAGE = 4096
SLACK = 65_536
OPENING_PER_SLOT = 512
# So many bytes of every terminal's output lie beside those of the others, and never in its ring:
# one that has printed its prompt and waits takes no page of its own.  Before them stands whose
# they are.
OPENING = OPENING_PER_SLOT - 8
VIEWERS = 8
NOTES_PER_SLOT = VIEWERS * 16

_HEADER = struct.Struct("@8sIIQ")
# Not in the fcntl module of Python 3.11.
_F_SEAL_FUTURE_WRITE = 0x10
_SIZE_SEALS = fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SEAL


class Unsealable(Exception):
    """This kernel cannot keep the reader from writing."""


def _make(name: str, size: int) -> tuple[int, mmap.mmap]:
    descriptor = os.memfd_create(name, os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    try:
        os.ftruncate(descriptor, size)
        return descriptor, mmap.mmap(descriptor, size)
    except BaseException:
        os.close(descriptor)
        raise


def _seal_for_reading(descriptor: int) -> None:
    try:
        fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, _F_SEAL_FUTURE_WRITE | _SIZE_SEALS)
    except OSError as error:
        raise Unsealable(
            "this kernel cannot seal shared memory against writing (Linux 5.1 or newer is needed)"
        ) from error


class Ring:
    """The tail of one terminal's output, as the keeper has it: writable.

    :param openings: where the first ``OPENING`` bytes of all terminals lie, by slot
    """

    __slots__ = ("_mapping", "_openings", "_slot", "descriptor", "size")

    def __init__(self, size: int, openings: memoryview, slot: int) -> None:
        self.size = size
        self._openings = openings
        self._slot = slot
        self.descriptor, self._mapping = _make("gotwist-ring", size)
        try:
            _seal_for_reading(self.descriptor)
        except BaseException:
            os.close(self.descriptor)
            raise

    @property
    def view(self) -> memoryview:
        """All of it.  Made when asked for: a view weighs more than the mapping itself."""
        return memoryview(self._mapping)

    @property
    def opening(self) -> memoryview:
        """Where the output before offset ``OPENING`` lies."""
        start = self._slot * OPENING_PER_SLOT + 8
        return self._openings[start : start + OPENING]

    def copy(self, start: int, end: int) -> bytes:
        """Copy the bytes between two absolute offsets that are both inside the ring."""
        if start < OPENING:
            return bytes(self.opening[start:end]) + self._copy(OPENING, max(end, OPENING))
        return self._copy(start, end)

    def _copy(self, start: int, end: int) -> bytes:
        size = self.size
        first = start % size
        length = end - start
        if first + length <= size:
            return self._mapping[first : first + length]
        return self._mapping[first:] + self._mapping[: first + length - size]

    def close(self) -> None:
        """Give up the memory; readers that still map it keep it until they let go."""
        with suppress(BufferError):  # somebody looks at it still, and lets go of it soon
            self._mapping.close()
        os.close(self.descriptor)


class Arena:
    """What all terminals share: heads (only the keeper writes) and notes (the daemon does)."""

    def __init__(self, slots: int, ring: int) -> None:
        self.slots = slots
        self.ring = ring
        openings = PAGE + _pages(slots * 8)
        size = openings + _pages(slots * OPENING_PER_SLOT)
        self.descriptor, mapping = _make("gotwist-arena", size)
        _HEADER.pack_into(mapping, 0, MAGIC, VERSION, slots, ring)
        _seal_for_reading(self.descriptor)
        self.heads = memoryview(mapping)[PAGE : PAGE + slots * 8].cast("Q")
        self.openings = memoryview(mapping)[openings:]
        notes_size = PAGE + _pages(slots * NOTES_PER_SLOT)
        self.notes_descriptor, notes = _make("gotwist-notes", notes_size)
        # A daemon that could shrink this file could kill the keeper with SIGBUS.
        fcntl.fcntl(self.notes_descriptor, fcntl.F_ADD_SEALS, _SIZE_SEALS)
        self._notes = memoryview(notes)
        self.key_slot = self._notes[0:4].cast("I")
        self.key_time = self._notes[8:16].cast("Q")

    def open(self, slot: int, number: int) -> None:
        """Make a slot that of a new terminal: nothing printed, nothing typed."""
        # Its number first: who still takes the slot for another terminal's must not read on.
        start = slot * OPENING_PER_SLOT
        self.openings[start : start + 8] = number.to_bytes(8, sys.byteorder)
        self.heads[slot] = 0
        self.openings[start + 8 : start + OPENING_PER_SLOT] = bytes(OPENING)
        start = PAGE + slot * NOTES_PER_SLOT
        self._notes[start : start + NOTES_PER_SLOT] = bytes(NOTES_PER_SLOT)


class ArenaReader:
    """The daemon's side of heads, rings and notes.  Takes the descriptors and closes them."""

    def __init__(self, arena: int, notes: int) -> None:
        try:
            size = os.fstat(arena).st_size
            mapping = mmap.mmap(arena, size, prot=mmap.PROT_READ)
            magic, version, slots, ring = _HEADER.unpack_from(mapping, 0)
            openings = PAGE + _pages(slots * 8)
            if magic != MAGIC or version != VERSION or size < openings + slots * OPENING_PER_SLOT:
                raise ValueError("not a keeper's arena")
            self.slots: int = slots
            self.ring: int = ring
            self._heads = memoryview(mapping)[PAGE : PAGE + slots * 8].cast("Q")
            self._openings = memoryview(mapping)[openings:]
            # Whose the openings are, and whose they should be.
            self._numbers = self._openings.cast("Q")
            self._expected = array("Q", bytes(8 * slots))
            self._notes = memoryview(mmap.mmap(notes, os.fstat(notes).st_size))
            self._key_slot = self._notes[0:4].cast("I")
            self._key_time = self._notes[8:16].cast("Q")
            self._words = self._notes.cast("Q")
            self._rings: dict[int, mmap.mmap] = {}
        finally:
            os.close(arena)
            os.close(notes)

    def add(self, slot: int, number: int, descriptor: int) -> None:
        """Map the ring of a slot, which is this terminal's; closes the descriptor."""
        try:
            self._expected[slot] = number
            self._rings[slot] = mmap.mmap(descriptor, self.ring, prot=mmap.PROT_READ)
        finally:
            os.close(descriptor)

    def remove(self, slot: int) -> None:
        """Let go of a slot's ring."""
        self._rings.pop(slot, None)
        self._expected[slot] = 0

    def head(self, slot: int) -> int:
        """Tell the offset after the last byte of output."""
        return self._heads[slot]

    def tail(self, slot: int) -> int:
        """Tell the first offset that may still be read."""
        head = self._heads[slot]
        return max(0, head - self.ring + SLACK) if head > self.ring - SLACK else 0

    def view(self, slot: int, start: int, end: int) -> tuple[memoryview, ...]:
        """Give the output between two offsets without copying: in one to three pieces.

        The pieces are the live ring: whoever copies them later asks ``tail`` afterwards and
        throws the copy away if it has moved past ``start``.

        :raises IndexError: when start..end is not inside what may be read.
        """
        if not self.tail(slot) <= start <= end <= self._heads[slot]:
            raise IndexError("outside the ring")
        if start < OPENING:
            first = slot * OPENING_PER_SLOT
            if self._numbers[first // 8] != self._expected[slot]:
                raise IndexError("another terminal's")
            first += 8 + start
            opening = self._openings[first : first + min(end, OPENING) - start]
            return (opening, *self._view(slot, OPENING, end)) if end > OPENING else (opening,)
        return self._view(slot, start, end)

    def _view(self, slot: int, start: int, end: int) -> tuple[memoryview, ...]:
        ring = memoryview(self._rings[slot])
        first = start % self.ring
        last = first + end - start
        if last <= self.ring:
            return (ring[first:last],)
        return ring[first:], ring[: last - self.ring]

    def note_key(self, slot: int, now_ns: int) -> None:
        """Tell the keeper that somebody has just typed here (monotonic nanoseconds)."""
        self._key_slot[0] = slot
        self._key_time[0] = now_ns

    def applied(self, slot: int, viewer: int) -> int:
        """Tell how many bytes of this viewer's input were given to the program."""
        place = self._place(slot, viewer)
        return self._words[place + 1] if place else 0

    def set_applied(self, slot: int, viewer: int, offset: int) -> None:
        """Write down how far a viewer's input has been given to the program.

        The eight newest viewers are remembered; nobody else can have a resend outstanding.
        """
        words = self._words
        place = self._place(slot, viewer)
        if not place:
            # The others move down, the oldest falls out.
            place = (PAGE + slot * NOTES_PER_SLOT) // 8
            end = place + 2 * VIEWERS
            words[place + 2 : end] = memoryview(words[place : end - 2].tobytes()).cast("Q")
            words[place + 1] = offset
            words[place] = viewer
        words[place + 1] = offset

    def _place(self, slot: int, viewer: int) -> int:
        """Find a viewer's pair of words; 0: it has none."""
        words = self._words
        start = (PAGE + slot * NOTES_PER_SLOT) // 8
        for place in range(start, start + 2 * VIEWERS, 2):
            if words[place] == viewer:
                return place
        return 0


def _pages(size: int) -> int:
    return -(-size // PAGE) * PAGE
