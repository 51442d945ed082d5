"""asyncio's transports of sockets and pipes, which are quicker here where a message fits into one read or write.

They read 64 KiB at a time, and 256 KiB once a message has filled that. asyncio reads 256 KiB each time. The C library
does not keep such large blocks of memory: it may get one from the system for every message, and give it back. For 1 KiB
through a socket pair that takes 12 µs of 15, on CPython 3.13 and glibc 2.36. The benchmarks' `echo` rows show it.
"""

from __future__ import annotations

import asyncio
import socket
from asyncio import selector_events, unix_events
from typing import TYPE_CHECKING, Any

USUAL = 65536  # bytes to ask for
MOST = 262144  # after a message has filled that

if TYPE_CHECKING:

    class _SocketTransport:
        _buffer: Any
        _conn_lost: int
        _empty_waiter: Any
        _eof: bool
        _protocol: Any
        _sock: Any
        max_size: int

        def __init__(self, *args: Any, **kwargs: Any) -> None: ...
        def _fatal_error(self, exc: BaseException, message: str) -> None: ...
        def _read_ready__data_received(self) -> None: ...
        def _read_ready__on_eof(self) -> None: ...
        def write(self, data: bytes | bytearray | memoryview) -> None: ...

    class _DatagramTransport:
        _extra: dict[str, Any]
        _sock: Any

        def __init__(self, *args: Any, **kwargs: Any) -> None: ...

    class _ReadPipeTransport:
        def __init__(self, *args: Any, **kwargs: Any) -> None: ...
else:
    _SocketTransport = selector_events._SelectorSocketTransport
    _DatagramTransport = selector_events._SelectorDatagramTransport
    _ReadPipeTransport = unix_events._UnixReadPipeTransport


class SocketTransport(_SocketTransport):
    """A connection of a stream socket. Everything unusual is left to the base class."""

    max_size = USUAL

    def __init__(self, loop: Any, sock: socket.socket, *args: Any, **options: Any) -> None:
        super().__init__(loop, sock, *args, **options)
        # asyncio sets this option only for a socket that was made with the number of its protocol. The sockets that
        # uvicorn accepts, for example, were not: without the option an answer in two pieces takes 40 ms.
        if sock.proto == 0 and sock.type == socket.SOCK_STREAM and sock.family in (socket.AF_INET, socket.AF_INET6):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def _read_ready__data_received(self) -> None:
        if self._conn_lost:
            return
        try:
            data = self._sock.recv(self.max_size)
        except (BlockingIOError, InterruptedError):
            return
        except (SystemExit, KeyboardInterrupt):
            raise
        except BaseException as error:
            self._fatal_error(error, "Fatal read error on socket transport")
            return
        if not data:
            self._read_ready__on_eof()
            return
        if len(data) == USUAL == self.max_size:
            self.max_size = MOST
        try:
            self._protocol.data_received(data)
        except (SystemExit, KeyboardInterrupt):
            raise
        except BaseException as error:
            self._fatal_error(error, "Fatal error: protocol.data_received() call failed.")

    def write(self, data: bytes | bytearray | memoryview) -> None:
        if type(data) is not bytes or self._buffer or self._conn_lost or self._eof or self._empty_waiter or not data:
            super().write(data)
            return
        try:
            sent = self._sock.send(data)
        except (BlockingIOError, InterruptedError):
            sent = 0
        except (SystemExit, KeyboardInterrupt):
            raise
        except BaseException as error:
            self._fatal_error(error, "Fatal write error on socket transport")
            return
        if sent < len(data):
            super().write(memoryview(data)[sent:])  # it tries once more, and then waits


class DatagramTransport(_DatagramTransport):
    """A datagram socket. A UDP datagram has at most 64 KiB. One of a Unix socket may be longer, and must not be cut."""

    def __init__(self, loop: Any, sock: socket.socket, *args: Any, **options: Any) -> None:
        super().__init__(loop, sock, *args, **options)
        self.max_size = USUAL if sock.family in (socket.AF_INET, socket.AF_INET6) else MOST
        if self._extra["peername"] == "":
            self._sock = Paired(sock)


class Paired:
    """A socket of a socket pair. Its peer has the name "", so asyncio takes it for unconnected and calls `sendto`."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock

    def sendto(self, data: bytes, address: Any) -> int:
        return self._sock.sendto(data, address) if address else self._sock.send(data)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sock, name)


class ReadPipeTransport(_ReadPipeTransport):
    """A pipe to read from. Linux keeps at most 64 KiB in a pipe, unless it is told to keep more."""

    max_size = USUAL


def __getattr__(name: str) -> Any:
    """Take any other name from asyncio's module of the same name."""
    return getattr(asyncio.transports, name)
