"""PAM for tests: services in a directory of their own, and accounts that root makes."""

from __future__ import annotations

import glob
import os
import secrets
import stat
import subprocess
import tempfile
import time
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

IS_ROOT = os.geteuid() == 0
PASSWORD = "correct horse"

#: Knows its users from a file; it comes with libpam-wrapper and needs no rights.
_MATRIX = glob.glob("/usr/lib/*/pam_wrapper/pam_matrix.so")
NO_MATRIX = None if _MATRIX else "pam_matrix.so is not here: apt-get install libpam-wrapper"
NOT_ROOT = None if IS_ROOT else "needs root, to make accounts"
NO_BROKER = (
    None
    if os.path.exists("/usr/lib/python3/dist-packages/x2gobroker/authservice.py")
    else "x2gobroker is not here: apt-get install python3-x2gobroker"
)
NO_BROKER_SERVICE = (
    None
    if os.path.exists("/usr/sbin/x2gobroker-authservice")
    else "its service is not here: apt-get install x2gobroker-authservice"
)


class PamDirectory:
    """Service files that exist for one test.

    ``matrix``  right passwords of users that only this directory knows
    ``script``  right when a shell script, which is given the password, ends well
    """

    def __init__(self, case: SynchronousTestCase) -> None:
        directory = tempfile.TemporaryDirectory(prefix="gotwist-pam-")
        case.addCleanup(directory.cleanup)
        self.path = Path(directory.name)
        self.write("other", "auth required pam_permit.so", "account required pam_permit.so")

    def write(self, name: str, *lines: str) -> None:
        """Write a service."""
        (self.path / name).write_text("".join(f"{line}\n" for line in lines))

    def write_matrix(self, name: str, users: dict[str, str], *more: str) -> None:
        """Write a service that knows these users and their passwords."""
        passwords = self.path / f"{name}.passwords"
        passwords.write_text("".join(f"{user}:{word}:{name}\n" for user, word in users.items()))
        module = f"{_MATRIX[0]} passdb={passwords}"
        self.write(
            name, f"auth required {module}", f"password required {module}",
            *(more or [f"account required {module}"]),
        )  # fmt: skip

    def write_script(self, name: str, body: str) -> None:
        """Write a service that runs a shell script, with the password on its input."""
        script = self.path / f"{name}.sh"
        script.write_text(f"#!/bin/sh\nread -r password || :\n{body}\n")
        script.chmod(stat.S_IRWXU)
        self.write(
            name,
            f"auth required pam_exec.so quiet expose_authtok {script}",
            "account required pam_permit.so",
        )


class Machine:
    """Accounts of this machine and services of its PAM, removed when the test is over."""

    def __init__(self, case: SynchronousTestCase) -> None:
        self._case = case

    def add_user(self, password: str = PASSWORD) -> str:
        """Make an account with a home."""
        name = f"gwt{secrets.token_hex(4)}"
        run("useradd", "--create-home", "--shell", "/bin/sh", name)
        self._case.addCleanup(run, "userdel", "--remove", name)
        run("chpasswd", input=f"{name}:{password}\n")
        return name

    def add_service(self, *lines: str) -> str:
        """Make a PAM service."""
        name = f"gotwist-test-{secrets.token_hex(4)}"
        path = Path("/etc/pam.d", name)
        self._case.addCleanup(path.unlink, missing_ok=True)
        path.write_text("".join(f"{line}\n" for line in lines))
        return name


def run(*words: str, input: str = "") -> None:
    """Run a program that must succeed; who finds the accounts locked by another tries again."""
    deadline = time.monotonic() + 60
    while True:
        done = subprocess.run(words, input=input.encode(), capture_output=True, timeout=60)
        if done.returncode == 0:
            return
        if b"lock" not in done.stderr or time.monotonic() > deadline:
            raise AssertionError(f"{words[0]} failed: {done.stderr.decode()}")
        time.sleep(0.2)
