"""Tests of what is built: services, doors, applications, and what is refused by name."""

from __future__ import annotations

import json
import stat
from collections.abc import Coroutine

from twisted.application.service import IServiceMaker
from twisted.internet.defer import Deferred
from twisted.plugin import getPlugins

from gotwist.auth.pam.service import PamWorkers
from gotwist.auth.unix.service import AuthService
from gotwist.control.unix import ControlDoor
from gotwist.events.service import AuditService
from gotwist.housekeeping.service import ChoresService, PrivateThreads
from gotwist.settings.commandline import CommandLine
from gotwist.tap import Options
from gotwist.tap.daemon import Daemon
from gotwist.tap.terminals import TerminalsService
from gotwist.web.service import WebDoor
from tests.tap.support import HomeTestCase, service_of
from tests.web.authority import authority


class ServicesTests(HomeTestCase):
    def test_services(self) -> None:
        """A daemon has an audit stream, threads, PAM workers, doors, terminals and chores."""
        kinds = [type(service) for service in self.build().services]
        doors = [WebDoor, ControlDoor, AuthService]
        self.assertEqual(
            kinds,
            [
                AuditService,
                PrivateThreads,
                PamWorkers,
                *doors,
                TerminalsService,
                ChoresService,
            ],
        )
        kinds = [type(service) for service in self.build("--authservice_enable=False").services]
        self.assertNotIn(AuthService, kinds)

    def test_places(self) -> None:
        """What it keeps lies in private directories, the sockets in the runtime directory."""
        daemon = self.build()
        control = service_of(daemon, ControlDoor)
        self.assertEqual(control.path, str(self.home / "run" / "control.sock"))
        self.assertEqual(list(control.verbs), ["link"])
        for path in (self.home, *(p for p in self.home.iterdir() if p.is_dir())):
            self.assertEqual(stat.S_IMODE(path.stat().st_mode), 0o700, path)

    def test_nothing_listens_yet(self) -> None:
        """Building opens no door: that is for the start."""
        daemon = self.build()
        self.assertEqual(service_of(daemon, WebDoor).doors, ())
        self.assertEqual((self.reactor.tcpServers, self.reactor.unixServers), ([], []))

    def test_plugin(self) -> None:
        """twistd finds the daemon by its name."""
        found = [p for p in getPlugins(IServiceMaker) if p.tapname == "gotwist"]
        self.assertEqual(len(found), 1)
        self.assertIs(found[0].options, Options)

    def test_applications(self) -> None:
        """All applications are served, or those that the settings name, and always the core."""

        def names(daemon: Daemon) -> list[str]:
            return [application.name for application in daemon.gateway.table.applications]

        self.assertEqual(names(self.build()), ["go", "terminal", "example"])
        self.settings('{"*": {"gotwist": {"enabled_applications": ["Terminal"]}}}')
        self.assertEqual(names(self.build()), ["go", "terminal"])


class DoorsTests(HomeTestCase):
    def doors(self, *words: str) -> dict[str, str]:
        """Open the doors of a daemon with these options: kind to host."""
        web = service_of(self.build(*words), WebDoor)
        web.open()
        self.addCleanup(web.stopService)
        return {door.kind: door.host for door in web.doors}

    def test_default(self) -> None:
        """Without options there is HTTPS on loopback and nothing else."""
        self.assertEqual(self.doors(), {"https": "127.0.0.1"})

    def test_plain(self) -> None:
        """Without HTTPS no certificate is made."""
        self.assertEqual(self.doors("--disable_ssl"), {"http": "127.0.0.1"})
        self.assertEqual(list(self.home.rglob("*.pem")), [])

    def test_redirect_and_unix(self) -> None:
        """Each further door is there when it is asked for."""
        path = self.home / "web.sock"
        found = self.doors(
            "--https_redirect=true",
            "--https_redirect_port=0",
            "--enable_unix_socket=true",
            f"--unix_socket_path={path}",
        )
        self.assertEqual(found, {"https": "127.0.0.1", "redirect": "127.0.0.1", "unix": str(path)})

    def test_several_addresses(self) -> None:
        """Several addresses are several listeners."""
        web = service_of(self.build("--address=127.0.0.1;127.0.0.2"), WebDoor)
        web.open()
        self.addCleanup(web.stopService)
        self.assertEqual([door.host for door in web.doors], ["127.0.0.1", "127.0.0.2"])


