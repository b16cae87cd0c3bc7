"""Files of secrets of a daemon that root starts for another account."""

from __future__ import annotations

import re
import time

from gotwist.auth.totp import STEP_S, parse_secrets
from gotwist.tap.second_factor import make_code
from tests.integration.daemon import Daemon
from tests.integration.signing_in import request
from tests.integration.test_rights import RightsTestCase as Rights

USER = "anna.smith"
SECRET = "correct horse"


class SecretFilesTests(Rights):
    def code(self, daemon: Daemon) -> str:
        """The present code of the user's second factor."""
        path = daemon.home / ".gotwist/conf.d/totp.json"
        secret = parse_secrets(path.read_text())[USER]
        return make_code(secret, int(time.time()) // STEP_S * STEP_S)

    def answer(self, daemon: Daemon, code: str) -> str:
        """Sign in with the password and a code; answers the cookie, or nothing."""
        status, headers, page = self.post(daemon, USER, SECRET)
        self.assertEqual(status, 200, page)
        self.assertIn(b"authenticator", page)
        step = headers["set-cookie"].split(";")[0]
        status, headers, _ = self.send(daemon, {"answers": "1", "a0": code}, step)
        found = re.search(r"gotwist=[0-9a-f]{64}\.[0-9a-f]{64}", headers.get("set-cookie", ""))
        return f"__Host-{found[0]}" if found and status == 303 else ""

    def test_edited_by_root(self) -> None:
        """What root edits the daemon's account can read, and nobody else; both factors count."""
        daemon = self.daemon("--auth=file").start()
        uid = self.account.pw_uid
        options = f"--uid={self.account.pw_name}"
        added = daemon.run("passwd", USER, options, given=f"{SECRET}\n".encode())
        self.assertEqual(added.returncode, 0, added.stderr)
        self.assertTrue(self.sign_in(daemon, USER, SECRET))
        self.assertEqual(self.sign_in(daemon, USER, "wrong"), "")
        self.assertEqual(daemon.run("totp", USER, options).returncode, 0)
        for name in ("passwords.json", "totp.json"):
            found = (daemon.home / ".gotwist/conf.d" / name).stat()
            self.assertEqual((found.st_uid, found.st_mode & 0o777), (uid, 0o600), name)
        code = self.code(daemon)
        cookie = self.answer(daemon, code)
        self.assertTrue(cookie)
        daemon.kill()
        daemon.start()
        self.assertEqual(request(daemon, "GET", "/", {"Cookie": cookie})[0], 200)
        self.assertEqual(self.answer(daemon, code), "", "a code that was used before the restart")

    def test_of_somebody_else(self) -> None:
        """A file that belongs to another account keeps the daemon from starting, by name."""
        daemon = self.daemon("--auth=file")
        path = daemon.home / "passwords"
        path.write_text("")
        path.chmod(0o600)
        daemon.options.append(f"--password_file={path}")
        with self.assertRaises(AssertionError) as ended:
            daemon.start()
        self.assertIn(f"run: chown {self.account.pw_uid} {path}", str(ended.exception))
        daemon.process = None
