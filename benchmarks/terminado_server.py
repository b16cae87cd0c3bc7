"""The smallest terminado server: ``/unique`` a terminal each, ``/shared/NAME`` one for all.

Run by terminado's own interpreter as ``python terminado_server.py PORTFILE PROGRAM...``.
"""

import asyncio
import sys
from pathlib import Path

import terminado  # type: ignore[import-not-found, unused-ignore]
import tornado.httpserver  # type: ignore[import-not-found, unused-ignore]
import tornado.netutil  # type: ignore[import-not-found, unused-ignore]
import tornado.web  # type: ignore[import-not-found, unused-ignore]


async def main(port_file: str, argv: list[str]) -> None:
    """Serve on loopback until ended."""
    unique = terminado.UniqueTermManager(shell_command=argv)
    shared = terminado.NamedTermManager(shell_command=argv)
    application = tornado.web.Application(
        [
            (r"/(unique)", terminado.TermSocket, {"term_manager": unique}),
            (r"/shared/(\w+)", terminado.TermSocket, {"term_manager": shared}),
        ]
    )
    doors = tornado.netutil.bind_sockets(0, "127.0.0.1", backlog=1024)
    tornado.httpserver.HTTPServer(application).add_sockets(doors)
    Path(port_file).write_text(f"{doors[0].getsockname()[1]}\n", encoding="ascii")
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2:]))
