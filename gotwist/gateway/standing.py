"""What the settings say for one user at one place, kept until the settings change."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from gotwist.auth.user import User
from gotwist.gateway.house import Settings

CORE = "gotwist"
#: The core application: without it nobody could even sign out, so nothing switches it off.
ALWAYS = "go"


class Standing:
    """Answers for one client; scopes are matched once for each application and snapshot.

    :param settings: gives the snapshot in force.
    :param user: as seen at the client's address; None: nobody has signed in, and only what
        holds for everybody counts.
    """

    __slots__ = ("_attributes", "_current", "_found", "_groups", "_settings")

    def __init__(self, settings: Callable[[], Settings], user: User | None) -> None:
        self._settings = settings
        self._attributes: Mapping[str, str] | None = None if user is None else user.facts
        self._groups: Sequence[str] = () if user is None else user.groups
        self._current: Settings | None = None
        self._found: dict[str, Mapping[str, object]] = {}

    def of(self, application: str) -> Mapping[str, object]:
        """The settings of an application that are in force for this user."""
        current = self._settings()
        if current is not self._current:
            self._current = current
            self._found = {}
        found = self._found.get(application)
        if found is None:
            found = current.application(application, self._attributes, self._groups)
            self._found[application] = found
        return found

    def max_clients(self, most: int) -> int:
        """How many tabs this user may have open; ``most`` when no settings say."""
        value = self.of(CORE).get("max_websockets_per_user")
        return value if isinstance(value, int) else most

    def may_use(self, application: str) -> bool:
        """Tell whether an application is there for this user.

        Its ``allow`` must be true, which it is when nobody says otherwise, and
        ``enabled_applications`` must hold it, or nothing.
        """
        if application == ALWAYS:
            return True
        enabled = self.of(CORE).get("enabled_applications")
        if isinstance(enabled, tuple) and enabled:
            named = {str(name).lower() for name in enabled}
            if application.lower() not in named:
                return False
        return self.of(application).get("allow", True) is True
