"""A shorter way from the reactor's poll to a descriptor: without the legacy log's context.

For each event Twisted copies a dictionary and enters a context, so that the legacy ``log.msg``
knows its "system".  Nothing here logs that way, and for a key and its echo it is a good part of
the daemon's work.  What is kept is what matters: a descriptor that raises is logged, and the
others go on.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet import epollreactor
from twisted.logger import Logger
from twisted.python import log as legacy

_log = Logger()
#: Untyped, since what is replaced is no public name of that module.
_loop: Any = epollreactor


def call(logger: object, function: Callable[..., object], *arguments: object) -> object:
    """Call a descriptor; what :func:`twisted.python.log.callWithLogger` does otherwise."""
    try:
        return function(*arguments)
    except KeyboardInterrupt:
        raise
    except BaseException:
        _log.failure("an event of {descriptor!r} failed", descriptor=logger)
        return None


class _DirectCalls:
    """Stands for the module :mod:`twisted.python.log` in the reactor's loop."""

    callWithLogger = staticmethod(call)

    def __getattr__(self, name: str) -> Any:
        return getattr(legacy, name)


def shorten_events() -> bool:
    """Let the epoll reactor call descriptors directly.

    :returns: whether Twisted still has what is replaced here; otherwise all stays as it is
    """
    found = getattr(_loop, "log", None)
    if found is legacy:
        _loop.log = _DirectCalls()
    return found is legacy or isinstance(found, _DirectCalls)
