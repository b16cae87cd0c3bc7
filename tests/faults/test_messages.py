"""Attacks in messages: JSON that is odd, arguments of every wrong kind, other people's things."""

from __future__ import annotations

import json

from tests.faults.support import FaultTestCase, Kind
from tests.integration.websocket import BINARY, TEXT, WebSocket

OPEN_HOUSE = Kind(("--auth=none",))
#: One value of each sort that JSON knows, and the corners of some.
VALUES: tuple[object, ...] = (
    None, True, False, 0, -1, 1, 1.5, 2**31, 999_999_999_999_999, -(2**53) + 1, 1e308,
    "", "x", "1", "\x00", "\u202e", "x" * 40_000, "../../etc/passwd", "%s%n{0}", "__class__",
    [], [1], ["1"], [[]], {}, {"term": 1}, {"term": "1"}, {"term": True}, {"term": None},
    {"term": -1}, {"term": 0}, {"term": 2**31}, {"term": 1, "x": 1}, {"rows": 24},
    {"rows": "24", "columns": 80}, {"rows": True, "columns": True}, {"rows": -1, "columns": 1},
    {"rows": 10**9, "columns": 10**9}, {"rows": 24.5, "columns": 80}, {"rows": [], "columns": {}},
    {"rows": 24, "columns": 80, "term": 10**14}, {"rows": 24, "columns": 80, "viewer": "xyz"},
    {"rows": 24, "columns": 80, "command": "../sh"}, {"rows": 24, "columns": 80, "command": 1},
    {"rows": 24, "columns": 80, "have": -1}, {"rows": 24, "columns": 80, "metadata": 1},
    {"auth": 1}, {"auth": {}, "location": "default"}, {"auth": None, "location": "../x"},
    {"auth": None, "location": 1}, {"term": 1, "location": "../../x"}, {"term": 1, "title": 1},
    {"term1": 1, "term2": 1}, {"chars": 1}, {"chars": "\x03", "term": 99}, {"chars": None},
)  # fmt: skip
ACTIONS = (
    "go:ping",
    "go:authenticate",
    "go:list_applications",
    "go:get_locations",
    "go:set_location",
    "go:list_sign_ins",
    "go:end_sign_in",
    "terminal:new_terminal",
    "terminal:detach",
    "terminal:get_terminals",
    "terminal:resize",
    "terminal:kill_terminal",
    "terminal:manual_title",
    "terminal:move_terminal",
    "terminal:swap_terminals",
    "terminal:get_locations",
    "terminal:enumerate_commands",
    "terminal:set_terminal",
    "c",
    "terminal:write_chars",
    "terminal:full_refresh",
    "terminal:refresh",
    "terminal:reset_terminal",
    "example:echo",
)


def error_of(websocket: WebSocket) -> dict[str, str]:
    """The next error a client is told."""
    found = websocket.until(lambda message: "go:error" in message)["go:error"]
    assert isinstance(found, dict)
    return found


class JsonTests(FaultTestCase):
    def test_not_what_json_is(self) -> None:
        """Each is answered by an error, none closes the connection or runs anything."""
        websocket = self.client()
        for text in (
            b"",
            b" ",
            b"{",
            b"}",
            b"[]",
            b"1",
            b"null",
            b'"x"',
            b"{'go:ping': 1}",
            b"{go:ping: 1}",
            b'{"go:ping": 1,}',
            b'{"go:ping": 1} {"go:ping": 1}',
            b'{"go:ping": NaN}',
            b'{"go:ping": Infinity}',
            b'{"go:ping": -Infinity}',
            b'{"go:ping": 1e999}',
            b'{"go:ping": 1234567890123456}',
            b'{"go:ping": ' + b"9" * 5_000 + b"}",
            b'{"go:ping": 01}',
            b'{"go:ping": 1, "go:ping": 2}',
            b'{"go:ping": {"a": 1, "a": 2}}',
            b'{"go:ping": "\\ud800"}',
            b'{"go:ping": "\\x41"}',
            b'{"go:ping": "\n"}',
            b"\xef\xbb\xbf{}",
            b'{"go:ping": 1 /* */}',
            json.dumps({f"x{at}": 1 for at in range(17)}).encode(),
            b'{"go:ping": ' + b"[" * 31 + b'"' + b"[" * 1_000 + b'"' + b"]" * 30 + b"}",
        ):
            websocket.send_raw(TEXT, text)
            self.assertTrue(error_of(websocket)["message"], text[:40])
        self.assert_still_talks(websocket)

    def test_too_deep(self) -> None:
        """Nesting beyond reason closes with 4400, and costs neither stack nor time."""
        for text in (
            b"[" * 65_000,
            b'{"a":' * 10_000,
            b'{"go:ping":' + b"[" * 32 + b"]" * 32 + b"}",
            b'{"go:ping":' + b"[" * 30_000 + b"]" * 30_000 + b"}",
        ):
            websocket = self.client()
            websocket.send_raw(TEXT, text)
            self.assert_closed(websocket, 4400)
            websocket.close()

    def test_huge(self) -> None:
        """Within the limit of size everything is allowed that the other limits allow."""
        websocket = self.client()
        for text in (
            b'{"x":[' + b"1," * 30_000 + b"1]}",
            b'{"x":{' + b",".join(b'"%d":1' % at for at in range(6_000)) + b"}}",
            b'{"' + b"x" * 60_000 + b'":1}',
            b'{"x":"' + b"\\u0041" * 10_000 + b'"}',
        ):
            websocket.send_raw(TEXT, text)
            error = error_of(websocket)
            self.assertLess(len(json.dumps(error)), 1_000)
        self.assert_still_talks(websocket)


