"""Signing in to a real daemon with a password that real PAM judges."""

from __future__ import annotations

import http.client
import os
import pwd
import re
import socket
import time
from urllib.parse import urlencode

from twisted.trial.unittest import SynchronousTestCase

from tests.auth.support import NO_MATRIX, NOT_ROOT, PASSWORD, Machine, PamDirectory, run
from tests.integration.daemon import Daemon
from tests.integration.signing_in import connect

OWN = pwd.getpwuid(os.geteuid()).pw_name


class PamTestCase(SynchronousTestCase):
    timeout = 120

    def setUp(self) -> None:
        self.cookies: dict[str, str] = {}

    @property
    def cookie(self) -> str:
        """What a browser would send along."""
        return "; ".join(f"{name}={value}" for name, value in self.cookies.items() if value)

    def start(self, *options: str) -> Daemon:
        """A daemon on plain HTTP that asks for passwords."""
        daemon = Daemon("--auth=pam", *options, plain=True)
        self.addCleanup(daemon.close)
        daemon.start()
        return daemon

    def post(self, daemon: Daemon, **fields: str) -> tuple[int, str]:
        """Send the sign-in form: the status and the page; cookies are kept."""
        connection = http.client.HTTPConnection("127.0.0.1", daemon.port, timeout=60)
        self.addCleanup(connection.close)
        headers = {
            "Content-Type": "application/x-www-form-urlencoded",
            "Origin": daemon.base.rstrip("/"),
            "Cookie": self.cookie,
        }
        connection.request("POST", "/auth", urlencode(fields), headers)
        answer = connection.getresponse()
        for line in answer.headers.get_all("Set-Cookie", []):
            name, _, value = line.partition(";")[0].partition("=")
            self.cookies[name] = value
        return answer.status, answer.read().decode()

    def converse(self, daemon: Daemon, user: str, *, old: str, new: str) -> tuple[int, int]:
        """Sign in and change the password on the way: the last status, and what was asked."""
        status, page = self.post(daemon, user=user, password=old)
        asked = 0
        while (found := re.search(r'name="answers" value="(\d+)"', page)) is not None:
            count = int(found[1])
            asked += count
            text = old if re.search("Old|Current", page) else new
            answers = {f"a{number}": text for number in range(count)}
            status, page = self.post(daemon, answers=found[1], **answers)
        return status, asked


class DirectoryTests(PamTestCase):
    """With users that a directory knows; one is called like this process's own account."""

    skip = NO_MATRIX

    def setUp(self) -> None:
        super().setUp()
        self.pam = PamDirectory(self)
        self.options = (f"--pam_service_dir={self.pam.path}", "--pam_service=house")

    def test_form(self) -> None:
        """The right password signs in as <account>@<this machine>; others do not."""
        self.pam.write_matrix("house", {OWN: "sesame"})
        daemon = self.start(*self.options)
        for user, password in ((OWN, "wrong"), ("nosuchuser", "sesame")):
            begun = time.monotonic()
            status, page = self.post(daemon, user=user, password=password)
            self.assertEqual((status, self.cookie), (401, ""), page)
            self.assertGreater(time.monotonic() - begun, 0.99)
        status, _ = self.post(daemon, user=OWN, password="sesame")
        self.assertEqual(status, 303)
        websocket = connect(daemon, self.cookie)
        self.addCleanup(websocket.close)
        name = f"{OWN}@{socket.gethostname()}"
        self.assertIn(name, daemon.log.read_text())
        self.assertNotIn("sesame", daemon.log.read_text())

    def test_nobody_gets_the_rights_of_another(self) -> None:
        """Whoever is not the account that terminals run as is refused, right password or not."""
        self.pam.write_matrix("house", {"daemon": "sesame", "ghost": "sesame"})
        daemon = self.start(*self.options, "--pam_realm=")
        for user in ("daemon", "ghost"):
            status, _ = self.post(daemon, user=user, password="sesame")
            self.assertEqual((status, self.cookie), (401, ""), user)
        self.assertIn("daemon has proven who they are, but", daemon.log.read_text())

    def test_expired_password(self) -> None:
        """An expired password is changed on the way, prompt by prompt."""
        self.pam.write_matrix(
            "house", {OWN: "sesame"}, "account required pam_debug.so acct=new_authtok_reqd"
        )
        daemon = self.start(*self.options)
        status, asked = self.converse(daemon, OWN, old="sesame", new="parsley")
        self.assertEqual(status, 303)
        self.assertGreaterEqual(asked, 2)
        self.assertIn(f"{OWN}:parsley:house", (self.pam.path / "house.passwords").read_text())


class RootTests(PamTestCase):
    """With accounts of this machine."""

    skip = NOT_ROOT

    def test_expired_password_of_an_account(self) -> None:
        """pam_unix changes an expired password, and the old one is worth nothing afterwards.

        The account itself may not sign in here: its terminals would run as root.
        """
        machine = Machine(self)
        alice = machine.add_user()
        run("chage", "--lastday", "0", alice)
        service = machine.add_service(
            "auth required pam_unix.so nodelay",
            "account required pam_unix.so",
            "password required pam_unix.so",
        )
        daemon = self.start(f"--pam_service={service}")
        status, _ = self.converse(daemon, alice, old=PASSWORD, new="staple battery")
        self.assertEqual(status, 401)
        with open("/etc/shadow") as file:
            (line,) = (line for line in file if line.startswith(f"{alice}:"))
        self.assertNotEqual(line.split(":")[2], "0")
        self.assertIn(f"{alice} has proven who they are, but", daemon.log.read_text())
