"""The guard of a terminal: the program above its program, where there is one."""

from __future__ import annotations


class Guard:
    """What a terminal must know of the program above it (of a privileged keeper)."""

    #: How the terminal's program has ended, once it has.
    how: tuple[int | None, int | None] | None = None

    def over(self) -> None:
        """Tell that nothing of the session is left."""
        raise NotImplementedError
