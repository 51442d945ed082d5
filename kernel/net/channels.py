"""What is below a stream: it receives and sends without ever waiting."""

from __future__ import annotations

import errno
import os
import socket
from functools import partial
from typing import IO, Protocol, Union

Data = Union[bytes, bytearray, memoryview]

# How much is received at a time. The C library's allocator takes a new mapping from the system for a larger block,
# which costs more than receiving 64 KiB does.
CHUNK = 65536
# So many times a single request receives, or sends; then others have their turn. A peer that is fast enough could
# otherwise keep the kernel for as long as it likes: with data, or with TLS records that bring none.
ROUNDS = 16
# So many writes in a row go past the kernel; then the writing task goes to the end of the ready queue, lest a peer that
# reads as fast as it writes keep all other tasks waiting.
BURST = 16


class Channel(Protocol):
    """What a stream reads from and writes to. Nothing here waits: `BlockingIOError` says that the caller should."""

    def receive(self, limit: int, /) -> bytes:
        """At most `limit` bytes, b"" at the end; fewer than `limit` mean that no more are there now."""

    def send(self, data: Data, /) -> int:
        """Take some of `data` and return how many bytes."""

    def flush(self) -> None:
        """Do nothing when all that was taken is with the operating system; else get on with that."""

    def end_writing(self) -> None:
        """Tell the other side that nothing more will come."""

    def close(self) -> None:
        """Release the descriptor."""


class SocketChannel:
    """A connected, non-blocking socket."""

    def __init__(self, sock: socket.socket) -> None:
        self.socket = sock
        self.receive = sock.recv
        self.send = sock.send
        self.close = sock.close

    def flush(self) -> None:
        pass

    def end_writing(self) -> None:
        self.socket.shutdown(socket.SHUT_WR)


class PipeChannel:
    """One end of a pipe, an unbuffered file, without blocking."""

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
