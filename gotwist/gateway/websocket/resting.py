"""An idle connection at rest: what Autobahn keeps in each, kept once for all.

Between two messages, nearly all of the sixty attributes that Autobahn gives a connection have
the same value in every one.  As attributes of the class they are there, and cost nothing; when
Autobahn sets one again, it has its own again, until the next rest.  An attribute that is not
named here stays where it is, so another release of Autobahn costs memory at worst.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from types import MappingProxyType
from typing import Any

import autobahn.websocket.protocol
from autobahn.websocket.protocol import TrafficStats, WebSocketServerProtocol
from twisted.internet.defer import Deferred

from gotwist.gateway.websocket.shortcuts import has_queue, is_between_messages

_OPEN = WebSocketServerProtocol.STATE_OPEN
_NOTHING = object()


class _Made:
    """An attribute made whenever it is asked for, in an instance that has none of its own."""

    def __init__(self, make: Callable[[Any], object]) -> None:
        self._make = make

    def __get__(self, instance: object, owner: type | None = None) -> object:
        return self if instance is None else self._make(instance)


# What an open connection has between messages; one that differs keeps what is its own.
_STATE: dict[str, object] = {
    "autoPingPending": None,
    "autoPingPendingCall": None,
    "autoPingPendingSent": None,
    "autoPingTimeoutCall": None,
    "closeHandshakeTimeoutCall": None,
    "closedByMe": False,
    "connected": 1,
    "control_frame_data": None,
    "current_frame": None,
    "data": b"",
    "droppedByMe": False,
    "failedByMe": False,
    "frame_data": None,
    "inside_message": False,
    "localCloseCode": None,
    "localCloseReason": None,
    "message_data": None,
    "openHandshakeTimeoutCall": None,
    "_perMessageCompress": None,
    "remoteCloseCode": None,
    "remoteCloseReason": None,
    "send_state": WebSocketServerProtocol.SEND_STATE_GROUND,
    "trackedTimings": None,
    "triggered": False,
    "wasClean": False,
    "wasCloseHandshakeTimeout": False,
    "wasMaxFramePayloadSizeExceeded": False,
    "wasMaxMessagePayloadSizeExceeded": False,
    "wasNotCleanReason": None,
    "wasOpenHandshakeTimeout": False,
    "wasServerConnectionDropTimeout": False,
    "wasServingFlashSocketPolicyFile": False,
}

# What is of no use any more, or made anew before it is used, whatever it is.
_SPENT: dict[str, object] = {
    "_is_judged": False,
    "_isMessageCompressed": False,
    "_results": MappingProxyType({}),
    "_transport_details": None,
    "_valid_events": ("message",),
    "_wskey": "",
    "autoPingPendingSeq": 0,
    "current_frame_masker": None,
    "frame_length": 0,
    "http_headers": MappingProxyType({}),
    "http_request_data": b"",
    "http_request_host": "",
    "http_request_params": MappingProxyType({}),
    "http_request_path": "",
    "http_request_uri": "",
    "http_response_data": "",
    "http_status_line": "",
    # Nobody waits for these two, but Autobahn fires them.
    "is_closed": _Made(lambda protocol: Deferred()),
    "is_open": _Made(lambda protocol: Deferred()),
    "maxConnections": _Made(lambda protocol: protocol.factory.maxConnections),
    "message_data_total_length": 0,
    "message_is_binary": False,
    "peer": _Made(lambda protocol: protocol.peer_info.address),
    "send_queue": (),
    # Counters that nobody reads.
    "trafficStats": TrafficStats(),
    "utf8validateIncomingCurrentMessage": False,
    "utf8validateLast": (True, True, 0, 0),
    "websocket_extensions": (),
    "websocket_extensions_in_use": (),
    "websocket_origin": "",
    "websocket_protocol_in_use": None,
    "websocket_protocols": (),
    "websocket_version": 13,
}

# Made by the first fragment of text; where Autobahn calls it otherwise, each keeps its own.
if hasattr(autobahn.websocket.protocol, "Utf8Validator"):
    _validator = cached_property(
        lambda protocol: vars(autobahn.websocket.protocol)["Utf8Validator"]()
    )
    _validator.__set_name__(WebSocketServerProtocol, "utf8validator")
    _SPENT["utf8validator"] = _validator


def can_rest(protocol: type[WebSocketServerProtocol]) -> type[WebSocketServerProtocol]:
    """Give a class of protocols the attributes that its instances have at rest."""
    for name, value in (_STATE | _SPENT).items():
        setattr(protocol, name, value)
    return protocol


def rest(protocol: WebSocketServerProtocol) -> None:
    """Let an open connection between messages keep only what is its own."""
    if protocol.state != _OPEN or not is_between_messages(protocol) or has_queue(protocol):
        return
    shared = type(protocol)
    own = {
        name: value
        for name, value in vars(protocol).items()
        if name not in _SPENT and value is not getattr(shared, name, _NOTHING)
    }
    # A dictionary never shrinks: without any there is no room left over.
    del protocol.__dict__
    if own:
        protocol.__dict__ = own
