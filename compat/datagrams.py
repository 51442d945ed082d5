"""asyncio's transports of datagrams, which receive several at a time here where nothing else is to be done."""

from __future__ import annotations

import socket
import sys
from asyncio import selector_events
from collections import deque
from typing import TYPE_CHECKING, Any

from .transports import MOST, NO_DATA, USUAL, Reader

BURST = 32  # datagrams; then the loop looks at its other descriptors
LATER = ("_context",) if sys.version_info >= (3, 15) else ()  # an attribute that asyncio has added since
PATIENCE = 16  # how often the loop finds one datagram before a transport looks for a second

if TYPE_CHECKING:

    class _DatagramTransport:
        _address: Any
        _buffer: Any
        _conn_lost: int
        _extra: dict[str, Any]
        _loop: Any
        _paused: bool
        _protocol: Any
        _sock: Any
        max_size: int

        def __init__(self, *args: Any, **kwargs: Any) -> None: ...
        def _fatal_error(self, exc: BaseException, message: str) -> None: ...
        def is_reading(self) -> bool: ...
        def sendto(self, data: Any, addr: Any = None) -> None: ...
else:
    _DatagramTransport = selector_events._SelectorDatagramTransport


class DatagramTransport(_DatagramTransport):
    """A datagram socket. Every attribute has a slot, as in `SocketTransport`."""

    __slots__ = ("_address", "_buffer", "_buffer_size", "_closing", "_conn_lost", "_found", "_paused", "_protocol",
                 "_protocol_connected", "_server", "_sock", "_sock_fd", "_to_look_for", "max_size", *LATER)

    def __init__(self, loop: Any, sock: socket.socket, *args: Any, **options: Any) -> None:
        self._sock = None  # asked for by `__del__`, also when the next line fails
        super().__init__(loop, sock, *args, **options)
        self._buffer = NO_DATA
        self._to_look_for = 1
        self._found = 0
        # A UDP datagram has at most 64 KiB. One of a Unix socket may be longer, and must not be cut.
        self.max_size = USUAL if sock.family in (socket.AF_INET, socket.AF_INET6) else MOST
        if self._extra["peername"] == "":
            self._sock = Paired(sock)

    def _add_reader(self, fd: int, callback: object) -> None:
        if self.is_reading():
            self._loop.listen(fd, False, Reader(self))

    def _read_ready(self) -> None:
        """Receive a datagram, and more while nothing else is ready to run.

        asyncio receives one in each iteration of its loop. A program cannot tell the difference: what it has made ready
        comes before the next datagram, and so does `stop()`.

        The attempt to receive a datagram that is not there costs as much as an iteration. So after such an attempt
        there is no other until the loop has found 16 times that there was a datagram. `echo-udp` of the benchmarks
        takes a fifth less time by this.
        """
        kernel = self._loop.kernel
        wanted = 1 if kernel.debug else self._to_look_for  # debug mode measures each call
        for number in range(wanted):
            if self._conn_lost or number and (kernel.ready or kernel.turn_ends or not self.is_reading()):
                return
            try:
                data, address = self._sock.recvfrom(self.max_size)
            except (BlockingIOError, InterruptedError):
                self._to_look_for = 1
                self._found = 0
                return
            except OSError as error:
                self._protocol.error_received(error)
                return
            except (SystemExit, KeyboardInterrupt):
                raise
            except BaseException as error:
                self._fatal_error(error, "Fatal read error on datagram transport")
                return
            self._protocol.datagram_received(data, address)
        self._found += 1
        if self._found >= PATIENCE or wanted > 1:
            self._to_look_for = min(2 * wanted, BURST)

    def sendto(self, data: Any, addr: Any = None) -> None:
        address = self._address
        if (type(data) is not bytes or self._buffer or self._conn_lost or not data
                or address is not None and addr is not None):
            self._send_unusual(data, addr)
            return
        try:
            if self._extra["peername"]:
                self._sock.send(data)
            else:
                self._sock.sendto(data, address if addr is None else addr)
        except (BlockingIOError, InterruptedError):
            self._send_unusual(data, addr)
        except OSError as error:
            self._protocol.error_received(error)
        except (SystemExit, KeyboardInterrupt):
            raise
        except BaseException as error:
            self._fatal_error(error, "Fatal write error on datagram transport")

    def _send_unusual(self, data: Any, addr: Any) -> None:
        if self._buffer is NO_DATA:
            self._buffer = deque()
        super().sendto(data, addr)


class Paired:
    """A socket of a socket pair. Its peer has the name "", so asyncio takes it for unconnected and calls `sendto`."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock

    def sendto(self, data: bytes, address: Any) -> int:
        return self._sock.sendto(data, address) if address else self._sock.send(data)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sock, name)
