"""What one tab looks at: its viewers, and the binary frames that come for them."""

from __future__ import annotations

from gotwist.applications.terminal.places import Place
from gotwist.applications.terminal.programs import Programs
from gotwist.applications.terminal.terminal import Terminal
from gotwist.applications.terminal.viewer import Viewer
from gotwist.errors import GotwistError, NotFound
from gotwist.gateway import frames
from gotwist.gateway.application import Application

#: Keystrokes are acknowledged after this pause, so that typing costs no frame per key.
INPUT_ACK_PAUSE_S = 0.25


class Viewing(Application):
    """The part of the terminal application that knows which terminals this tab views."""

    __slots__ = ("_typed", "current", "hub", "programs", "viewers")

    def initialize(self) -> None:
        """Listen to this client's binary frames."""
        assert isinstance(self.shared, Programs), "the roof gives the terminals' hub"
        self.programs = self.shared
        self.hub = self.shared.hub
        # A handful: a search is as quick as a dictionary, and smaller.
        self.viewers: tuple[tuple[Terminal, Viewer], ...] = ()
        self.current: int | None = None
        # By terminal, where the stream of typed text stands; only tests and scripts type text.
        self._typed: dict[int, int] | None = None
        self.client.on_binary(frames.Kind.INPUT, self._on_input)
        self.client.on_binary(frames.Kind.ACK, self._on_ack)
        self.client.on_writable(self._on_writable)

    # binary frames

    def _on_input(self, number: int, offset: int, data: bytes) -> None:
        terminal, viewer = self._viewed(number)
        try:
            applied = self.hub.type(terminal, viewer, offset, data)
        except GotwistError as error:
            # Binary frames have no action whose name could tell the page what is meant.
            raise type(error)(f"Terminal {number}: {error.message}") from error
        viewer.note_applied(applied, lambda: self._tell_later(viewer))

    def _on_ack(self, number: int, offset: int, data: bytes) -> None:
        viewed = self._find(number)
        if viewed is not None:  # a late acknowledgement for a tab just closed is no error
            self.hub.acknowledge(*viewed, offset)

    def _on_writable(self) -> None:
        for terminal, _viewer in self.viewers:
            self.hub.pump(terminal)

    def _tell_later(self, viewer: Viewer) -> None:
        self.add_timeout(INPUT_ACK_PAUSE_S, viewer.tell_applied)

    def _place(self) -> Place:
        return Place(self.client.session.id, self.client.location)

    def _get(self, number: int) -> Terminal:
        return self.hub.places.get(self._place(), number)

    def _viewed(self, number: int) -> tuple[Terminal, Viewer]:
        viewed = self._find(number)
        if viewed is None or viewed[1] not in viewed[0].viewers:
            raise NotFound(f"there is no terminal {number} here")
        return viewed

    def _detach(self, number: int) -> None:
        viewed = self._find(number)
        if viewed is not None:
            self._forget(number)
            self.hub.leave(*viewed)

    def _find(self, number: int) -> tuple[Terminal, Viewer] | None:
        for viewed in self.viewers:
            if viewed[1].number == number:
                return viewed
        return None

    def _forget(self, number: int) -> None:
        self.viewers = tuple(viewed for viewed in self.viewers if viewed[1].number != number)

    def _type(self, number: int, chars: str) -> None:
        terminal, viewer = self._viewed(number)
        data = chars.encode("utf-8", "surrogatepass")
        # A stream of its own, beside that of the page's numbered input.
        keeper, stream = self.hub.keeper, ~viewer.stream & (2**64 - 1)
        if self._typed is None:
            self._typed = {}
        offset = self._typed.get(terminal.id)
        if offset is None:
            offset = keeper.applied(terminal.id, stream)  # what this page typed before it reloaded
        self.hub.input_bytes += len(data)
        keeper.type(terminal.id, stream, offset, data)
        self._typed[terminal.id] = offset + len(data)
