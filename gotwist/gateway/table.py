"""The table of actions: which application does what, over all that are installed."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from gotwist.gateway.actions import Action
from gotwist.gateway.application import Application
from gotwist.gateway.house import House


class ActionTable:
    """All actions of all applications, by name."""

    def __init__(self, applications: Iterable[type[Application]]) -> None:
        self.applications: tuple[type[Application], ...] = tuple(applications)
        self._actions: dict[str, tuple[type[Application], Action]] = {}
        for application in self.applications:
            for name, action in application.actions.items():
                if name in self._actions:
                    other = self._actions[name][0].name
                    raise ValueError(f"{application.name} and {other} both have {name}")
                self._actions[name] = (application, action)

    def find(self, name: str) -> tuple[type[Application], Action] | None:
        """The application and the action of this name."""
        return self._actions.get(name)

    def refusal(self, name: str, *, hint: bool) -> str:
        """What to say about a name that nobody knows.

        :param hint: whether to name the nearest action there is; a stranger is told nothing.
        """
        shown = name[:64]
        near = difflib.get_close_matches(shown, self._actions, 1) if hint else []
        return f"There is no action {shown!r}" + (f"; did you mean {near[0]!r}?" if near else ".")


def make_all_shared(
    applications: Iterable[type[Application]], house: House
) -> tuple[type[Application], ...]:
    """Let each application make what its clients share, and give those that could.

    One that fails is named in the log and left out; the others run.
    """
    ready: list[type[Application]] = []
    taken: dict[str, str] = {}
    for application in applications:
        try:
            for name in application.actions:
                if name in taken:
                    raise ValueError(f"{name} is an action of {taken[name]} already")
            house.shared[application.name] = application.make_shared(house)
        except Exception as failure:
            house.log.failure("application skipped", failure, application=application.name)
        else:
            ready.append(application)
            taken |= dict.fromkeys(application.actions, application.name)
    return tuple(ready)
