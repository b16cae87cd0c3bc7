"""Actions: what a client may ask for by name, with the form of its argument and who may.

::

    class Resize(msgspec.Struct, forbid_unknown_fields=True):
        rows: Annotated[int, msgspec.Meta(ge=2, le=500)]

    class Terminal(Application):
        @action("terminal:resize", Resize, require=[policies("terminal")])
        def resize(self, argument: Resize) -> None: ...
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol, TypeVar

import msgspec

from gotwist.errors import Denied, Malformed
from gotwist.gateway.clients import Client
from gotwist.gateway.house import House
from gotwist.gateway.messages import JsonValue

Function = TypeVar("Function", bound=Callable[..., object])

_MARK = "_gotwist_action"
_REQUIRE = "_gotwist_require"


class Condition(Protocol):
    """Something that must hold before an action runs."""

    def check(self, client: Client, house: House, action: str, argument: object) -> None:
        """Raise :class:`Denied` when it does not."""


@dataclass(frozen=True)
class Action:
    """One action: its name, the function that does it and what must hold before.

    ``argument_type`` is anything msgspec can check; None: the argument must be ``null``, and
    the function is called without.
    """

    name: str
    function: Callable[..., object]
    argument_type: object = None
    require: tuple[Condition, ...] = ()
    before_authentication: bool = False

    def check(self, client: Client, house: House, value: JsonValue) -> tuple[object, ...]:
        """Give the function's arguments, when the client may and the argument is right.

        :raises Denied: who may not, may not learn either whether the argument was right.
        :raises Malformed: for an argument of the wrong form.
        """
        if not self.before_authentication and client.user is None:
            raise Denied("Please sign in first.")
        if self.argument_type is None:
            if value is not None:
                self._ask(client, house, value)
                raise Malformed("This action takes no argument.")
            self._ask(client, house, None)
            return ()
        try:
            argument: object = msgspec.convert(value, type=self.argument_type, strict=True)
        except msgspec.ValidationError as problem:
            self._ask(client, house, None)
            raise Malformed(f"The argument is not right: {problem}") from None
        self._ask(client, house, argument)
        return (argument,)

    def _ask(self, client: Client, house: House, argument: object) -> None:
        for condition in self.require:
            condition.check(client, house, self.name, argument)


def action(
    name: str,
    argument_type: object = None,
    *,
    require: Iterable[Condition] = (),
    before_authentication: bool = False,
) -> Callable[[Function], Function]:
    """Make a method of an application the action ``name``.

    :param before_authentication: whether it runs for somebody who has not signed in.
    """

    def mark(function: Function) -> Function:
        made = Action(name, function, argument_type, tuple(require), before_authentication)
        setattr(function, _MARK, made)
        return function

    return mark


def require(*conditions: Condition) -> Callable[[Function], Function]:
    """Let an action run only when all ``conditions`` hold; stands above or below ``@action``."""

    def mark(function: Function) -> Function:
        setattr(function, _REQUIRE, (*conditions, *getattr(function, _REQUIRE, ())))
        return function

    return mark


def collect_actions(application: type) -> dict[str, Action]:
    """The actions of a class and of those it derives from, by name.

    :raises ValueError: when two methods claim one name.
    """
    found: dict[str, Action] = {}
    for attribute in dir(application):
        function = getattr(application, attribute, None)
        made = getattr(function, _MARK, None)
        if not isinstance(made, Action):
            continue
        if made.name in found:
            raise ValueError(f"the action {made.name} is there twice")
        conditions = (*getattr(function, _REQUIRE, ()), *made.require)
        found[made.name] = Action(
            made.name, made.function, made.argument_type, conditions, made.before_authentication
        )
    return found


@dataclass(frozen=True)
class _Authenticated:
    def check(self, client: Client, house: House, action: str, argument: object) -> None:
        if client.user is None:
            raise Denied("Please sign in first.")


@dataclass(frozen=True)
class _IsUser:
    upn: str

    def check(self, client: Client, house: House, action: str, argument: object) -> None:
        if client.user is None or client.user.upn != self.upn:
            raise Denied("You may not do this.")


@dataclass(frozen=True)
class _Policies:
    application: str

    def check(self, client: Client, house: House, action: str, argument: object) -> None:
        policy = house.policies.get(self.application)
        if policy is None:
            # An action that waits for a policy is closed until there is one, not open.
            raise Denied("You may not do this.")
        policy(client, action, argument)


def authenticated() -> Condition:
    """The client has signed in (true for every action anyway, unless it says otherwise)."""
    return _Authenticated()


def is_user(upn: str) -> Condition:
    """The client is this user."""
    return _IsUser(upn)


def policies(application: str) -> Condition:
    """The policy that ``application`` has registered with the house has no objection."""
    return _Policies(application)
