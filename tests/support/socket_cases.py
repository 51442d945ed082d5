"""Sockets for cases that have to come out alike on real sockets and on simulated ones.

What another socket did arrives when the network wants it, so a case waits for what it wants to see. No socket made here
blocks.
"""

from __future__ import annotations

import errno
import os
import shutil
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import pytest

from kernel import sleep, wait_readable, wait_writable

LOCALHOST = "127.0.0.1"
ANY_PORT = (LOCALHOST, 0)
RESET = b"\1\0\0\0\0\0\0\0"  # of SO_LINGER: on, for no seconds


@contextmanager
def fails(code: int) -> Iterator[None]:
    """What is inside raises the `OSError` that belongs to `code`."""
    with pytest.raises(OSError) as caught:
        yield
    expected = OSError(code, "")
    assert (type(caught.value), caught.value.errno) == (type(expected), code), repr(caught.value)


def make(family: int = socket.AF_INET, kind: int = socket.SOCK_STREAM) -> socket.socket:
    sock = socket.socket(family, kind)
    sock.setblocking(False)
    return sock


def listening(address: Any = ANY_PORT, *, family: int = socket.AF_INET, backlog: int = 10) -> socket.socket:
    sock = make(family)
    sock.bind(address)
    sock.listen(backlog)
    return sock


def bound(address: Any = ANY_PORT, *, family: int = socket.AF_INET) -> socket.socket:
    """A socket for datagrams."""
    sock = make(family, socket.SOCK_DGRAM)
    sock.bind(address)
    return sock


def pending_error(sock: socket.socket) -> int:
    return sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)


def closed_port() -> int:
    """A port at which nobody is."""
    with listening() as sock:
        port: int = sock.getsockname()[1]
    return port


async def connect(sock: socket.socket, address: Any) -> None:
    code = sock.connect_ex(address)
    if code == errno.EINPROGRESS:
        await wait_writable(sock)
        code = pending_error(sock)
    if code:
        raise OSError(code, "connect")


async def accept(sock: socket.socket) -> socket.socket:
    await wait_readable(sock)
    accepted, _ = sock.accept()
    accepted.setblocking(False)
    return accepted


@asynccontextmanager
async def connected(family: int = socket.AF_INET, address: Any = ANY_PORT) -> AsyncIterator[tuple[socket.socket,
                                                                                                  socket.socket]]:
    """A client, and the server's end of its connection."""
    with listening(address, family=family) as listener, make(family) as client:
        await connect(client, listener.getsockname())
        with await accept(listener) as server:
            yield client, server


@contextmanager
def pair(family: int = socket.AF_UNIX, kind: int = socket.SOCK_STREAM) -> Iterator[tuple[socket.socket, socket.socket]]:
    left, right = socket.socketpair(family, kind)
    with left, right:
        left.setblocking(False)
        right.setblocking(False)
        yield left, right


async def receive(sock: socket.socket, size: int = 65536) -> bytes:
    """What is there first."""
    await wait_readable(sock)
    return sock.recv(size)


async def arrived(sock: socket.socket, size: int) -> None:
    """Wait until so many bytes can be read at once: a network may bring them in pieces."""
    await wait_readable(sock)
    while len(sock.recv(size, socket.MSG_PEEK)) < size:
        await sleep(0.01)


async def receive_exactly(sock: socket.socket, size: int) -> bytes:
    data = bytearray()
    while len(data) < size:
        part = await receive(sock, size - len(data))
        assert part, f"the end came after {len(data)} of {size} bytes"
        data += part
    return bytes(data)


async def receive_until_end(sock: socket.socket) -> bytes:
    data = bytearray()
    while part := await receive(sock):
        data += part
    return bytes(data)


async def send_all(sock: socket.socket, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        await wait_writable(sock)
        rest = rest[sock.send(rest):]


def fill(sock: socket.socket, size: int = 65536) -> int:
    """Send until the socket takes no more; return how many bytes it took."""
    sent = 0
    try:
        while True:
            sent += sock.send(bytes(size))
    except BlockingIOError:
        return sent


@contextmanager
def directory() -> Iterator[Path]:
    """A new directory, whose path is short enough for the name of a socket, and the same in every run."""
    path = Path(f"/tmp/trampoline-sockets-{os.getpid()}")
    path.mkdir()
    try:
        yield path
    finally:
        shutil.rmtree(path)
