"""asyncio's transports of sockets, which are quicker here where a message fits into one read or write.

They read 64 KiB at a time, and 256 KiB once a message has filled that. asyncio reads 256 KiB each time. The C library
does not keep such large blocks of memory: it may get one from the system for every message, and give it back. For 1 KiB
through a socket pair that takes 12 µs of 15, on CPython 3.13 and glibc 2.36: `echo-protocol` of the benchmarks.

The 64 KiB are the same for all connections of a loop. A block for each message, cut to its length, would leave
holes in the memory that nothing else fits into: up to 1,500 bytes a connection in `idle-connection` of the benchmarks.
"""

from __future__ import annotations

import asyncio
import socket
import sys
from asyncio import selector_events
from collections import deque
from contextvars import Context, copy_context
from typing import TYPE_CHECKING, Any

from kernel.core import Kernel

from .current import leave
from .handles import Handle, run_in

USUAL = 65536  # bytes to ask for
MOST = 262144  # after a message has filled that

NO_DATA = ()  # the buffer of every transport that has not needed one
LATER = ("_buffer_size", "_context") if sys.version_info >= (3, 15) else ()  # attributes that asyncio has added since
new_buffer: Any = deque if sys.version_info >= (3, 12) else bytearray

if TYPE_CHECKING:

    class _SocketTransport:
        _buffer: Any
        _buffer_size: int
        _closing: bool
        _conn_lost: int
        _context: Any
        _empty_waiter: Any
        _eof: bool
        _extra: dict[str, Any]
        _loop: Any
        _paused: bool
        _protocol: Any
        _protocol_connected: bool
        _sock: Any
        _sock_fd: int
        _write_ready: Any
        max_size: int

        def __init__(self, *args: Any, **kwargs: Any) -> None: ...
        def _add_writer(self, *args: Any) -> None: ...
        def _fatal_error(self, exc: BaseException, message: str) -> None: ...
        def _maybe_pause_protocol(self) -> None: ...
        def _read_ready__get_buffer(self) -> None: ...
        def _read_ready__on_eof(self) -> None: ...
        def is_reading(self) -> bool: ...
        def write(self, data: bytes | bytearray | memoryview) -> None: ...
        def writelines(self, list_of_data: Any) -> None: ...
else:
    _SocketTransport = selector_events._SelectorSocketTransport


class Reader:
    """The listener of a transport. In asyncio it is a Handle with a bound method, which takes 120 bytes more."""

    __slots__ = ("context", "read", "transport")

    once = False
    endpoint = None

    def __init__(self, transport: Any) -> None:
        self.transport: Any = transport  # None when it is cancelled
        self.read: Any = type(transport)._read_ready  # to call it makes no bound method: `echo-protocol`
        context = transport._context if sys.version_info >= (3, 15) else None
        self.context = copy_context() if context is None else context

    def cancel(self) -> None:
        self.transport = None

    def fire(self, kernel: Kernel) -> None:
        kernel.ready.append(self)

    def run(self, kernel: Kernel) -> None:
        transport = self.transport
        if transport is None:
            return
        loop = transport._loop  # the transport may have none afterwards
        if kernel.current is not None:
            kernel.current = None
            leave(loop, None)
        try:
            run_in(self.context, self.read, transport)
        except (SystemExit, KeyboardInterrupt):
            raise
        except BaseException as error:
            self.handle(transport, loop).report(error)
        del self, transport  # for the reason given in Handle.run

    def handle(self, transport: Any, loop: Any) -> Handle:
        """What asyncio has in the place of this object."""
        return Handle(transport._read_ready, (), loop, self.context)

    def fail(self, kernel: Kernel, error: OSError) -> None:
        if self.transport is not None:
            self.handle(self.transport, self.transport._loop).fail(kernel, error)

    def __repr__(self) -> str:
        transport = self.transport
        return "<Handle cancelled>" if transport is None else repr(self.handle(transport, transport._loop))


class SocketTransport(_SocketTransport):
    """A connection of a stream socket. Everything unusual is left to the base class.

    asyncio's transport has slots and a dict. For such an object CPython 3.13 looks up each attribute by its name, and
    the dict takes 350 bytes. Here every attribute has a slot: `echo-protocol` and `idle-connection` of the benchmarks.
    """

    __slots__ = ("_buffer", "_closing", "_conn_lost", "_empty_waiter", "_eof", "_paused", "_protocol",
                 "_protocol_connected", "_read_ready_cb", "_reads_into", "_server", "_sock", "_sock_fd", "max_size",
                 *LATER)

    def __init__(self, loop: Any, sock: socket.socket, *args: Any, **options: Any) -> None:
        self._sock = None  # asked for by `__del__`, also when the next line fails
        super().__init__(loop, sock, *args, **options)
        self._buffer = NO_DATA
        self.max_size = USUAL
        if loop.incoming is None:
            loop.have_incoming()
        name = self._extra["sockname"]
        if name == loop.last_sockname:  # of the last connection: those of a server share it, `idle-connection`
            self._extra["sockname"] = loop.last_sockname
        else:
            loop.last_sockname = name
        # asyncio sets this option only for a socket that was made with the number of its protocol. The sockets that
        # uvicorn accepts, for example, were not: without the option an answer in two pieces takes 40 ms.
        if sock.proto == 0 and sock.type == socket.SOCK_STREAM and sock.family in (socket.AF_INET, socket.AF_INET6):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self._reads_into = isinstance(protocol, asyncio.BufferedProtocol)
        self._protocol = protocol
        self._protocol_connected = True

    def _add_reader(self, fd: int, callback: object) -> None:
        if self.is_reading():
            self._loop.listen(fd, False, Reader(self))

    def _read_ready(self) -> None:
        if self._reads_into:
            self._read_ready__get_buffer()
            return
        if self._conn_lost:
            return
        try:
            if self.max_size == USUAL:
                incoming = self._loop.incoming
                data = incoming[:self._sock.recv_into(incoming)]
            else:
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
        usual = type(data) is bytes or type(data) is bytearray
        if not usual or self._buffer or self._conn_lost or self._eof or self._empty_waiter or not data:
            self._have_buffer()
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
            self._send_later(memoryview(data)[sent:] if sent else data)

    def _send_later(self, data: bytes | bytearray | memoryview) -> None:
        """Keep what the system did not take. The base class would first try to send it once more."""
        self._have_buffer()
        if sys.version_info >= (3, 15):
            self._add_writer(self._sock_fd, self._write_ready)
            self._buffer_size += len(data)
        else:
            self._loop._add_writer(self._sock_fd, self._write_ready)
        (self._buffer.append if sys.version_info >= (3, 12) else self._buffer.extend)(data)
        self._maybe_pause_protocol()

    def writelines(self, list_of_data: Any) -> None:
        self._have_buffer()
        super().writelines(list_of_data)

    def _have_buffer(self) -> None:
        """Make a buffer that the base class can fill. Most connections never need one, and a deque has 760 bytes."""
        if self._buffer is NO_DATA:
            self._buffer = new_buffer()

    if sys.version_info >= (3, 12):
        # asyncio gives each transport a bound method. That takes 80 bytes, and refers to the transport in a circle.
        _write_ready = property(lambda self: self._write_sendmsg, lambda self, value: None)


def __getattr__(name: str) -> Any:
    """Take any other name from asyncio's module of the same name."""
    return getattr(asyncio.transports, name)
