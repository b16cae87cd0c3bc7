"""A real key distribution centre on loopback, in a directory of its own, for as long as a test."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from twisted.trial.unittest import SkipTest

from tests.integration.daemon import PATIENCE_S, free_port, until

REALM = "EXAMPLE.TEST"
ELSEWHERE = "ELSEWHERE.TEST"
_PROGRAMS = ("kdb5_util", "kadmin.local", "krb5kdc", "kinit", "kvno")


class Kdc:
    """One KDC with two realms of which one trusts the other, and the tickets of its people."""

    def __init__(self, *, clock_skew_s: int = 60) -> None:
        path = os.environ["PATH"] + ":/usr/sbin:/sbin"
        missing = [name for name in _PROGRAMS if shutil.which(name, path=path) is None]
        if missing:
            raise SkipTest(f"there is no {' and no '.join(missing)} (krb5-kdc, krb5-user)")
        self.home = Path(tempfile.mkdtemp(prefix="kdc-"))
        self.port = free_port()
        self.environment = {
            "PATH": path,
            "HOME": str(self.home),
            "LANG": "C.UTF-8",
            "KRB5_CONFIG": str(self.home / "krb5.conf"),
            "KRB5_KDC_PROFILE": str(self.home / "kdc.conf"),
        }
        self._process: subprocess.Popen[bytes] | None = None
        self._write(clock_skew_s)
        for realm in (REALM, ELSEWHERE):
            self._run("kdb5_util", "-r", realm, "create", "-s", "-P", "x")
        self.add("alice", "bob", "carol/admin", "HTTP/localhost", "host/localhost")
        self.add("mallory", realm=ELSEWHERE)
        for realm in (REALM, ELSEWHERE):
            self._admin(f"addprinc -pw between krbtgt/{REALM}@{ELSEWHERE}", realm)

    def _write(self, clock_skew_s: int) -> None:
        home, port = self.home, self.port
        realms = "".join(
            f"{realm} = {{\n kdc = 127.0.0.1:{port}\n}}\n" for realm in (REALM, ELSEWHERE)
        )
        (home / "krb5.conf").write_text(
            f"[libdefaults]\ndefault_realm = {REALM}\ndns_lookup_kdc = false\n"
            "dns_lookup_realm = false\nrdns = false\ndns_canonicalize_hostname = false\n"
            f"clockskew = {clock_skew_s}\n[realms]\n{realms}"
            f"[domain_realm]\nlocalhost = {REALM}\n"
        )
        databases = "".join(
            f"{realm} = {{\n database_name = {home}/{realm}\n key_stash_file = {home}/{realm}.stash"
            f"\n acl_file = {home}/acl\n}}\n"
            for realm in (REALM, ELSEWHERE)
        )
        (home / "kdc.conf").write_text(
            f"[kdcdefaults]\nkdc_listen = 127.0.0.1:{port}\nkdc_tcp_listen = 127.0.0.1:{port}\n"
            f"[realms]\n{databases}[logging]\nkdc = FILE:{home}/kdc.log\n"
        )

    def _run(self, *words: str, **more: str) -> subprocess.CompletedProcess[bytes]:
        environment = {**self.environment, **more}
        return subprocess.run(
            words, env=environment, check=True, capture_output=True, timeout=PATIENCE_S
        )

    def _admin(self, query: str, realm: str = REALM) -> None:
        self._run("kadmin.local", "-r", realm, "-q", query)

    def add(self, *names: str, realm: str = REALM) -> None:
        """Add people, whose password is their name, and services."""
        for name in names:
            how = "-randkey" if "localhost" in name else f"-pw {name.replace('/', '-')}"
            self._admin(f"addprinc {how} {name}@{realm}", realm)

    def keytab(self, *services: str) -> Path:
        """A file with the keys of services; taking them makes no new ones."""
        path = self.home / f"{'-'.join(services).replace('/', '_')}.keytab"
        for service in services:
            self._admin(f"ktadd -norandkey -k {path} {service}@{REALM}")
        path.chmod(0o600)
        return path

    def new_key(self, service: str) -> None:
        """Give a service another key."""
        self._admin(f"cpw -randkey {service}@{REALM}")

    def start(self) -> Kdc:
        """Start it and wait until it listens."""
        words = ["krb5kdc", "-n"]
        for realm in (REALM, ELSEWHERE):
            words += ["-r", realm]
        self._process = subprocess.Popen(
            words, env=self.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )

        def listens() -> bool:
            with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
                return True
            return False

        until(listens, "the KDC to listen")
        return self

    def ticket(self, name: str, realm: str = REALM, options: Sequence[str] = ()) -> dict[str, str]:
        """Sign in as somebody; the environment in which programs find the ticket."""
        cache = f"FILE:{tempfile.mkdtemp(prefix='cache-', dir=self.home)}/tickets"
        environment = {**self.environment, "KRB5CCNAME": cache}
        subprocess.run(
            ["kinit", *options, f"{name}@{realm}"],
            env=environment,
            input=name.replace("/", "-").encode() + b"\n",
            check=True,
            capture_output=True,
            timeout=PATIENCE_S,
        )
        return environment

    def stop(self) -> None:
        """End it and forget everything."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait(PATIENCE_S)
        shutil.rmtree(self.home, ignore_errors=True)
