"""Tests of loading settings files into snapshots."""

from __future__ import annotations

from collections.abc import Mapping

from twisted.trial.unittest import SynchronousTestCase

from gotwist.settings.error import SettingsError
from gotwist.settings.load import SettingsFile, load
from gotwist.settings.snapshot import Snapshot
from gotwist.settings.values import Value
from tests.settings.helpers import files, makings


def snapshot(*texts: str, overrides: Mapping[str, Value] | None = None) -> Snapshot:
    return load(files(*texts), makings(overrides))


def core(options: str) -> str:
    return f'{{"*": {{"gotwist": {{{options}}}}}}}'


def terminal(options: str, scope: str = "*") -> str:
    return f'{{"{scope}": {{"terminal": {{{options}}}}}}}'


class LoadTests(SynchronousTestCase):
    def test_defaults(self) -> None:
        """Without any files the defaults are in force, typed and with the places filled in."""
        settings = snapshot()
        self.assertEqual(10443, settings["port"])
        self.assertEqual(("127.0.0.1",), settings.texts("address"))
        self.assertEqual(432_000.0, settings.seconds("session_timeout"))
        self.assertEqual(0o600, settings.integer("unix_socket_mode"))
        self.assertEqual("/home/alice/.gotwist/ssl/certificate.pem", settings.text("certificate"))
        self.assertIsNone(settings.optional_text("applications_dir"))
        self.assertIs(False, settings.boolean("debug"))
        terminal_settings = settings.application("terminal")
        self.assertIs(True, terminal_settings.boolean("dtach"))
        self.assertEqual({"TERM": "xterm-256color"}, terminal_settings.mapping("environment_vars"))
        self.assertEqual(2**20, terminal_settings.integer("ring_size"))

    def test_later_files_win(self) -> None:
        """Later files replace values of earlier ones, and add to objects."""
        settings = snapshot(
            terminal('"commands": {"shell": "sh", "top": "top"}, "max_terms": 3'),
            terminal('"commands": {"top": "htop"}, "max_terms": 4'),
        ).application("terminal")
        self.assertEqual(4, settings["max_terms"])
        self.assertEqual(["shell", "top"], sorted(settings.mapping("commands")))
        top = settings.mapping("commands")["top"]
        assert isinstance(top, Mapping)
        self.assertEqual("htop", top["command"])

    def test_command_line_wins(self) -> None:
        """The command line wins over all files and scopes."""
        text = core('"port": 1')
        self.assertEqual(2, snapshot(text, overrides={"port": 2})["port"])
        self.assertEqual(1, snapshot(text)["port"])
        settings = snapshot(terminal('"dtach": true'), overrides={"dtach": False})
        self.assertIs(False, settings.application("terminal")["dtach"])

    def test_null_is_the_default(self) -> None:
        """null, and None on the command line, put an option back to its default."""
        self.assertEqual(10443, snapshot(core('"port": 1'), core('"port": null'))["port"])
        self.assertEqual(10443, snapshot(core('"port": 1'), overrides={"port": None})["port"])

    def test_old_name(self) -> None:
        """The application may be called gateone."""
        settings = snapshot('{"*": {"gateone": {"port": 8443}, "gotwist": {"debug": true}}}')
        self.assertEqual(8443, settings["port"])
        self.assertIs(True, settings["debug"])

    def test_applications_of_others(self) -> None:
        """Settings of applications that are not in the table are passed on as they are."""
        settings = snapshot('{"*": {"notes": {"colours": ["red"], "deep": {"x": [1]}}}}')
        self.assertEqual(("red",), settings.application("notes")["colours"])
        self.assertEqual({"x": (1,)}, settings.application("notes")["deep"])
        self.assertEqual({}, dict(settings.application("nothing")))

    def test_representation(self) -> None:
        """A snapshot shows no values: some are secret."""
        settings = snapshot(core('"cookie_secret": "' + "s3cr3t" * 8 + '"'))
        self.assertEqual("s3cr3t" * 8, settings["cookie_secret"])
        self.assertNotIn("s3cr3t", repr(settings))
        self.assertNotIn("s3cr3t", str(settings))

    def test_frozen(self) -> None:
        """Nobody can change a snapshot."""
        settings = snapshot()
        with self.assertRaises(TypeError):
            settings["port"] = 1  # type: ignore[index]
        with self.assertRaises(AttributeError):
            settings._values = {}  # type: ignore[misc]


