"""What the tests of the settings share."""

from __future__ import annotations

from collections.abc import Mapping

from gotwist.paths import Places, default_places
from gotwist.settings.load import SettingsFile
from gotwist.settings.snapshot import Makings
from gotwist.settings.table import TABLE
from gotwist.settings.values import Value

PLACES: Places = default_places(is_root=False, home="/home/alice")


def makings(overrides: Mapping[str, Value] | None = None) -> Makings:
    return Makings(TABLE, PLACES, overrides or {})


def files(*texts: str) -> tuple[SettingsFile, ...]:
    """Settings files 1.conf, 2.conf, ... with these texts."""
    return tuple(SettingsFile(f"{n}.conf", text) for n, text in enumerate(texts, 1))
