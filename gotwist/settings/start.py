"""Settings at the start of the daemon: read, or written first when there are none.  Blocks."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

from gotwist.paths import Places, make_private_directory
from gotwist.settings.disk import (
    Fingerprint,
    fingerprint_of,
    read_settings_files,
    write_new_files,
)
from gotwist.settings.generate import COOKIE_SECRET, cookie_secret_file, generated_files
from gotwist.settings.snapshot import Makings
from gotwist.settings.source import SettingsSource
from gotwist.settings.table import TABLE, Table
from gotwist.settings.values import Value


@dataclass(frozen=True)
class OpenedSettings:
    """The settings of a daemon that starts, and where they come from."""

    source: SettingsSource
    directory: str
    #: The files as they were before they were read.
    fingerprint: Fingerprint
    #: Files written by this start.
    written: tuple[str, ...]


def open_settings(
    overrides: Mapping[str, Value], places: Places, table: Table = TABLE
) -> OpenedSettings:
    """Read the settings directory; write default files, and a cookie secret, where missing.

    The command line's options go into the files of a first start and are in force anyway.
    They are checked first: a refused start writes nothing.

    :raises SettingsError: the settings cannot be used.
    :raises Unavailable: the directory or a file cannot be read or written.
    """
    makings = Makings(table, places, overrides)
    chosen = overrides.get("settings_dir")
    directory = chosen if isinstance(chosen, str) else places.settings_dir
    seen = fingerprint_of(directory)
    files = read_settings_files(directory)
    source = SettingsSource(files, makings)
    missing = {} if files else generated_files(makings)
    if source.current["cookie_secret"] is None:
        missing[COOKIE_SECRET] = cookie_secret_file()
    if not missing:
        return OpenedSettings(source, directory, seen, ())
    if not os.path.isdir(directory):
        make_private_directory(directory)
    written = write_new_files(directory, missing)
    seen = fingerprint_of(directory)
    source = SettingsSource(read_settings_files(directory), makings)
    return OpenedSettings(source, directory, seen, written)