class ScopeTests(SynchronousTestCase):
    FILE = """{
        "*": {"terminal": {"max_terms": 10, "commands": {"shell": "sh"}}},
        "user=alice": {"terminal": {"max_terms": 20, "commands": {"top": "top"}}},
        "user.ip_address=10\\\\..*": {"terminal": {"max_terms": 5}},
        "group=staff": {"terminal": {"scrollback": 9}, "notes": {"loud": true}}
    }"""

    def max_terms(self, attributes: dict[str, str] | None) -> Value:
        return snapshot(self.FILE).application("terminal", attributes)["max_terms"]

    def test_nobody_in_particular(self) -> None:
        """Without attributes only what holds for everybody is applied."""
        self.assertEqual(10, self.max_terms(None))
        self.assertEqual(10, self.max_terms({}))

    def test_scopes_in_order(self) -> None:
        """All scopes that match are applied, later ones over earlier ones."""
        self.assertEqual(20, self.max_terms({"upn": "alice"}))
        self.assertEqual(5, self.max_terms({"upn": "alice", "ip_address": "10.0.0.1"}))
        self.assertEqual(10, self.max_terms({"upn": "alice2"}))

    def test_merged_into_everybodys(self) -> None:
        """What a scope does not mention stays as it is for everybody."""
        settings = snapshot(self.FILE)
        alice = settings.application("terminal", {"upn": "alice"})
        self.assertEqual(["shell", "top"], sorted(alice.mapping("commands")))
        bob = settings.application("terminal", {"upn": "bob"})
        self.assertEqual(["shell"], sorted(bob.mapping("commands")))

    def test_merged_into_the_defaults(self) -> None:
        """Objects of a scope add to the defaults when the files say nothing for everybody."""
        settings = snapshot(terminal('"commands": {"top": "top"}', "user=bob"))
        bob = settings.application("terminal", {"upn": "bob"})
        self.assertEqual(["shell", "top"], sorted(bob.mapping("commands")))
        alone = snapshot(terminal('"commands": {"top": "top"}, "default_command": "top"'))
        self.assertEqual(["top"], list(alone.application("terminal").mapping("commands")))

    def test_groups(self) -> None:
        """Scopes of groups are applied to members, in other applications as well."""
        settings = snapshot(self.FILE)
        member = settings.application("terminal", {"upn": "bob"}, ["staff"])
        self.assertEqual((9, 10), (member["scrollback"], member["max_terms"]))
        self.assertEqual({"loud": True}, dict(settings.application("notes", {}, ["staff"])))
        self.assertEqual({}, dict(settings.application("notes", {}, [])))

    def test_many_users(self) -> None:
        """Users of the same scopes share one set of values."""
        settings = snapshot(self.FILE)
        self.assertIs(
            settings.application("terminal", {"upn": "bob"}),
            settings.application("terminal", {"upn": "eve"}),
        )


class Refusals(SynchronousTestCase):
    def refused(
        self, *texts: str, says: str, at: str = "", overrides: dict[str, Value] | None = None
    ) -> None:
        error = self.assertRaises(SettingsError, snapshot, *texts, overrides=overrides)
        self.assertIn(says, str(error))
        self.assertTrue(str(error).startswith(at), str(error))


