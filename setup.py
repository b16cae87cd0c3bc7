"""Adds the browser files to setuptools' build; all other metadata is in pyproject.toml."""

import sys
from pathlib import Path

from setuptools import setup

sys.path.insert(0, str(Path(__file__).parent / "build_tools"))

from build_web import BuildWeb, BuildWithWeb

setup(cmdclass={"build": BuildWithWeb, "build_web": BuildWeb})