class RefusedTests(HomeTestCase):
    def test_dangerous_combinations(self) -> None:
        """What is dangerous is refused by name, writes nothing, and is built when permitted."""
        for words, override in (
            (("--auth=none", "--address=0.0.0.0"), "allow_auth_none_off_loopback"),
            (("--auth=none", "--trusted_proxies=127.0.0.1"), "allow_auth_none_off_loopback"),
            (("--disable_ssl", "--address=0.0.0.0"), "allow_plain_http_off_loopback"),
            (("--origins=*",), "allow_any_origin"),
        ):
            self.assertIn(override, self.refuse(*words))
            self.assertFalse(self.home.exists())
        self.build("--origins=*", "--allow_any_origin")

    def test_options(self) -> None:
        """A slip is answered with the nearest option, a bad value with its option's name."""
        self.assertIn("url_prefix", self.refuse("--url_prefx=/x/"))
        self.assertIn("port", self.refuse("--port=seventy"))
        self.assertIn("auth", self.refuse("--auth=trust"))

    def test_client_certificates(self) -> None:
        """Files of client certificates that cannot be used are told in a sentence at the start."""
        path = self.home.parent / "ca.pem"
        words = ("--ssl_auth=optional", "--auth=ssl", f"--ca_certs={path}")
        self.assertIn(str(path), self.refuse(*words))
        path.write_text("hello")
        self.assertIn("no CA certificates", self.refuse(*words))
        path.write_bytes(authority().pem)
        self.build(*words)
        crl = self.home.parent / "crl.pem"
        crl.write_bytes(path.read_bytes())
        self.assertIn("no revocation list", self.refuse(*words, f"--ca_crl={crl}"))

    def test_settings_file(self) -> None:
        """A file that cannot be read is named with line and column."""
        self.settings('{"*": {"gotwist": {\n  "port": 1,\n}}}')
        self.assertRegex(self.refuse(), r"99test\.conf:[23]:\d+")

    def test_directory_of_others(self) -> None:
        """A runtime directory that others can write to is refused, with the remedy."""
        directory = self.home / "open"
        directory.mkdir(parents=True)
        directory.chmod(0o777)
        self.assertIn("chmod", self.refuse(f"--runtime_dir={directory}"))

    def test_long_socket_path(self) -> None:
        """A runtime directory too deep for a UNIX socket is refused before anything starts."""
        deep = self.home / ("x" * 60) / ("y" * 60)
        self.assertIn("too long", self.refuse(f"--runtime_dir={deep}"))

    def test_certificate(self) -> None:
        """A certificate that is none is named."""
        bad = self.home.parent / "bad.pem"
        bad.write_text("not a certificate")
        self.assertIn("bad.pem", self.refuse(f"--certificate={bad}", f"--keyfile={bad}"))


class ChangedSettingsTests(HomeTestCase):
    def test_intervals_follow(self) -> None:
        """A changed interval counts without a restart."""
        self.settings(json.dumps({"*": {"gotwist": {"cleanup_interval": "5m"}}}))
        daemon = self.build()
        chores = {chore.name: chore for chore in service_of(daemon, ChoresService).chores}
        self.assertEqual(
            list(chores),
            [
                "changed settings",
                "expired sessions",
                "expired sign-ins",
                "old user logs",
                "old session directories",
                "changed certificate",
                "stalled viewers",
            ],
        )
        before = {name: chore.current_interval_s() for name, chore in chores.items()}
        self.assertEqual(before["old user logs"], 300)
        self.settings(json.dumps({"*": {"gotwist": {"cleanup_interval": "1h"}}}))
        threads = service_of(daemon, PrivateThreads)
        threads.startService()
        self.addCleanup(threads.stopService)
        checking = chores["changed settings"].run()
        assert isinstance(checking, Coroutine)
        done = Deferred.fromCoroutine(checking)
        self.reactor.run_until(done)
        self.successResultOf(done)
        after = {name: chore.current_interval_s() for name, chore in chores.items()}
        changed = {name for name in before if before[name] != after[name]}
        self.assertEqual(changed, {"expired sign-ins", "old user logs", "old session directories"})
        self.assertEqual(after["old user logs"], 3600)


class OptionsTests(HomeTestCase):
    def test_without_words(self) -> None:
        """Options that were never given are those of an empty command line."""
        self.assertEqual(Options().command_line, CommandLine())
