"""Channels: the sockets and pipes below a stream, which receive and send without ever waiting."""

from __future__ import annotations

import errno
import os
import socket
from functools import partial
from typing import IO, Protocol, Union

Data = Union[bytes, bytearray, memoryview]

# How many bytes are received at a time. For a larger block, the C library's allocator asks the system for a new
# mapping, and that takes longer than receiving 64 KiB.
CHUNK = 65536
# How often one attempt receives, or sends; then other tasks have their turn. Without this limit a fast peer could keep
# the kernel busy for as long as it likes, with data, or with TLS records that carry no data.
ROUNDS = 16
# How many writes in a row a task makes without the kernel; then it goes to the end of the ready queue. Without this
# limit a task whose peer reads as fast as the task writes would keep all other tasks waiting.
BURST = 16


class Channel(Protocol):
    """What a stream receives from and sends to. No method waits: `BlockingIOError` says that the caller has to."""

    def receive(self, limit: int, /) -> bytes:
        """Receive at most `limit` bytes; b"" at the end. Fewer than `limit` mean that no more are there now."""

    def send(self, data: Data, /) -> int:
        """Take some of `data`, and return how many bytes were taken."""

    def flush(self) -> None:
        """Pass what `send` has taken to the operating system; `BlockingIOError` while some of it is left."""

    def end_writing(self) -> None:
        """Tell the peer that nothing more will come."""

    def close(self) -> None:
        """Release the descriptor."""


class SocketChannel:
    """A connected, non-blocking socket."""

    __slots__ = ("receive", "send", "socket")

    def __init__(self, sock: socket.socket) -> None:
        self.socket = sock
        self.receive = sock.recv
        self.send = sock.send

    def close(self) -> None:
        self.socket.close()

    def flush(self) -> None:
        pass

    def end_writing(self) -> None:
        self.socket.shutdown(socket.SHUT_WR)


class PipeChannel:
    """One end of a pipe, an unbuffered file, which this makes non-blocking."""

    def __init__(self, file: IO[bytes]) -> None:
        self._descriptor = file.fileno()
        os.set_blocking(self._descriptor, False)
        self.receive = partial(os.read, self._descriptor)
        self.send = partial(os.write, self._descriptor)
        self.close = file.close

    def flush(self) -> None:
        pass

    def end_writing(self) -> None:
        raise OSError(errno.ENOTSUP, "a pipe has one direction; close it to end it")
