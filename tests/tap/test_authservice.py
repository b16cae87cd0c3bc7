"""Tests of the authentication service as it is built from settings: in the daemon, and alone."""

from __future__ import annotations

from twisted.application.service import MultiService
from twisted.internet.task import Clock
from twisted.logger import capturedLogs
from twisted.trial.unittest import SynchronousTestCase

from gotwist.auth.pam.service import PamWorkers
from gotwist.auth.unix.service import AuthService, DoorSettings
from gotwist.tap import Options, makeService
from gotwist.tap.authservice import Seldom
from tests.tap.support import HomeTestCase, service_of


class DaemonTests(HomeTestCase):
    def test_default(self) -> None:
        """As installed it is for this account, in the runtime directory."""
        door = service_of(self.build(), AuthService)
        path = str(self.home / "run" / "authservice.sock")
        self.assertEqual(door.settings, DoorSettings(path, mode=0o660))

    def test_follows_the_runtime_directory(self) -> None:
        """Where the runtime directory is elsewhere, so is the socket."""
        door = service_of(self.build(f"--runtime_dir={self.home}/elsewhere"), AuthService)
        self.assertEqual(door.settings.path, f"{self.home}/elsewhere/authservice.sock")

    def test_settings(self) -> None:
        """Path, owner, group, mode and further peers are settings."""
        door = service_of(
            self.build(
                "--authservice_path=/run/x/y",
                "--authservice_owner=root",
                "--authservice_group=1234",
                "--authservice_mode=0600",
                "--authservice_peers=x2gobroker;@staff",
            ),
            AuthService,
        )
        expected = DoorSettings("/run/x/y", "root", "1234", 0o600, ("x2gobroker", "@staff"))
        self.assertEqual(door.settings, expected)

    def test_refused(self) -> None:
        """What cannot be meant is refused in one sentence."""
        for word, fragment in (
            ("--pam_services=../su", "names of PAM services"),
            ("--pam_service=a/b", "the name of a PAM service"),
            ("--pam_user_pattern=[", "a regular expression"),
            ("--pam_realm=a b", "letters, digits"),
            ("--pam_workers=17", "from 1 to 16"),
            ("--authservice_peers=a b", "users and @groups"),
            ("--authservice_mode=8", "octal mode"),
            ("--services=web", "must be one of"),
        ):
            self.assertIn(fragment, self.refuse(word), word)


class AloneTests(HomeTestCase):
    def alone(self, *words: str) -> MultiService:
        options = Options()
        options.parseOptions(["--services=authservice", *words])
        service = makeService(options, self.reactor)
        assert isinstance(service, MultiService)
        return service

    def test_nothing_else(self) -> None:
        """It has workers and its door, makes no directory, and writes no settings."""
        kinds = [type(service) for service in self.alone().services]
        self.assertEqual(kinds, [PamWorkers, AuthService])
        self.assertFalse(self.home.exists())

    def test_same_settings(self) -> None:
        """It reads the daemon's settings files, and what is wrong with them."""
        self.settings('{"*": {"gotwist": {"authservice_group": "1234"}}}')
        _, door = self.alone().services
        assert isinstance(door, AuthService)
        self.assertEqual(door.settings.group, "1234")
        self.settings('{"*": {"gotwist": {"authservice_grup": "1234"}}}')
        with self.assertRaises(SystemExit) as refused:
            self.alone()
        self.assertIn("authservice_group", str(refused.exception.code))

    def test_not_in_files(self) -> None:
        """A settings file cannot make the daemon something else than a daemon."""
        self.settings('{"*": {"gotwist": {"services": "authservice"}}}')
        self.assertIn("on the command line only", self.refuse())

    def test_taken(self) -> None:
        """What keeps the door from opening is one sentence, too."""
        service = self.alone("--authservice_path=/dev/null/socket")
        with self.assertRaises(SystemExit) as refused:
            service.privilegedStartService()
        self.assertIn("gotwist: /dev/null", str(refused.exception.code))


class SeldomTests(SynchronousTestCase):
    def test_once_a_minute(self) -> None:
        """The same trouble again and again is told once a minute, with how often it was."""
        clock = Clock()
        seldom = Seldom(clock)
        with capturedLogs() as events:
            for _ in range(3):
                seldom(ValueError("no"))
            clock.advance(61)
            seldom(ValueError("no"))
        told = [event["untold"] for event in events if "untold" in event]
        self.assertEqual(told, [0, 2])
