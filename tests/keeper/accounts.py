"""Real accounts and PAM services, made by a test and removed by it; for root only."""

from __future__ import annotations

import json
import os
import pwd
import secrets
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from twisted.trial.unittest import SkipTest, SynchronousTestCase

PASSWORD = "Right-horse7"
#: No account has these: whoever runs as the daemon in a test.
DAEMON_UID = 64_123
DAEMON_GID = 64_124


def need_root() -> None:
    """Skip a test that makes accounts, where that is impossible."""
    if os.geteuid() != 0:
        raise SkipTest("only root can make accounts and start a privileged keeper")
    if not shutil.which("useradd"):
        raise SkipTest("there is no useradd")


@contextmanager
def as_user(uid: int, gid: int) -> Iterator[None]:
    """Do something with the effective rights of another account."""
    before = os.getgroups()
    os.setgroups([gid])
    os.setegid(gid)
    os.seteuid(uid)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(0)
        os.setgroups(before)


def add_user(
    test: SynchronousTestCase, *options: str, password: str = PASSWORD
) -> pwd.struct_passwd:
    """Make an account that ends with the test."""
    name = f"gwt{secrets.token_hex(3)}"
    run("useradd", *(options or ("-m", "-s", "/bin/sh")), name)
    test.addCleanup(remove_user, name)
    run("chpasswd", given=f"{name}:{password}\n")
    return pwd.getpwnam(name)


def remove_user(name: str) -> None:
    """Remove an account, with what a failed test has left running."""
    for pid in run("ps", "-o", "pid=", "-u", name, check=False).split():
        with suppress(OSError):
            os.kill(int(pid), signal.SIGKILL)
    run("userdel", "-rf", name, check=False)
    # It leaves a home whose account a test has changed.
    shutil.rmtree(f"/home/{name}", ignore_errors=True)


def add_service(test: SynchronousTestCase, *lines: str) -> str:
    """Make a PAM service that ends with the test."""
    name = f"gotwist-test-{secrets.token_hex(4)}"
    path = Path("/etc/pam.d") / name
    path.write_text("".join(f"{line}\n" for line in lines))
    test.addCleanup(path.unlink, missing_ok=True)
    return name


def unix_service(test: SynchronousTestCase, *session: str) -> str:
    """A service of ordinary accounts and passwords, with these session lines."""
    return add_service(
        test,
        "auth required pam_unix.so",
        "account required pam_unix.so",
        "password required pam_unix.so yescrypt",
        *session,
    )


def public_directory(test: SynchronousTestCase) -> Path:
    """A directory that other accounts can reach."""
    path = Path(tempfile.mkdtemp(prefix="gotwist-priv-"))
    test.addCleanup(shutil.rmtree, path, True)
    path.chmod(0o711)
    return path


def write_rules(path: Path, **changes: object) -> None:
    """Write a keeper's rules."""
    rules: dict[str, object] = {
        "services": {"login": "none"},
        "session": "none",
        "commands": {
            "shell": ["%SHELL%"],
            "cat": ["cat"],
            "nothing": ["/no/such/program"],
            "words": ["printf", "<%s>", "%USER%", "%TIME%", "%NOBODY%"],
        },
        "environment": {"TERM": "xterm-test"},
        "ticket_s": 600,
        "trusted": [],
        "trusted_min_uid": 1000,
    }
    fresh = path.with_suffix(".new")
    fresh.write_text(json.dumps({**rules, **changes}))
    fresh.chmod(0o600)
    fresh.replace(path)


def run(*argv: str, given: str = "", check: bool = True) -> str:
    """Run a program to its end."""
    done = subprocess.run(argv, input=given, capture_output=True, text=True, check=False)
    if check and done.returncode:
        raise AssertionError(f"{argv}: {done.stderr}")
    return done.stdout
