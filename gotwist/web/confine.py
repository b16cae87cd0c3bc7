"""Opens one file below a directory, and nothing else, whatever the name says.

Names are walked component by component from the directory's own descriptor, no link is
followed on the way, and what was opened is looked at before it is used; comparing path strings
cannot do that.  Blocking: for a thread or for start-up.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from gotwist.errors import Denied, NotFound

MAX_COMPONENT: Final = 255
_DIRECTORY: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY


def is_plain_component(name: str) -> bool:
    """Tell whether a name may be one step of a path."""
    return (
        0 < len(name.encode("utf-8", "surrogatepass")) <= MAX_COMPONENT
        and name not in (".", "..")
        and "/" not in name
        and "\\" not in name
        and name.isprintable()
    )


def open_confined(root: Path, components: Sequence[str]) -> int:
    """Open a regular file below ``root`` for reading; the caller owns the descriptor.

    :raises NotFound: when there is no such file, or the name cannot be one.
    :raises Denied: when it is a link, a directory, a FIFO, a device, or may not be read.
    """
    if not components or not all(map(is_plain_component, components)):
        raise NotFound("There is no such file.")
    try:
        where = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise _refusal(error) from None
    try:
        for component in components[:-1]:
            deeper = os.open(component, _DIRECTORY, dir_fd=where)
            os.close(where)
            where = deeper
        # Non-blocking: opening a FIFO would otherwise wait until somebody writes.
        opened = os.open(components[-1], _FILE, dir_fd=where)
    except OSError as error:
        raise _refusal(error) from None
    finally:
        os.close(where)
    if not stat.S_ISREG(os.fstat(opened).st_mode):
        os.close(opened)
        raise Denied("This is not a file.")
    return opened


def _refusal(error: OSError) -> Denied | NotFound:
    if error.errno in (errno.ENOENT, errno.ENAMETOOLONG):
        return NotFound("There is no such file.")
    return Denied("This file cannot be had.")
