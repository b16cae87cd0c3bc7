"""The shortcuts past Twisted and Autobahn, and all their private names that we use.

Each has a way back: when a release renames what is used here, the ordinary, slower way is
taken, and a test fails to say so.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Protocol

import autobahn.websocket.protocol
from twisted.internet import tcp
from twisted.internet.interfaces import ITransport

from gotwist.gateway.clients import Buffer


class Writes(Protocol):
    """The one thing that every transport can do."""

    def write(self, data: bytes) -> object: ...


def is_direct(transport: ITransport) -> bool:
    """Whether bytes written to the transport's own socket are what the peer reads.

    Asked of the class, not by attributes: a TLS transport hands requests for unknown
    attributes on to the socket below it, and would so let plain text out.
    """
    return isinstance(transport, tcp.Connection) and not getattr(transport, "TLS", True)


def slim_transport(transport: object) -> None:
    """Give a TCP transport the texts that all can share: a tenth of an idle connection."""
    # Not by vars(): asking for the dictionary of a small object makes one.
    for name in ("logstr", "repstr"):
        if hasattr(transport, name):
            setattr(transport, name, "<WebSocket>")
    client = getattr(transport, "client", None)
    if isinstance(client, tuple) and client and isinstance(client[0], str):
        # Many connections come from one address.
        host = sys.intern(client[0])
        transport.client = (host, *client[1:])  # type: ignore[attr-defined]
        if getattr(transport, "hostname", None) == host:
            transport.hostname = host  # type: ignore[attr-defined]


def write_now(transport: Writes, buffers: Sequence[Buffer]) -> None:
    """Write at once what the socket takes, when nothing waits; leave a copy of the rest.

    Saves a turn of the reactor and two changes of its list.  The buffers may be views of
    memory that changes afterwards.

    :param transport: one for which :func:`is_direct` holds.
    """
    try:
        if (
            transport._tempDataBuffer  # type: ignore[attr-defined]  # private, see above
            or len(transport.dataBuffer) != transport.offset  # type: ignore[attr-defined]
            or transport.disconnecting  # type: ignore[attr-defined]
            or not transport.connected  # type: ignore[attr-defined]
        ):
            transport.write(b"".join(buffers))
            return
        sendmsg = transport.socket.sendmsg  # type: ignore[attr-defined]
    except AttributeError:
        transport.write(b"".join(buffers))
        return
    try:
        sent = sendmsg(buffers)
    except OSError:
        # Full, or broken: the transport finds out which when it tries itself.
        sent = 0
    for index, buffer in enumerate(buffers):
        if sent < len(buffer):
            rest = [memoryview(buffer)[sent:], *buffers[index + 1 :]]
            transport.write(b"".join(rest))
            return
        sent -= len(buffer)


def is_between_messages(protocol: object) -> bool:
    """Whether an open Autobahn protocol holds no part of a frame or of a message."""
    try:
        return (
            not protocol.data  # type: ignore[attr-defined]  # private, see above
            and protocol.current_frame is None  # type: ignore[attr-defined]
            and not protocol.inside_message  # type: ignore[attr-defined]
        )
    except AttributeError:
        return False


def has_queue(protocol: object) -> bool:
    """Whether Autobahn itself still has something to write, which must not be overtaken."""
    return bool(getattr(protocol, "send_queue", True))


def silence_option_dump() -> bool:
    """Keep Autobahn from rendering all its options for each connection, for a debug line.

    That costs half of the time of accepting a connection, and is done whether or not the line
    is logged.  Nothing else on the server's side uses the function that is replaced.

    :returns: whether there was something to replace.
    """
    module = autobahn.websocket.protocol
    if not hasattr(module, "pformat"):
        return False
    module.pformat = _render_nothing
    return True


def _render_nothing(value: object) -> str:
    return ""