class ArgumentTests(FaultTestCase):
    def test_every_action_with_every_value(self) -> None:
        """No argument of the wrong kind does more than be refused; nothing is logged for it."""
        assert self.daemon.process is not None
        size = self.daemon.log.stat().st_size
        for action in ACTIONS:
            websocket = self.client()
            for value in VALUES:
                websocket.send(action, value)
            websocket.send("go:set_location", "default")
            self.assert_still_talks(websocket, action)
            self.tidy(websocket)
            websocket.close()
        self.assertLess(self.daemon.log.stat().st_size - size, 400_000)

    def tidy(self, websocket: WebSocket) -> None:
        websocket.send("terminal:get_locations", None)
        for location, numbers in websocket.until_action("terminal:term_locations").items():
            websocket.send("go:set_location", location)
            for number in numbers:
                websocket.send("terminal:kill_terminal", int(number))
                websocket.until(lambda found: "terminal:term_ended" in found)

    def test_names_of_actions(self) -> None:
        """An action is looked up in a table: names of Python, of other rooms, or of the other
        direction are nothing, and what is unknown is told by a short name only."""
        websocket = self.client()
        for name in (
            "",
            ":",
            "go:",
            ":ping",
            "go:__init__",
            "go:client",
            "__class__",
            "terminal:hub",
            "terminal:on_close",
            "terminal:authenticate",
            "terminal:_get",
            "go:pong",
            "terminal:attached",
            "GO:PING",
            "go:ping\x00",
            "go:ping ",
            "x" * 60_000,
            "<script>alert(1)</script>",
            "\x1b]0;x\x07",
        ):
            websocket.send(name, None)
            error = error_of(websocket)
            self.assertLess(len(json.dumps(error)), 1_500, name[:40])
        self.assert_still_talks(websocket)

    def test_titles(self) -> None:
        """A title holds no control characters, no marks that turn text, and has an end."""
        screen = self.screen(command="cat")
        title = "a\x00b\x1b]0;c\x07\u202ed\u2066e\u2028f\x9b" + "x" * 900
        screen.websocket.send("terminal:manual_title", {"term": screen.term, "title": title})
        told = screen.websocket.until_action("terminal:set_title")["title"]
        self.assertRegex(told, r"^[ -~]{1,256}$")

    def test_paths_as_commands(self) -> None:
        """A command is chosen by its name in the settings; nothing else starts a program."""
        websocket = self.client()
        for command in ("/bin/sh", "sh -c id", "shell; id", "$(id)", "../shell", "SHELL", "-"):
            wanted = {"rows": 24, "columns": 80, "command": command}
            websocket.send("terminal:new_terminal", wanted)
            self.assertIn(error_of(websocket)["code"], ("not_found", "malformed"), command)


