"""The terminal application: what one client may do with its terminals."""

from __future__ import annotations

import secrets
from collections.abc import Mapping

from gotwist.applications.terminal import arguments
from gotwist.applications.terminal.commands import choose_command
from gotwist.applications.terminal.places import Place
from gotwist.applications.terminal.policy import NAME, largest, terminal_policy
from gotwist.applications.terminal.telling import told
from gotwist.applications.terminal.terminal import Terminal
from gotwist.applications.terminal.viewer import Viewer
from gotwist.applications.terminal.viewing import Viewing
from gotwist.auth.user import User
from gotwist.errors import NotFound
from gotwist.gateway.actions import action, policies
from gotwist.gateway.house import House

#: Every action asks the policy, so that none is forgotten.
POLICY = (policies(NAME),)


class TerminalApplication(Viewing):
    """Terminals of one browser tab."""

    __slots__ = ()

    name = NAME
    version = "1.0"
    description = "Shells and other programs in a browser tab"

    @classmethod
    def make_shared(cls, house: House) -> object:
        """The roof has made it: the keeper and the hub outlive and precede all clients."""
        house.add_policy(NAME, terminal_policy)
        return house.shared[cls.name]

    async def authenticate(self) -> None:
        """Tell the user's terminals at this location."""
        await self.programs.ready()
        if self.client.is_open and self.client.may_use(NAME):
            self.programs.watch(self.client.session)
            self.get_terminals()

    def on_location(self) -> None:
        """Tell the terminals of the other place; those of the former are viewed no more."""
        for _terminal, viewer in self.viewers:
            self._detach(viewer.number)
        self.current = None
        self.get_terminals()

    def sub_applications(self) -> list[dict[str, str]]:
        """The commands a user may open."""
        return [
            {"name": c.name, "description": c.description, "icon": c.icon}
            for c in self.programs.commands(self._settings()).values()
        ]

    def on_settings(self) -> None:
        """Make terminals smaller that are larger than they may be now."""
        for terminal, viewer in self.viewers:
            size = largest(self._settings(), viewer.rows, viewer.columns)
            if size != (viewer.rows, viewer.columns):
                self.hub.resize(terminal, viewer, *size)

    def on_refused(self) -> None:
        """Show and type nothing more; the programs go on, for their owner may come back."""
        for _terminal, viewer in self.viewers:
            self._detach(viewer.number)
            self.client.send("terminal:term_ended", viewer.number)
        self.current = None

    def on_close(self) -> None:
        """Stop viewing; the programs go on."""
        for terminal, viewer in self.viewers:
            self.hub.leave(terminal, viewer)
        self.viewers = ()

    # actions

    @action("terminal:new_terminal", arguments.NewTerminal, require=POLICY)
    async def new_terminal(self, wanted: arguments.NewTerminal) -> None:
        """Open a terminal, or attach to the one that is there."""
        await self.programs.ready()
        self._ask_again()
        place = self._place()
        number = wanted.term
        if number is not None and self.hub.places.has(place, number):
            terminal = self.hub.places.get(place, number)
            viewer = self._look(terminal, wanted)
            have = wanted.have if wanted.epoch == str(self.hub.keeper.epoch) else None
            self._tell("terminal_attached", terminal)
            await self.hub.view(terminal, viewer, have)
            self.client.send("terminal:term_exists", {"term": number})
            return
        user = self._user()
        settings = self._settings()
        command = choose_command(
            self.programs.commands(settings),
            wanted.command,
            self.programs.default_command(settings),
        )
        size = largest(settings, wanted.rows, wanted.columns)
        start = self.programs.start(user, settings, place, command, *size)
        assert self.client.sign_in is not None
        start = await self.programs.prove(start, self.client.sign_in, command)
        await self.programs.prepare(place.session)
        self._ask_again()
        terminal = await self.hub.open(start, number)
        self._tell("terminal_opened", terminal)
        if self.client.is_open and self.client.may_use(NAME):
            self.hub.view_new(terminal, self._look(terminal, wanted))
        else:
            terminal.tell_need()

    def _tell(self, event: str, terminal: Terminal) -> None:
        self.house.audit.record(event, **self.client.origin, **told(terminal))

    def _look(self, terminal: Terminal, wanted: arguments.NewTerminal) -> Viewer:
        number = terminal.label.term
        self._detach(number)
        stream = 0 if wanted.viewer is None else int(wanted.viewer, 16)
        viewer = Viewer(
            self.client,
            terminal.slot,
            number,
            stream or secrets.randbits(63) + 1,
            *largest(self._settings(), wanted.rows, wanted.columns),
        )
        self.viewers += ((terminal, viewer),)
        self.current = number
        return viewer

    @action("terminal:detach", arguments.Number, require=POLICY)
    def detach(self, number: int) -> None:
        """Stop viewing a terminal."""
        self._get(number)
        self._detach(number)

    @action("terminal:get_terminals", None, require=POLICY)
    def get_terminals(self) -> None:
        """Tell the terminals of the current location."""
        found = self.hub.places.terminals(self._place())
        self.client.send(
            "terminal:terminals", {str(n): terminal.describe() for n, terminal in found.items()}
        )

    @action("terminal:get_locations", None, require=POLICY)
    def get_locations(self) -> None:
        """Tell which numbers are open where."""
        places = self.hub.places.of_session(self.client.session.id)
        self.client.send(
            "terminal:term_locations", {name: list(found) for name, found in places.items()}
        )

    @action("terminal:enumerate_commands", None, require=POLICY)
    def enumerate_commands(self) -> None:
        """Tell the commands this user may choose, never their command lines."""
        self.client.send(
            "terminal:commands_list",
            {
                "commands": self.sub_applications(),
                "default": self.programs.default_command(self._settings()),
            },
        )

    @action("terminal:resize", arguments.Resize, require=POLICY)
    def resize(self, wanted: arguments.Resize) -> None:
        """Note this viewer's room."""
        every = [viewer.number for _, viewer in self.viewers]
        numbers = every if wanted.term is None else [wanted.term]
        for number in numbers:
            terminal, viewer = self._viewed(number)
            size = largest(self._settings(), wanted.rows, wanted.columns)
            self.hub.resize(terminal, viewer, *size)

    @action("terminal:kill_terminal", arguments.Number, require=POLICY)
    async def kill_terminal(self, number: int) -> None:
        """End a terminal's program."""
        terminal = self._get(number)
        is_viewed = self._find(number) is not None
        await self.hub.end(terminal)
        self._forget(number)
        if not is_viewed:
            self.client.send("terminal:term_ended", number)

    @action("terminal:manual_title", arguments.ManualTitle, require=POLICY)
    def manual_title(self, wanted: arguments.ManualTitle) -> None:
        """Give a title by hand."""
        self.hub.set_manual_title(self._get(wanted.term), wanted.title)

    @action("terminal:move_terminal", arguments.MoveTerminal, require=POLICY)
    def move_terminal(self, wanted: arguments.MoveTerminal) -> None:
        """Move a terminal to another location."""
        self.hub.move(self._get(wanted.term), Place(self.client.session.id, wanted.location))

    @action("terminal:swap_terminals", arguments.SwapTerminals, require=POLICY)
    def swap_terminals(self, wanted: arguments.SwapTerminals) -> None:
        """Exchange two numbers; the page attaches anew to both."""
        self.hub.swap(self._get(wanted.term1), self._get(wanted.term2))
        self.get_terminals()

    @action("terminal:set_terminal", arguments.Number, require=POLICY)
    def set_terminal(self, number: int) -> None:
        """Choose where ``c`` goes."""
        self._get(number)
        self.current = number

    @action("c", arguments.Chars, require=POLICY)
    def type_here(self, chars: str) -> None:
        """Type into the current terminal."""
        if self.current is None:
            raise NotFound("no terminal is chosen; open one or send terminal:set_terminal")
        self._type(self.current, chars)

    @action("terminal:write_chars", arguments.WriteChars, require=POLICY)
    def write_chars(self, wanted: arguments.WriteChars) -> None:
        """Type into a terminal."""
        if wanted.term is None:
            self.type_here(wanted.chars)
        else:
            self._type(wanted.term, wanted.chars)

    @action("terminal:full_refresh", arguments.Number, require=POLICY)
    async def full_refresh(self, number: int) -> None:
        """Send the screen anew."""
        terminal, viewer = self._viewed(number)
        await self.hub.synchronise(terminal, viewer, None)

    @action("terminal:refresh", arguments.Number, require=POLICY)
    async def refresh(self, number: int) -> None:
        """Send the screen anew: lines are the emulator's in the page, not the daemon's."""
        await self.full_refresh(number)

    @action("terminal:reset_terminal", arguments.Number, require=POLICY)
    def reset_terminal(self, number: int) -> None:
        """Clear and reset the page's terminal and ask the program to paint."""
        self._viewed(number)
        self.client.send("terminal:reset_client_terminal", number)
        self._type(number, "\x0c")

    # inside

    def _user(self) -> User:
        user = self.client.user
        assert user is not None, "actions of this application run for signed-in users only"
        return user

    def _ask_again(self) -> None:
        # What was allowed before something was waited for may not be any more.
        terminal_policy(self.client, "terminal:new_terminal", None)

    def _settings(self) -> Mapping[str, object]:
        return self.client.settings(NAME)
