"""A daemon built, but not started, below a temporary directory."""

from __future__ import annotations

import io
import os
import queue
import sys
import tempfile
from collections.abc import Callable
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any, TypeVar

from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.testing import MemoryReactorClock
from twisted.trial.unittest import SynchronousTestCase

from gotwist.tap import Options, makeService
from gotwist.tap.daemon import Daemon

S = TypeVar("S", bound=Service)
PATIENCE_S = 30


class MemoryReactor(MemoryReactorClock):
    """A reactor in memory that hears of threads when it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.from_threads: queue.Queue[Callable[[], object]] = queue.Queue()

    def callFromThread(self, function: Callable[..., object], *args: Any, **more: Any) -> None:
        self.from_threads.put(lambda: function(*args, **more))

    def run_until(self, done: Deferred[Any]) -> None:
        """Let threads report until something has come to its end."""
        while not done.called or done.paused:
            self.from_threads.get(timeout=PATIENCE_S)()


class HomeTestCase(SynchronousTestCase):
    """Everything lies below ``GOTWIST_HOME``, whoever runs the tests."""

    def setUp(self) -> None:
        directory = tempfile.TemporaryDirectory(prefix="gotwist-")
        self.addCleanup(directory.cleanup)
        self.home = Path(directory.name) / "home"
        self.set_variable("GOTWIST_HOME", str(self.home))
        self.set_variable("JOURNAL_STREAM", None)
        self.reactor = MemoryReactor()

    def set_variable(self, name: str, text: str | None) -> None:
        """Set or remove an environment variable for as long as the test runs."""
        before = os.environ.get(name)

        def put(value: str | None) -> None:
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value

        put(text)
        self.addCleanup(put, before)

    def build(self, *words: str) -> Daemon:
        """Build what ``twistd gotwist`` with these options would start."""
        options = Options()
        options.parseOptions(["--port=0", *words])
        daemon = makeService(options, self.reactor)
        assert isinstance(daemon, Daemon)
        return daemon

    def refuse(self, *words: str) -> str:
        """Build with options that are refused; answers the sentence."""
        with self.assertRaises(SystemExit) as refused:
            self.build(*words)
        sentence = refused.exception.code
        assert isinstance(sentence, str)
        self.assertTrue(sentence.startswith("gotwist: "), sentence)
        self.assertNotIn("Traceback", sentence)
        return sentence

    def settings(self, text: str) -> None:
        """Write a settings file beside those that are there."""
        directory = self.home / "conf.d"
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = directory / "99test.conf"
        path.write_text(text)
        path.chmod(0o600)


def service_of(daemon: Daemon, kind: type[S]) -> S:
    """The one service of a daemon that is of this kind."""
    (found,) = (service for service in daemon.services if isinstance(service, kind))
    return found


def printed(function: Callable[[], object]) -> str:
    """What a function writes to ``sys.stdout``."""
    with redirect_stdout(io.StringIO()) as out:
        function()
    return out.getvalue()


def with_real_stdout(function: Callable[[], object]) -> str:
    """What a function writes to the stdout the process was started with."""
    before, out = sys.__stdout__, io.StringIO()
    # Through setattr: the name is declared as final, so that nobody does this in earnest.
    setattr(sys, "__stdout__", out)  # noqa: B010
    try:
        function()
    finally:
        setattr(sys, "__stdout__", before)  # noqa: B010
    return out.getvalue()
