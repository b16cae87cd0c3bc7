"""The build backend: setuptools' own, which also asks for Node where the machine has none."""

from __future__ import annotations

import os
from collections.abc import Mapping

from npm import REQUIREMENT, find_system_npm
from setuptools import build_meta
from setuptools.build_meta import (
    build_editable,
    build_sdist,
    build_wheel,
    get_requires_for_build_sdist,
    prepare_metadata_for_build_editable,
    prepare_metadata_for_build_wheel,
)

__all__ = [
    "build_editable",
    "build_sdist",
    "build_wheel",
    "get_requires_for_build_editable",
    "get_requires_for_build_sdist",
    "get_requires_for_build_wheel",
    "prepare_metadata_for_build_editable",
    "prepare_metadata_for_build_wheel",
]

Settings = Mapping[str, str | list[str] | None] | None


def _node() -> list[str]:
    if os.environ.get("GOTWIST_NO_WEB") == "1" or find_system_npm() is not None:
        return []
    return [REQUIREMENT]


def get_requires_for_build_wheel(config_settings: Settings = None) -> list[str]:
    """What building a wheel needs beside the fixed requirements."""
    return [*build_meta.get_requires_for_build_wheel(config_settings), *_node()]


def get_requires_for_build_editable(config_settings: Settings = None) -> list[str]:
    """What an editable install needs beside the fixed requirements."""
    return [*build_meta.get_requires_for_build_editable(config_settings), *_node()]
