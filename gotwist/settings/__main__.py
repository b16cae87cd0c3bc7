"""Prints the reference page of all options: ``python -m gotwist.settings``."""

from __future__ import annotations

import sys

from gotwist.settings.reference import render_reference
from gotwist.settings.table import TABLE

if __name__ == "__main__":
    sys.stdout.write(render_reference(TABLE))
