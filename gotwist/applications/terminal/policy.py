"""The policy of terminals: whether a user has them at all, and how large they may be."""

from __future__ import annotations

from collections.abc import Mapping

from gotwist.applications.terminal.terminal import clamp_size
from gotwist.errors import Denied
from gotwist.gateway.clients import Client

NAME = "terminal"


def terminal_policy(client: Client, action: str, argument: object) -> None:
    """See :data:`gotwist.gateway.house.Policy`.

    How many terminals a user may have is asked where they are counted (:meth:`Hub.open`), and
    which commands where they are chosen; both with the settings of this user at this moment.
    """
    if not client.may_use(NAME):
        raise Denied("You may not use terminals here.")


def largest(settings: Mapping[str, object], rows: int, columns: int) -> tuple[int, int]:
    """Bring a size within what terminals may have, and within ``max_dimensions``."""
    rows, columns = clamp_size(rows, columns)
    most = settings.get("max_dimensions")
    if not isinstance(most, Mapping):
        return rows, columns
    return _at_most(rows, most.get("rows")), _at_most(columns, most.get("columns"))


def _at_most(wanted: int, most: object) -> int:
    return min(wanted, most) if isinstance(most, int) else wanted
