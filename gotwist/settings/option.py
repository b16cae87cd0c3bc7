"""One option: its name, kind, default, help, and where it may be set."""

from __future__ import annotations

from dataclasses import dataclass, fields

from gotwist.paths import Places
from gotwist.settings.kinds import Kind, Path
from gotwist.settings.values import JSON, Value

#: The generated settings files.
SERVER = "10server.conf"
AUTHENTICATION = "20authentication.conf"
TERMINAL = "50terminal.conf"


@dataclass(frozen=True)
class Option:
    """One line of the table.

    ``default`` is written as a settings file would say it; None means not set.  The default
    of a path may name a place: ``{ssl_dir}/certificate.pem``.
    """

    name: str
    kind: Kind
    default: JSON
    help: str
    section: str
    application: str = "gotwist"
    #: The generated settings file that shows this option, if any.
    file: str | None = None
    command_line: bool = True
    in_files: bool = True
    #: May be set differently for some users (scopes other than ``*``).
    per_user: bool = False
    #: A change takes effect at the next start only.
    restart: bool = False
    #: The value appears in no output, and a file that holds it is not for others to read.
    secret: bool = False

    def default_value(self, places: Places) -> Value:
        """The default as a value, with ``places`` filled in."""
        if self.default is None:
            return None
        if isinstance(self.kind, Path) and isinstance(self.default, str):
            known = {place.name: str(getattr(places, place.name)) for place in fields(places)}
            return self.kind.from_text(self.default.format_map(known))
        return self.kind.from_json(self.default)
