"""Tests of the policies of terminals: at all, how many, how large, which programs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from gotwist.applications.terminal.application import TerminalApplication
from gotwist.applications.terminal.policy import largest
from gotwist.auth.user import User
from gotwist.gateway import frames
from gotwist.gateway.actions import policies
from gotwist.gateway.clients import Peer
from gotwist.settings.load import load
from gotwist.settings.snapshot import Snapshot
from tests.settings.helpers import files, makings
from tests.terminal.test_application import Tab, TerminalTestCase


def rules(everybody: Mapping[str, object], **scopes: Mapping[str, object]) -> Snapshot:
    """Settings of terminals, for everybody and for some."""
    texts = {scope: {"terminal": options} for scope, options in scopes.items()}
    return load(files(json.dumps({"*": {"terminal": everybody}, **texts})), makings())


class PolicyTestCase(TerminalTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.world.settings = rules({})

    def enter(self, upn: str, *groups: str, address: str = "192.0.2.7") -> Tab:
        sign_in = self.world.signins.issue(User(upn, "token", {}, groups))
        client, connection = self.world.connect(sign_in, Peer(address))
        tab = Tab(client, connection)
        self.told = tab.say("go:authenticate", {"auth": None})
        return tab


class AllowTests(PolicyTestCase):
    def test_not_there(self) -> None:
        """Who may not use terminals is told nothing of them, not even that there are some."""
        self.world.settings = rules({}, **{"user=anna": {"allow": False}})
        tab = self.enter("anna")
        self.assertNotIn("terminal", json.dumps(self.told))
        for action, value in (
            ("terminal:new_terminal", {"rows": 24, "columns": 80}),
            ("terminal:get_terminals", None),
            ("terminal:enumerate_commands", None),
            ("c", "x"),
        ):
            self.assertEqual("denied", tab.refused(action, value)[0], action)
        self.assertEqual([], self.keeper.opened)
        self.enter("bob").open()
        self.assertEqual(1, len(self.keeper.opened))

    def test_every_action_asks(self) -> None:
        """No action of the application is without its policy."""
        for action in TerminalApplication.actions.values():
            self.assertIn(policies("terminal"), action.require, action.name)

    def test_taken_away(self) -> None:
        """When it is taken away, nothing more is shown or typed; the program goes on."""
        tab = self.enter("anna")
        tab.open(viewer="0123456789abcdef")
        self.keeper.arena.output[0] = bytearray(b"before")
        self.hub.on_bell((0,))
        tab.hear()
        tab.frames.clear()
        self.world.change(rules({}, **{"user=anna": {"allow": False}}))
        told = dict(tab.hear())
        self.assertEqual(1, told["terminal:term_ended"])
        self.assertEqual([], told["go:applications"])
        self.keeper.arena.output[0] += b"secret"
        self.hub.on_bell((0,))
        tab.client.receive_binary(frames.pack_header(frames.Kind.INPUT, 1, 0) + b"typed")
        self.assertEqual(["go:error"], [name for name, _ in tab.hear()])
        self.assertEqual([], tab.frames)
        self.assertEqual({}, self.keeper.typed)
        self.assertEqual(1, len(self.keeper.held))

    def test_given_back(self) -> None:
        """When it is given back, the terminals are there again, and their output too."""
        tab = self.enter("anna")
        tab.open()
        self.world.change(rules({"allow": False}))
        tab.hear()
        self.world.change(rules({}))
        told = dict(tab.hear())
        self.assertEqual(["1"], list(told["terminal:terminals"]))
        self.assertEqual("terminal", told["go:applications"][0]["name"])
        tab.open(term=1)

    def test_taken_away_while_waiting(self) -> None:
        """Who asked for a terminal just before gets none."""
        tab = self.enter("anna")

        async def ready() -> None:
            self.world.change(rules({"allow": False}))

        self.programs.ready = ready
        tab.say("terminal:new_terminal", {"rows": 24, "columns": 80})
        self.assertEqual([], self.keeper.opened)

    def test_address_of_the_tab(self) -> None:
        """The same user may from one network and may not from another."""
        self.world.settings = rules({"allow": False}, **{"address=10.0.0.0/8": {"allow": True}})
        self.enter("anna", address="10.1.1.1").open()
        away = self.enter("anna")
        self.assertEqual(
            "denied", away.refused("terminal:new_terminal", {"rows": 2, "columns": 2})[0]
        )


class LimitTests(PolicyTestCase):
    def test_max_terms(self) -> None:
        """A user has as many terminals as the settings give, over all places, at that moment."""
        self.world.settings = rules({}, **{"group=guests": {"max_terms": 1}})
        guest = self.enter("anna", "guests")
        guest.open()
        size = {"rows": 24, "columns": 80}
        code, message = guest.refused("terminal:new_terminal", size)
        self.assertEqual(("unavailable", True), (code, "limit" in message))
        elsewhere = guest.say("go:set_location", "other")
        self.assertNotIn("go:error", dict(elsewhere))
        self.assertEqual("unavailable", guest.refused("terminal:new_terminal", size)[0])
        self.world.change(rules({}, **{"group=guests": {"max_terms": 2}}))
        guest.hear()
        guest.open()
        other = self.enter("bob")
        other.open()
        other.open()

    def test_max_terms_is_told(self) -> None:
        """Who wants more than is allowed is told the audit stream."""
        self.world.settings = rules({"max_terms": 1})
        tab = self.enter("anna")
        tab.open()
        tab.say("terminal:new_terminal", {"rows": 24, "columns": 80})
        (told,) = self.world.audit.named("action_refused")
        self.assertEqual(("terminal:new_terminal", "unavailable"), (told["action"], told["code"]))

    def test_max_dimensions(self) -> None:
        """No terminal is larger than its user may have it, opened, resized or changed."""
        self.world.settings = rules({"max_dimensions": {"rows": 50, "columns": 100}})
        tab = self.enter("anna")
        attached = tab.open(rows=400, columns=80)
        self.assertEqual((50, 80), (attached["rows"], attached["columns"]))
        tab.say("terminal:resize", {"term": 1, "rows": 30, "columns": 900})
        self.assertEqual((1, 30, 100), self.keeper.sizes[-1])
        self.world.change(rules({"max_dimensions": {"columns": 90}}))
        self.assertEqual((1, 30, 90), self.keeper.sizes[-1])
        tab.say("terminal:resize", {"term": 1, "rows": 400, "columns": 900})
        self.assertEqual((1, 400, 90), self.keeper.sizes[-1])

    def test_sizes(self) -> None:
        """Without a limit a terminal has what terminals can have."""
        self.assertEqual((500, 1000), largest({}, 10**6, 10**6))
        self.assertEqual((2, 2), largest({"max_dimensions": None}, 0, 0))
        self.assertEqual((10, 1000), largest({"max_dimensions": {"rows": 10}}, 60, 10**6))


class CommandTests(PolicyTestCase):
    def commands(self, tab: Tab) -> Any:
        told = tab.ask("terminal:enumerate_commands", None, "terminal:commands_list")
        return [command["name"] for command in told["commands"]], told["default"]

    def test_commands(self) -> None:
        """Each user has the commands that the settings give, and no other by its name."""
        self.world.settings = rules(
            {"commands": {"shell": "sh"}},
            **{"group=staff": {"commands": {"log": "less /l"}, "default_command": "log"}},
        )
        staff, guest = self.enter("anna", "staff"), self.enter("bob")
        self.assertEqual((["shell", "log"], "log"), self.commands(staff))
        self.assertEqual((["shell"], "shell"), self.commands(guest))
        size = {"rows": 24, "columns": 80}
        code, _ = guest.refused("terminal:new_terminal", {**size, "command": "log"})
        self.assertEqual("not_found", code)
        self.assertEqual([], self.keeper.opened)
        staff.open()
        staff.open(command="shell")
        self.assertEqual([("less", "/l"), ("sh",)], [argv for argv, _, _ in self.keeper.opened])

    def test_changed(self) -> None:
        """A command that was taken away starts no more, and the page is told the list anew."""
        self.world.settings = rules({"commands": {"shell": "sh", "log": "less /l"}})
        tab = self.enter("anna")
        self.world.change(rules({"commands": {"shell": "sh"}}))
        told = dict(tab.hear())
        names = [item["name"] for item in told["go:applications"][0]["sub_applications"]]
        self.assertEqual(["shell"], names)
        code, _ = tab.refused(
            "terminal:new_terminal", {"rows": 24, "columns": 80, "command": "log"}
        )
        self.assertEqual("not_found", code)


class ToldTests(PolicyTestCase):
    def test_life_of_a_terminal(self) -> None:
        """A terminal is told when it is opened, looked at again and ended: its command's name."""
        ended: list[tuple[int, str]] = []
        self.hub.on_ended = lambda terminal, reason: ended.append((terminal.id, reason))
        tab = self.enter("anna")
        tab.open()
        again = self.enter("anna")
        again.open(term=1)
        (opened,) = self.world.audit.named("terminal_opened")
        (attached,) = self.world.audit.named("terminal_attached")
        for told in (opened, attached):
            self.assertEqual(
                (1, 1, "default", "shell", "anna"),
                tuple(told[n] for n in ("terminal", "number", "location", "command", "user")),
            )
        self.assertEqual(again.client.id, attached["client"])
        tab.say("terminal:kill_terminal", 1)
        self.assertEqual([(1, "killed")], ended)
        self.assertNotIn("%SHELL%", str(self.world.audit.events))

    def test_ended_once(self) -> None:
        """A program that has ended by itself is not told again when its terminal goes."""
        ended: list[tuple[int, str]] = []
        self.hub.on_ended = lambda terminal, reason: ended.append((terminal.id, reason))
        tab = self.enter("anna")
        tab.open()
        self.hub.on_exited(1, 3, None, 0)
        tab.say("terminal:kill_terminal", 1)
        tab.open()
        self.hub.on_lost()
        self.assertEqual([(1, "exited"), (2, "keeper_lost")], ended)

    def test_totals(self) -> None:
        """What has passed is counted, also of terminals that are gone."""
        tab = self.enter("anna")
        tab.open(viewer="0123456789abcdef")
        self.keeper.arena.output[0] = bytearray(b"x" * 1000)
        tab.client.receive_binary(frames.pack_header(frames.Kind.INPUT, 1, 0) + b"typed")
        tab.say("c", "!")
        totals = self.hub.totals()
        self.assertEqual((1000, 6), (totals.output, totals.input))
        tab.say("terminal:kill_terminal", 1)
        self.assertEqual(totals, self.hub.totals())
