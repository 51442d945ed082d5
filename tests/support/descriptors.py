"""The descriptors of this process."""

from __future__ import annotations

import os
import resource
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest


def open_descriptors() -> int:
    """How many there are."""
    return len(os.listdir("/dev/fd"))


@contextmanager
def no_descriptors_left() -> Iterator[None]:
    """While inside, nothing can be opened."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(map(int, os.listdir("/dev/fd"))) + 1, hard))
    plugs = []
    try:
        with pytest.raises(OSError):
            while True:
                plugs.append(os.dup(0))
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        for plug in plugs:
            os.close(plug)


def fill(sender: socket.socket) -> int:
    """Write until the socket, which does not block, takes no more; return how many bytes it took."""
    sent = 0
    try:
        while True:
            sent += sender.send(bytes(65536))
    except BlockingIOError:
        return sent


def listening_at(port: int) -> socket.socket:
    """Another name of this process for the socket that listens there."""
    for name in os.listdir("/dev/fd"):
        with suppress(OSError):
            sock = socket.socket(fileno=os.dup(int(name)))
            if sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN) and sock.getsockname()[1] == port:
                return sock
            sock.close()
    raise AssertionError("nobody listens there")
