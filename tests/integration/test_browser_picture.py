"""Draws the picture of the documentation; with GOTWIST_SCREENSHOT=1 it is also kept."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from tests.integration.browser import BrowserTestCase

PICTURE = Path(__file__).resolve().parents[2] / "docs" / "screenshot.png"
MAX_BYTES = 200_000
#: Beside the editor: what a shell looks like here, in all of its colours.
COLOURS = """clear; ls --color=always -x /usr /usr/share/man | head -12
for row in 0 1 2 3 4 5; do for column in $(seq 0 17); do
printf '\\033[48;5;%dm  ' $((16 + row * 6 + column % 6 + column / 6 * 72)); done
printf '\\033[m\\n'; done; PS1='$ ' exec bash --norc
"""
TMUX = (
    "tmux -f /dev/null -S tmux "
    'new \'vim --clean -c "syntax on" -c "set number" -c "hi Normal ctermbg=NONE" fleet.py\' '
    "\\; set status-right '' \\; set status-style fg=cyan,reverse \\; "
    "split-window -h -l 42 'bash colours' \\; select-pane -L\n"
)
CODE = '''"""Says which machines of the fleet answer, and how fast."""

import asyncio
import time

FLEET = ["alder", "birch", "cedar", "maple", "rowan", "willow"]
DEADLINE_S = 2.0


async def ask(name: str) -> float | None:
    """Seconds until a machine's door opens; None when it stays shut."""
    start = time.monotonic()
    try:
        async with asyncio.timeout(DEADLINE_S):
            _, writer = await asyncio.open_connection(name, 22)
    except OSError:  # nobody there, or nobody in time
        return None
    writer.close()
    return time.monotonic() - start


async def main() -> None:
    answers = await asyncio.gather(*map(ask, FLEET))
    for name, seconds in zip(FLEET, answers, strict=True):
        mark = "\u2714" if seconds is not None else "\u2718"
        print(f"{mark} {name:10} {(seconds or 0) * 1000:6.1f} ms")


asyncio.run(main())
'''


class PictureTests(BrowserTestCase):
    def test_picture(self) -> None:
        """Two terminals, one of them with programs in colour, fit into a small picture."""
        daemon = self.daemon()
        (daemon.home / "fleet.py").write_text(CODE)
        (daemon.home / "colours").write_text(COLOURS)
        end = ["tmux", "-S", str(daemon.home / "tmux"), "kill-server"]
        self.addCleanup(subprocess.run, end, capture_output=True, check=False)
        daemon.start()
        size = {"width": 1280, "height": 800}
        tab = self.tab(daemon.first_link(), viewport=size, color_scheme="dark")
        tab.type("printf '\\e]2;monitor\\a'; htop -d 100\n")
        tab.until_text("Load average")
        tab.press("Control+Shift+T")
        tab.until("gotwist.terminals().length === 2 && gotwist.terminals()[1].drawn > 0")
        tab.type("printf '\\e]2;fleet.py\\a'; " + TMUX)
        tab.until_text("import asyncio")
        tab.type("11G")
        tab.settle()
        picture = tab.page.screenshot()
        self.assertTrue(picture.startswith(b"\x89PNG"))
        self.assertLess(len(picture), MAX_BYTES)
        if os.environ.get("GOTWIST_SCREENSHOT") == "1":
            PICTURE.write_bytes(picture)
        self.assert_clean(tab)
