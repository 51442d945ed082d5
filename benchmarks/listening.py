"""Where the servers of the workloads listen, and how they wait without end."""

from __future__ import annotations

import asyncio
import os
import socket
import tempfile

HOST = "127.0.0.1"
BACKLOG = 1024


def listen() -> socket.socket:
    """A listening socket that does not block."""
    listener = socket.create_server((HOST, 0), backlog=BACKLOG)
    listener.setblocking(False)
    return listener


def new_path() -> str:
    """A path at which there is nothing yet, for a Unix socket."""
    return os.path.join(tempfile.mkdtemp(prefix="benchmarks-"), "socket")


async def forever() -> None:
    """Wait without end. `Server.serve_forever` would do, but rloop's stops listening."""
    await asyncio.get_running_loop().create_future()
