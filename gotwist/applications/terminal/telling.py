"""What a viewer is told of its terminal."""

from __future__ import annotations

from gotwist.applications.terminal.keeping import Beginning
from gotwist.applications.terminal.terminal import Terminal
from gotwist.applications.terminal.viewer import Viewer
from gotwist.gateway import frames


def tell_beginning(terminal: Terminal, viewer: Viewer, epoch: int, beginning: Beginning) -> None:
    """Send ``terminal:attached`` and, when the state must be restored, RESTORE frames."""
    viewer.port.send(
        "terminal:attached",
        {
            "term": viewer.number,
            "epoch": str(epoch),
            "reset": beginning.reset,
            "offset": beginning.offset,
            "live": beginning.live,
            "rows": beginning.rows,
            "columns": beginning.columns,
            "resizes": beginning.resizes,
            "input": viewer.applied,
            "title": terminal.title,
            "command": terminal.label.command,
            "viewers": len(terminal.viewers),
            "answers": viewer is terminal.viewers[0],
        },
    )
    header = frames.pack_header(frames.Kind.RESTORE, viewer.number, beginning.offset)
    for start in range(0, len(beginning.restore), frames.MAX_OUTPUT):
        viewer.port.send_frame(header, beginning.restore[start : start + frames.MAX_OUTPUT])


def told(terminal: Terminal) -> dict[str, str | int]:
    """What the audit stream is told of a terminal: where it is and what runs, not its words."""
    label = terminal.label
    return {
        "terminal": terminal.id,
        "number": label.term,
        "location": label.location,
        "command": label.command,
    }


def tell_moved(terminal: Terminal, location: str) -> None:
    """Say that the terminal has another number or place now; its viewers must attach anew."""
    viewers, terminal.viewers = terminal.viewers, ()
    for viewer in viewers:
        viewer.port.send("terminal:term_moved", {"term": viewer.number, "location": location})


def tell_answers(terminal: Terminal) -> None:
    """Name the one viewer whose terminal emulator answers queries: the first."""
    if terminal.viewers:
        first = terminal.viewers[0]
        first.port.send("terminal:answers", {"term": first.number, "answers": True})


def tell_size(terminal: Terminal, offset: int) -> None:
    """Send the terminal's size, which holds from ``offset`` on."""
    for viewer in terminal.viewers:
        if not viewer.is_syncing:
            viewer.port.send(
                "terminal:resize",
                {
                    "term": viewer.number,
                    "rows": terminal.rows,
                    "columns": terminal.columns,
                    "offset": offset,
                },
            )


def tell_title(terminal: Terminal) -> None:
    """Send the title."""
    for viewer in terminal.viewers:
        viewer.port.send("terminal:set_title", {"term": viewer.number, "title": terminal.title})


def tell_exit(terminal: Terminal) -> None:
    """Send how the program ended to viewers that have been sent all of its output."""
    ended = terminal.exited
    if ended is None:
        return
    for viewer in terminal.viewers:
        if viewer.sent >= ended.offset and not viewer.is_syncing and not viewer.told_exit:
            viewer.told_exit = True
            viewer.port.send(
                "terminal:term_exited",
                {
                    "term": viewer.number,
                    "code": ended.code,
                    "signal": ended.signal,
                    "offset": ended.offset,
                },
            )


def tell_end(terminal: Terminal) -> None:
    """Say that the terminal is gone; it has no viewers afterwards."""
    viewers, terminal.viewers = terminal.viewers, ()
    for viewer in viewers:
        viewer.port.send("terminal:term_ended", viewer.number)
