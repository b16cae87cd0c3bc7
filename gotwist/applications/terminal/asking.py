"""The keeper's plain requests: one question, one answer, nothing remembered."""

from __future__ import annotations

from gotwist.applications.terminal.answers import (
    Begin,
    Listed,
    Message,
    number_in,
    parse_begin,
    parse_listed,
)

# The class below has a method named list.
Descriptors = list[int]
Listing = list[Listed]


class Asking:
    """What can be asked of a keeper by whoever knows how to ask."""

    async def _ask(self, request: Message) -> tuple[Message, Descriptors]:
        raise NotImplementedError

    async def list(self) -> tuple[Listed, ...]:
        """List all terminals of the keeper, other daemons' too, oldest first."""
        found: Listing = []
        more: object = True
        while more is True:
            after = found[-1].terminal if found else 0
            answer, _ = await self._ask({"do": "list", "after": after})
            items = answer.get("terminals")
            if not isinstance(items, list):
                break
            found += [parse_listed(item) for item in items]
            more = answer.get("more")
        return tuple(found)

    async def attach(self, terminal: int, have: int | None) -> Begin:
        """Ask where a viewer begins that has drawn up to ``have`` (``None``: nothing).

        Until the next ``need`` the keeper waits for this viewer, so what it begins with stays
        readable.
        """
        answer, _ = await self._ask({"do": "attach", "terminal": terminal, "have": have})
        return parse_begin(answer)

    async def resize(self, terminal: int, rows: int, columns: int) -> int:
        """Resize; give the output offset from which the size holds."""
        request: Message = {"do": "resize", "terminal": terminal, "rows": rows}
        answer, _ = await self._ask({**request, "columns": columns})
        return number_in(answer, "offset")

    async def redraw(self, terminal: int) -> None:
        """Have the program paint its screen anew."""
        await self._ask({"do": "redraw", "terminal": terminal})

    async def label(self, terminal: int, label: str) -> None:
        """Leave a note (at most 2,048 characters) with a terminal, for a later daemon."""
        await self._ask({"do": "label", "terminal": terminal, "label": label})

    async def signal(self, terminal: int, signal: int) -> None:
        """Signal what runs in the foreground."""
        await self._ask({"do": "signal", "terminal": terminal, "signal": signal})

    async def close(self, terminal: int) -> None:
        """Hang up and forget a terminal; ``on_gone`` tells when nothing is left of it."""
        await self._ask({"do": "close", "terminal": terminal})
