"""Opening terminals: as the keeper's own account, or as somebody who has been proven to it."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

from gotwist.applications.terminal.answers import Listed, Message, number_in
from gotwist.applications.terminal.asking import Asking, Descriptors
from gotwist.applications.terminal.keeping import Login


class Opening(Asking):
    """The two requests that make a new terminal."""

    async def open(
        self,
        argv: Sequence[str],
        env: Mapping[str, str],
        cwd: str,
        rows: int,
        columns: int,
        label: str,
    ) -> Listed:
        """Start a program in a new terminal, adopted at once.

        :raises NotFound: when there is no such program; the message names it.
        :raises Unavailable: when there is no room, or no keeper.
        """
        request: Message = {"do": "open", "argv": list(argv), "env": dict(env), "cwd": cwd}
        return await self._opened(request, rows, columns, label)

    async def login(
        self, login: Login, place: Mapping[str, str], rows: int, columns: int, label: str
    ) -> Listed:
        """Start a program as a user of the machine (of a privileged keeper).

        :raises Denied: when the ticket opens nothing (any more).
        :raises NotFound: when the keeper does not know the command.
        :raises Unavailable: when there is no room, or no keeper.
        """
        request: Message = {
            "do": "open",
            "user": login.account,
            "ticket": login.ticket,
            "command": login.command,
            "variables": dict(login.variables),
            "place": dict(place),
        }
        return await self._opened(request, rows, columns, label)

    async def _opened(self, request: Message, rows: int, columns: int, label: str) -> Listed:
        request |= {"rows": rows, "columns": columns, "label": label}
        answer, descriptors = await self._ask(request)
        self._adopted(answer, descriptors)
        now = int(time.time() * 1000)
        number, slot, pid = (number_in(answer, name) for name in ("terminal", "slot", "pid"))
        return Listed(number, slot, pid, label, rows, columns, "", now, None)

    def _adopted(self, answer: Message, descriptors: Descriptors) -> None:
        raise NotImplementedError
