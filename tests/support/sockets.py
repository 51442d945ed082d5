"""Two connected sockets."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager

Pair = tuple[socket.socket, socket.socket]


@contextmanager
def nonblocking_pair() -> Iterator[Pair]:
    """Two sockets that are connected to each other and do not block."""
    left, right = socket.socketpair()
    with left, right:
        left.setblocking(False)
        right.setblocking(False)
        yield left, right