class RefusalTests(Refusals):
    def test_unknown_option(self) -> None:
        """An unknown option is an error that names the nearest known one."""
        self.refused(
            core('\n"sesion_timeout": "5d"'), says="did you mean session_timeout?", at="1.conf:2:1:"
        )
        self.refused(core('"xyzzy": 1'), says="lists the known ones")

    def test_option_of_another_application(self) -> None:
        """An option in the wrong application is told where it belongs."""
        self.refused(core('"dtach": true'), says='dtach is an option of "terminal"')

    def test_unknown_application(self) -> None:
        """An application that is spelled almost like a known one is an error."""
        self.refused('{"*": {"termnial": {"dtach": true}}}', says='did you mean "terminal"?')

    def test_wrong_type(self) -> None:
        """A value of the wrong kind is told with file, line, column and option."""
        self.refused(
            core(""),
            core('\n  "port": "8443"'),
            says="gotwist.port must be a whole number",
            at="2.conf:2:3:",
        )
        self.refused(
            '{"*": {"gateone": {"port": true}}}', says="gotwist.port must", at="1.conf:1:20:"
        )

    def test_wrong_type_for_some(self) -> None:
        """A wrong value in a scope is found when the file is loaded, whoever it is for."""
        self.refused(
            core(""),
            terminal('"max_terms": "many"', "user=nobody"),
            says="terminal.max_terms must be a whole number",
            at="2.conf:1:",
        )

    def test_wrong_shape(self) -> None:
        """Scopes hold applications, which hold options."""
        self.refused('{"*": 1}', says="a scope holds applications", at="1.conf:1:2:")
        self.refused('{"*": {"gotwist": []}}', says="an application holds options")

    def test_bad_scope(self) -> None:
        """A bad scope or regular expression is found when the file is loaded."""
        self.refused('{"everyone": {}}', says="is no scope", at="1.conf:1:2:")
        self.refused('{"user=*": {}}', says="no regular expression", at="1.conf:1:2:")

    def test_option_for_all_users_only(self) -> None:
        """What cannot differ between users is refused in scopes."""
        self.refused('{"user=bob": {"gotwist": {"port": 1}}}', says="for all users or none")
        snapshot('{"user=bob": {"gotwist": {"max_websockets_per_user": 1}}}')

    def test_command_line_only(self) -> None:
        """What works on the command line only is refused in files."""
        self.refused(core('"kill": true'), says="command line only")
        self.refused(core('"settings_dir": "/x"'), says="command line only")

    def test_public_secret(self) -> None:
        """A secret in a file that everybody can read is refused; other options are not."""
        text = core('"cookie_secret": "' + "s3cr3t" * 8 + '"')
        error = self.assertRaises(
            SettingsError, load, [SettingsFile("1.conf", text, is_public=True)], makings()
        )
        self.assertIn("chmod o-r 1.conf", str(error))
        self.assertNotIn("s3cr3t", str(error))
        load([SettingsFile("1.conf", core('"port": 1'), is_public=True)], makings())

    def test_short_secret(self) -> None:
        """A secret that can be guessed is refused, and not repeated."""
        error = self.assertRaises(SettingsError, snapshot, core('"cookie_secret": "hush"'))
        self.assertNotIn("hush", str(error))


class RuleTests(Refusals):
    def test_auth_none_off_loopback(self) -> None:
        """auth=none off loopback is refused in one sentence that names the override."""
        self.refused(
            core('"auth": "none", "address": "0.0.0.0"'), says="allow_auth_none_off_loopback"
        )
        self.refused(core('"auth": "none", "address": ""'), says="(all addresses)")
        snapshot(core('"auth": "none", "address": "127.0.0.1;::1"'))
        snapshot(
            core('"auth": "none", "address": "", "allow_auth_none_off_loopback": true'),
        )

    def test_auth_none_behind_a_proxy(self) -> None:
        """auth=none is as dangerous when a proxy lets strangers in."""
        self.refused(core('"auth": "none", "trusted_proxies": "127.0.0.1"'), says="the proxy")

    def test_plain_http_off_loopback(self) -> None:
        """Plain HTTP off loopback is refused in one sentence that names the override."""
        self.refused(
            core('"disable_ssl": true, "address": "::"'), says="allow_plain_http_off_loopback"
        )
        snapshot(core('"disable_ssl": true'))
        snapshot(
            core('"disable_ssl": true, "address": "::", "allow_plain_http_off_loopback": true')
        )

    def test_any_origin(self) -> None:
        """origins=* is refused in one sentence that names the override."""
        self.refused(core('"origins": ["a", "*"]'), says="allow_any_origin", at="1.conf:1:")
        snapshot(core('"origins": "*", "allow_any_origin": true'))
        snapshot(core('"origins": "a;b"'))

    def test_dangers_of_the_command_line(self) -> None:
        """The rules hold for the command line as well."""
        self.refused(
            overrides={"auth": ("none",), "address": ("",)}, says="auth=none", at="settings: auth"
        )

    def test_redirect(self) -> None:
        """A redirect to HTTPS needs HTTPS and a port of its own."""
        self.refused(core('"https_redirect": true, "disable_ssl": true'), says="disable_ssl")
        self.refused(
            core('"https_redirect": true, "port": 80'), says="https_redirect_port is the port"
        )
        snapshot(core('"https_redirect": true'))

    def test_no_door(self) -> None:
        """A daemon that nobody could reach is refused."""
        self.refused(core('"address": []'), says="nobody could come in")
        snapshot(core('"address": [], "enable_unix_socket": true'))

    def test_default_command(self) -> None:
        """The default command is one of the commands, for everybody."""
        self.refused(terminal('"default_command": "vi"'), says="which commands does not hold")
        self.refused(terminal('"commands": {"top": "top"}'), says="one of: top", at="1.conf:1:")
        self.refused(
            terminal('"default_command": "vi"', "user=bob"), says="which commands does not hold"
        )
        snapshot(terminal('"commands": {"top": "top"}, "default_command": "top"'))
