"""Starts one of the keeper's small programs: ``python -I -S helper.py check`` or ``login``.

Apart from them, so that they are modules, compiled once and not at each start.
"""

from __future__ import annotations

import os
import sys

if __name__ == "__main__" and not __package__:
    # Last: among installed packages nothing may take the place of the standard library.
    sys.path.append(os.path.abspath(__file__).rsplit(os.sep, 3)[0])


def main(arguments: list[str]) -> int:
    """Run the program of that name."""
    if arguments == ["check"]:
        from gotwist.keeper.check import main as check

        return check()
    if arguments == ["login"]:
        from gotwist.keeper.login import main as login

        return login()
    raise SystemExit("helper: check or login?")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
