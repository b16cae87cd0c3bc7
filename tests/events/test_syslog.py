"""Tests of the system log as a place for lines, with a stand-in for the system's logger."""

from __future__ import annotations

import os
import socket
import syslog

from twisted.trial.unittest import SynchronousTestCase

from gotwist.events.audit import render_event
from gotwist.events.syslog import FACILITIES, SystemLog

PLACE = "/dev/log"


class SystemLogTests(SynchronousTestCase):
    def setUp(self) -> None:
        if os.path.exists(PLACE):
            self.skipTest("this machine has a logger of its own, which is left alone")
        if os.geteuid() != 0:
            self.skipTest("only root can stand in for the system's logger")
        self.logger = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(self.logger.close)
        self.logger.bind(PLACE)
        self.addCleanup(os.unlink, PLACE)
        self.logger.settimeout(20)

    def test_lines(self) -> None:
        """Each line arrives whole, under the name of the daemon and the facility chosen; what
        looks like a format is none."""
        log = SystemLog("local3")
        self.addCleanup(log.close)
        long = {"user": "%s%n" + "\u202e" * 1000, "address": "192.0.2.7"}
        lines = [render_event("signed_in", long, 0, 1), render_event("daemon_stopped", {}, 0, 2)]
        log.write(lines)
        for line in lines:
            arrived = self.logger.recv(65_536).decode().rstrip("\n\0")
            self.assertTrue(arrived.startswith(f"<{syslog.LOG_LOCAL3 | syslog.LOG_INFO}>"), arrived)
            self.assertIn(f"gotwist[{os.getpid()}]: ", arrived)
            self.assertTrue(arrived.endswith(line.decode().rstrip("\n")), arrived)
        self.assertEqual(FACILITIES["local3"], syslog.LOG_LOCAL3)

    def test_nobody_listens(self) -> None:
        """A logger that has gone costs the lines, and nobody waits."""
        log = SystemLog("auth")
        self.addCleanup(log.close)
        self.logger.close()
        log.write([render_event("daemon_stopped", {}, 0, 1)])