class StrangerTests(FaultTestCase):
    def test_actions_before_sign_in(self) -> None:
        """Before signing in nothing runs but ping and sign-in, alone or behind them."""
        websocket = self.stranger()
        refused = [name for name in ACTIONS if name not in ("go:ping", "go:authenticate")]
        for name in refused:
            websocket.send(name, {"rows": 24, "columns": 80})
            self.assertEqual(name, error_of(websocket)["action"])
        both = {"go:ping": 1, "terminal:new_terminal": {"rows": 24, "columns": 80}}
        websocket.send_raw(TEXT, json.dumps(both).encode())
        self.assertEqual("terminal:new_terminal", error_of(websocket)["action"])
        owner = self.client()
        owner.send("terminal:get_terminals", None)
        self.assertEqual({}, owner.until_action("terminal:terminals"))

    def test_odd_credentials(self) -> None:
        """Whatever is offered instead of a credential, the answer is to sign in or an error."""
        websocket = self.stranger()
        offers: tuple[object, ...] = (
            "",
            "x",
            "wstoken" + "0" * 64,
            "*",
            {},
            {"upn": "root"},
            {"user": "root", "api_key": "x", "signature": "y", "timestamp": 1},
            {"upn": {"$ne": 1}},
            [],
            1,
            True,
            "x" * 40_000,
        )
        for auth in offers:
            websocket.send("go:authenticate", {"auth": auth, "location": "default"})
            found = websocket.until(lambda m: "go:reauthenticate" in m or "go:error" in m)
            self.assertNotIn("go:set_username", found)
        websocket.send_raw(BINARY, b"")
        self.assertEqual("denied", error_of(websocket)["code"])

    def test_actions_while_signing_in(self) -> None:
        """What is sent behind a sign-in that fails does not run."""
        websocket = self.stranger()
        message = {
            "go:authenticate": {"auth": "wstoken" + "1" * 64, "location": "default"},
            "terminal:new_terminal": {"rows": 24, "columns": 80},
        }
        websocket.send_raw(TEXT, json.dumps(message).encode())
        self.assertTrue(websocket.until_action("go:reauthenticate"))
        self.assertEqual("terminal:new_terminal", error_of(websocket)["action"])


class OtherUsersTests(FaultTestCase):
    kind = OPEN_HOUSE

    def arrive(self) -> WebSocket:
        websocket = self.stranger()
        websocket.send("go:authenticate", {"auth": None, "location": "default"})
        websocket.until_action("go:applications")
        return websocket

    def test_terminals(self) -> None:
        """A terminal of somebody else is answered exactly like one that never was, for every
        action that names one, and is neither touched nor listed."""
        mine, other = self.arrive(), self.arrive()
        screen = self.screen(mine, command="cat")
        term, none = screen.term, 4_711
        for action, argument in (
            ("terminal:detach", lambda n: n),
            ("terminal:kill_terminal", lambda n: n),
            ("terminal:set_terminal", lambda n: n),
            ("terminal:full_refresh", lambda n: n),
            ("terminal:refresh", lambda n: n),
            ("terminal:reset_terminal", lambda n: n),
            ("terminal:resize", lambda n: {"term": n, "rows": 2, "columns": 2}),
            ("terminal:manual_title", lambda n: {"term": n, "title": "stolen"}),
            ("terminal:move_terminal", lambda n: {"term": n, "location": "elsewhere"}),
            ("terminal:swap_terminals", lambda n: {"term1": n, "term2": n}),
            ("terminal:write_chars", lambda n: {"term": n, "chars": "stolen\n"}),
        ):
            said = []
            for number in (term, none):
                other.send(action, argument(number))
                said.append(json.dumps(error_of(other)).replace(str(number), "N"))
            self.assertEqual(said[0], said[1], action)
            self.assertIn("not_found", said[0], action)
        other.send("terminal:get_terminals", None)
        self.assertEqual({}, other.until_action("terminal:terminals"))
        other.send("go:get_locations", None)
        self.assertNotIn("cat", json.dumps(other.until_action("go:locations")))
        screen.type(b"mine\n")
        self.assertNotIn(b"stolen", screen.until_text(b"mine"))

    def test_same_number(self) -> None:
        """The same number opens a terminal of one's own."""
        mine, other = self.arrive(), self.arrive()
        screen = self.screen(mine, command="cat")
        screen.type(b"secret\n")
        screen.until_text(b"secret")
        second = self.screen(other, command="cat", term=screen.term)
        second.type(b"other\n")
        self.assertNotIn(b"secret", second.until_text(b"other"))

    def test_limits_are_each_ones_own(self) -> None:
        """The limit of terminals holds for whoever asks, and stops nobody else."""
        daemon = self.own_daemon(
            "--auth=none",
            settings={"*": {"terminal": {"commands": {"shell": "/bin/cat"}, "max_terms": 2}}},
        ).start()
        users = [self.stranger(daemon) for _ in range(2)]
        for user in users:
            user.send("go:authenticate", {"auth": None, "location": "default"})
            user.until_action("go:applications")
            for _ in range(2):
                self.screen(user)
            user.send("terminal:new_terminal", {"rows": 24, "columns": 80})
            self.assertEqual("unavailable", error_of(user)["code"])
