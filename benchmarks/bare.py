"""The bare limit without a C compiler: a pseudo-terminal copied to a TCP socket.

Run as ``python bare.py PORTFILE PROGRAM [ARGUMENT...]``; the twin of ``bare.c``.
"""

import os
import pty
import select
import signal
import socket
import sys
from pathlib import Path
from typing import NoReturn


def serve(peer: socket.socket, argv: list[str]) -> NoReturn:
    """Run the program and copy both ways until one side ends."""
    pid, master = pty.fork()
    if pid == 0:
        os.execvp(argv[0], argv)
    peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    poll = select.poll()
    poll.register(master, select.POLLIN)
    poll.register(peer, select.POLLIN)
    try:
        while True:
            for fd, _ in poll.poll():
                data = os.read(fd, 65536)
                if not data:
                    os._exit(0)
                if fd == master:
                    peer.sendall(data)
                else:
                    os.write(master, data)
    except OSError:
        os._exit(0)


def main(port_file: str, argv: list[str]) -> NoReturn:
    """Listen on loopback and fork one server per connection."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    with socket.create_server(("127.0.0.1", 0), backlog=1024) as door:
        Path(port_file).write_text(f"{door.getsockname()[1]}\n", encoding="ascii")
        while True:
            peer, _ = door.accept()
            if os.fork() == 0:
                door.close()
                serve(peer, argv)
            peer.close()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
