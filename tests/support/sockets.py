"""Pairs of connected sockets."""

from __future__ import annotations

import socket

Pair = tuple[socket.socket, socket.socket]


def fill(sender: socket.socket) -> int:
    """Write until the socket takes no more; return how many bytes it took."""
    sent = 0
    try:
        while True:
            sent += sender.send(bytes(65536))
    except BlockingIOError:
        return sent
